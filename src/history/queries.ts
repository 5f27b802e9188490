/**
 * The questions that people ask the history. Read-only, each by an index; no text for terminals.
 */

import type Database from 'better-sqlite3';
import { dayOf } from './days.ts';
import { ancestorsOf, endOfSubtree } from './names.ts';
import { VERDICT_ALLOWED, VERDICT_DENIED, VERDICT_FAILED, VERDICT_WOULD_DENY } from './record.ts';
import {
  type NameRow,
  nameRow,
  narrowedRow,
  PAIR_COLUMNS,
  type PairRow,
  pairRow,
  type RawName,
  type RawPair,
  type RawWorkload,
  soleName,
  type WorkloadRow,
  workloadRow,
} from './rows.ts';

/** A suffix with more domains than this is looked up by time and not by name: it is so common
 * (`com`) that a walk through time meets enough of it. */
const DOMAINS_BY_NAME = 20_000;

export interface Filter {
  /** Workload name, or null for all. */
  readonly workload: string | null;
  /** Lower bound, ms since the epoch; 0 for all. */
  readonly sinceMs: number;
  /** Rows at most; -1 for all. */
  readonly limit: number;
}

/** `exact`: that name. `subtree`: and every name below it. */
export type Reach = 'exact' | 'subtree';

export class HistoryQueries {
  readonly #db: Database.Database;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  /** Every workload that was ever heard, by name. `sinceMs` bounds the last time. */
  workloads({ workload, sinceMs, limit }: Filter): WorkloadRow[] {
    const sql = `
SELECT * FROM workload WHERE last_ms >= ? AND (? IS NULL OR name = ?) ORDER BY name LIMIT ?`;
    const statement = this.#db.prepare<unknown[], RawWorkload>(sql);
    return statement.all(sinceMs, workload, workload, limit).map(workloadRow);
  }

  /** Whether the history has heard of a workload of that name. */
  knowsWorkload(name: string): boolean {
    return this.#workloadId(name) !== undefined;
  }

  /** Pairs first seen since then, oldest first; a limit keeps the newest. */
  firstSeen({ workload, sinceMs, limit }: Filter): PairRow[] {
    const id = workload === null ? null : this.#workloadId(workload);
    if (id === undefined) return [];
    const sql = `
SELECT ${PAIR_COLUMNS} FROM pair p
CROSS JOIN workload w ON w.id = p.workload_id CROSS JOIN domain d ON d.id = p.domain_id
WHERE ${id === null ? '' : 'p.workload_id = @id AND'} p.first_ms >= @sinceMs
ORDER BY p.first_ms DESC LIMIT @limit`;
    const raws = this.#pairs(sql).all(id === null ? { sinceMs, limit } : { id, sinceMs, limit });
    return raws.reverse().map(pairRow);
  }

  /** What a workload asked for, in the order of first seen; `sinceMs` bounds the last time. */
  ofWorkload({ workload, sinceMs, limit }: Filter & { readonly workload: string }): PairRow[] {
    const id = this.#workloadId(workload);
    if (id === undefined) return [];
    const sql = `
SELECT ${PAIR_COLUMNS} FROM pair p INDEXED BY pair_by_workload
CROSS JOIN workload w ON w.id = p.workload_id CROSS JOIN domain d ON d.id = p.domain_id
WHERE p.workload_id = @id AND p.last_ms >= @sinceMs
ORDER BY p.first_ms DESC LIMIT @limit`;
    return this.#pairs(sql).all({ id, sinceMs, limit }).reverse().map(pairRow);
  }

  /**
   * Who asked for a name, who first: registrable domains that are the name (or below it), and
   * where the name lies below a registrable domain, the detail that is held of it.
   *
   * @param reversed the name in the form of `names.ts`
   */
  ofName(reversed: string, reach: Reach, filter: Filter): PairRow[] {
    const id = filter.workload === null ? null : this.#workloadId(filter.workload);
    if (id === undefined) return [];
    const rows = this.#ofDomains(reversed, reach, { ...filter, id });
    for (const ancestor of ancestorsOf(reversed).slice(1)) {
      rows.push(...this.#ofDetail(ancestor, reversed, reach, { ...filter, id }));
    }
    rows.sort((a, b) => a.firstMs - b.firstMs);
    return filter.limit < 0 ? rows : rows.slice(0, filter.limit);
  }

  /** Queries at or below the name that were counted without detail, and so may be missing. */
  foldedAbove(reversed: string): number {
    const sql = `
SELECT coalesce(sum(p.folded), 0) FROM domain d JOIN pair p ON p.domain_id = d.id
WHERE d.name_rev = ?`;
    const statement = this.#db.prepare<[string], number>(sql).pluck();
    const above = ancestorsOf(reversed).slice(1);
    return above.reduce((sum, ancestor) => sum + (statement.get(ancestor) ?? 0), 0);
  }

  /** Detail of a pair, in the order of first seen. */
  names(workload: string, domainReversed: string, limit: number): NameRow[] {
    const pair = this.#pairs(`
SELECT ${PAIR_COLUMNS} FROM workload w JOIN domain d JOIN pair p
  ON p.workload_id = w.id AND p.domain_id = d.id
WHERE w.name = @workload AND d.name_rev = @domain`).get({ workload, domain: domainReversed });
    if (pair === undefined) return [];
    const sole = soleName(pair);
    if (sole !== undefined) return [nameRow(domainReversed, sole)];
    const statement = this.#db.prepare<unknown[], RawName>(`
SELECT * FROM name WHERE workload_id = ? AND domain_id = ? ORDER BY first_ms, name_rev LIMIT ?`);
    const raws = statement.all(pair.workload_id, pair.domain_id, limit);
    return raws.map((raw) => nameRow(domainReversed, raw));
  }

  #ofDomains(from: string, reach: Reach, filter: Filter & { id: number | null }): PairRow[] {
    const { id, sinceMs, limit } = filter;
    const end = reach === 'exact' ? `${from}\0` : endOfSubtree(from);
    const common = this.#isCommon(from, end);
    if (common && id === null && sinceMs > 0) return this.#activeSince(from, end, filter);
    // The tables are walked in the order written; which comes first is what makes it quick.
    const byTime = id === null ? '' : 'INDEXED BY pair_by_workload';
    const joins = common
      ? `pair p ${byTime} CROSS JOIN domain d ON d.id = p.domain_id`
      : 'domain d CROSS JOIN pair p ON p.domain_id = d.id';
    const sql = `
SELECT ${PAIR_COLUMNS} FROM ${joins} CROSS JOIN workload w ON w.id = p.workload_id
WHERE d.name_rev >= @from AND d.name_rev < @end AND p.last_ms >= @sinceMs
  ${id === null ? '' : 'AND p.workload_id = @id'}
ORDER BY p.first_ms LIMIT @limit`;
    const values = { from, end, sinceMs, limit, ...(id === null ? {} : { id }) };
    return this.#pairs(sql).all(values).map(pairRow);
  }

  /**
   * The pairs of a common suffix that were asked for since then, first seen first.
   *
   * A walk through all that was ever seen may meet few of them, so the days of the last query are
   * walked one by one, each only up to the row that was the last one within the limit so far.
   */
  #activeSince(from: string, end: string, { sinceMs, limit }: Filter): PairRow[] {
    const select = (also: string) =>
      this.#pairs(`
SELECT ${PAIR_COLUMNS} FROM pair p INDEXED BY pair_by_day
CROSS JOIN domain d ON d.id = p.domain_id CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.last_day = @day AND p.first_ms <= @untilMs ${also}
  AND d.name_rev >= @from AND d.name_rev < @end
ORDER BY p.first_ms LIMIT @limit`);
    const wholeDay = select('');
    const [firstDay, lastDay] = this.#activeDays(sinceMs);
    let raws: RawPair[] = [];
    let untilMs = Number.MAX_SAFE_INTEGER;
    for (let day = lastDay; day >= firstDay; day--) {
      const values = { day, untilMs, from, end, limit };
      // Only of the day that `sinceMs` lies in the time of the last query matters.
      const isWhole = day > dayOf(sinceMs);
      const statement = isWhole ? wholeDay : select('AND p.last_ms >= @sinceMs');
      raws.push(...statement.all(isWhole ? values : { ...values, sinceMs }));
      raws.sort((a, b) => a.first_ms - b.first_ms);
      if (limit < 0 || raws.length < limit) continue;
      raws = raws.slice(0, limit);
      untilMs = raws.at(-1)?.first_ms ?? untilMs;
    }
    return raws.map(pairRow);
  }

  /** The days to look at, both included; none where the second is before the first. */
  #activeDays(sinceMs: number): readonly [number, number] {
    const sql = 'SELECT (SELECT min(last_day) FROM pair), (SELECT max(last_day) FROM pair)';
    const [min, max] = this.#db.prepare<[], (number | null)[]>(sql).raw().get() ?? [];
    return [Math.max(min ?? 0, dayOf(sinceMs)), max ?? -1];
  }

  #isCommon(from: string, end: string): boolean {
    const sql = `
SELECT count(*) FROM (SELECT 1 FROM domain WHERE name_rev >= ? AND name_rev < ? LIMIT ?)`;
    const statement = this.#db.prepare<unknown[], number>(sql).pluck();
    return (statement.get(from, end, DOMAINS_BY_NAME) ?? 0) >= DOMAINS_BY_NAME;
  }

  #ofDetail(
    domain: string,
    reversed: string,
    reach: Reach,
    filter: Filter & { id: number | null },
  ): PairRow[] {
    const sql = `
SELECT ${PAIR_COLUMNS} FROM domain d CROSS JOIN pair p ON p.domain_id = d.id
CROSS JOIN workload w ON w.id = p.workload_id
WHERE d.name_rev = @domain ${filter.id === null ? '' : 'AND p.workload_id = @id'}`;
    const values = filter.id === null ? { domain } : { domain, id: filter.id };
    const details = this.#db.prepare<unknown[], RawName>(`
SELECT * FROM name WHERE workload_id = ? AND domain_id = ? AND name_rev >= ? AND name_rev < ?
  AND last_ms >= ?`);
    const from = reversed.slice(domain.length);
    const end = reach === 'exact' ? `${from}\0` : endOfSubtree(from);
    const rows: PairRow[] = [];
    for (const raw of this.#pairs(sql).all(values)) {
      const found = details.all(raw.workload_id, raw.domain_id, from, end, filter.sinceMs);
      if (found.length === 0) found.push(...withoutRow(raw, from, end, filter.sinceMs));
      for (const detail of found) rows.push(narrowedRow(raw, detail));
    }
    return rows;
  }

  #workloadId(name: string): number | undefined {
    const statement = this.#db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?');
    return statement.pluck().get(name);
  }

  #pairs(sql: string): Database.Statement<[Record<string, unknown>], RawPair> {
    return this.#db.prepare<[Record<string, unknown>], RawPair>(sql);
  }
}

/**
 * Detail that has no row: of a pair that is all of one name, and of the first query, which is known
 * for ever, also where its detail was purged or folded.
 */
function withoutRow(raw: RawPair, from: string, end: string, sinceMs: number): RawName[] {
  const detail = soleName(raw) ?? firstOnly(raw);
  const { name_rev, last_ms } = detail;
  return name_rev < from || name_rev >= end || last_ms < sinceMs ? [] : [detail];
}

function firstOnly({ first_name, first_ms, first_verdict }: RawPair): RawName {
  const one = (...verdicts: number[]): number => (verdicts.includes(first_verdict) ? 1 : 0);
  return {
    name_rev: first_name,
    first_ms,
    last_ms: first_ms,
    allowed: one(VERDICT_ALLOWED, VERDICT_WOULD_DENY),
    denied: one(VERDICT_DENIED),
    would_deny: one(VERDICT_WOULD_DENY),
    failed: one(VERDICT_FAILED),
  };
}

/**
 * The questions that people ask the history. Read-only, each by an index; no text for terminals.
 *
 * Names are looked for in every stretch of their index (migrations.ts says why there are some).
 */

import type Database from 'better-sqlite3';
import { BaselineReading } from '../baseline/reading.ts';
import { type AnswerFilter, type AnswerRow, givenAddress } from './answer-queries.ts';
import { BindingQueries } from './binding-queries.ts';
import { dayOf, endOfDay } from './days.ts';
import { unpackFirst } from './first.ts';
import { NAME_SHIFT, PAIR_SHIFT } from './migrations.ts';
import { ancestorsOf, endOfSubtree } from './names.ts';
import { VERDICT_ALLOWED, VERDICT_DENIED, VERDICT_FAILED, VERDICT_WOULD_DENY } from './record.ts';
import {
  type DecisionTexts,
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
import { textsOf } from './texts.ts';
import { unpackIds } from './totals.ts';

/** A suffix with more pairs than this is looked up by time and not by name: it is so common
 * (`com`) that a walk through time meets enough of it. */
const PAIRS_BY_NAME = 20_000;

/** Pairs of a workload that are read with one statement. */
const READ_AT_ONCE = 500;

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

/** A range of reversed names, the second not in it. */
type Range = readonly [string, string];

const STRETCHES = `
WITH RECURSIVE stretch (number) AS (
  SELECT 0 UNION ALL SELECT number + 1 FROM stretch
  WHERE number < (SELECT coalesce(max(id), 0) >> ${PAIR_SHIFT} FROM pair))`;
const NAME_STRETCHES = `
WITH RECURSIVE stretch (number) AS (
  SELECT 0 UNION ALL SELECT number + 1 FROM stretch
  WHERE number < (SELECT coalesce(max(id), 0) >> ${NAME_SHIFT} FROM name))`;
/** Pairs whose domain lies in a range. */
const IN_RANGE = `
FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
  ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev >= @from AND p.name_rev < @end`;

export class HistoryQueries {
  readonly #db: Database.Database;
  readonly #texts: DecisionTexts;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#texts = textsOf(db);
  }

  /** Every workload that was ever heard, by name. `sinceMs` bounds the last time. */
  workloads({ workload, sinceMs, limit }: Filter): WorkloadRow[] {
    const sql = `
SELECT * FROM workload WHERE last_ms >= ? AND (? IS NULL OR name = ?) ORDER BY name LIMIT ?`;
    const statement = this.#db.prepare<unknown[], RawWorkload>(sql);
    return statement.all(sinceMs, workload, workload, limit).map(workloadRow);
  }

  /** What is usual for workloads at that time. */
  baselines(nowMs: number): BaselineReading {
    return new BaselineReading(this.#db, nowMs);
  }

  /** Which workload an address was. */
  bindings(): BindingQueries {
    return new BindingQueries(this.#db);
  }

  /** Who was given an address. @param address 16 octets, IPv4 mapped */
  givenAddress(address: Uint8Array, filter: AnswerFilter): AnswerRow[] {
    return givenAddress(this.#db, address, filter);
  }

  /** Whether the history has heard of a workload of that name. */
  knowsWorkload(name: string): boolean {
    return this.#workloadId(name) !== undefined;
  }

  /** Pairs first seen since then, oldest first; a limit keeps the newest. */
  firstSeen({ workload, sinceMs, limit }: Filter): PairRow[] {
    const raws =
      workload === null
        ? this.#newest(sinceMs, limit)
        : this.#ofWorkload(workload, limit, {
            where: 'p.first_ms >= @sinceMs',
            values: { sinceMs },
            sinceMs,
          });
    return this.#rows(raws);
  }

  /** What a workload asked for, in the order of first seen; `sinceMs` bounds the last time. */
  ofWorkload({ workload, sinceMs, limit }: Filter & { readonly workload: string }): PairRow[] {
    const where = 'p.last_ms >= @sinceMs';
    return this.#rows(
      this.#ofWorkload(workload, limit, { where, values: { sinceMs }, sinceMs: 0 }),
    );
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
    const rows = this.#ofDomains(rangeOf(reversed, reach), { ...filter, id });
    for (const ancestor of ancestorsOf(reversed).slice(1)) {
      const below = reversed.slice(ancestor.length);
      rows.push(...this.#ofDetail(ancestor, rangeOf(below, reach), { ...filter, id }));
    }
    rows.sort((a, b) => a.firstMs - b.firstMs);
    return filter.limit < 0 ? rows : rows.slice(0, filter.limit);
  }

  /** Queries at or below the name that were counted without detail, and so may be missing. */
  foldedAbove(reversed: string): number {
    const sql = `${STRETCHES} SELECT coalesce(sum(p.folded), 0) ${IN_RANGE}`;
    const statement = this.#db.prepare<[Record<string, string>], number>(sql).pluck();
    const above = ancestorsOf(reversed).slice(1);
    return above.reduce((sum, ancestor) => {
      const [from, end] = rangeOf(ancestor, 'exact');
      return sum + (statement.get({ from, end }) ?? 0);
    }, 0);
  }

  /** Detail of a pair, in the order of first seen. */
  names(workload: string, domainReversed: string, limit: number): NameRow[] {
    const id = this.#workloadId(workload);
    const [from, end] = rangeOf(domainReversed, 'exact');
    if (id === undefined) return [];
    const [pair] = this.#inRange('AND p.workload_id = @id', { from, end, id, limit: 1 });
    if (pair === undefined) return [];
    const sole = soleName(pair);
    if (sole !== undefined) return [nameRow(domainReversed, sole)];
    const statement = this.#db.prepare<unknown[], RawName>(`
${NAME_STRETCHES}
SELECT n.* FROM stretch CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = ?
ORDER BY n.first_ms, n.name_rev LIMIT ?`);
    return statement.all(pair.id, limit).map((raw) => nameRow(domainReversed, raw));
  }

  /**
   * The newest pairs, oldest first. They are among those of the last query's newest days: nothing
   * is heard for the last time before the first.
   */
  #newest(sinceMs: number, limit: number): RawPair[] {
    const statement = this.#pairs(`
SELECT ${PAIR_COLUMNS} FROM pair p INDEXED BY pair_by_day
CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.last_day = @day AND p.first_ms >= @sinceMs ORDER BY p.first_ms DESC LIMIT @limit`);
    const [firstDay, lastDay] = this.#activeDays(sinceMs);
    const newest = new Newest(limit);
    for (let day = lastDay; day >= firstDay && endOfDay(day) > newest.fullSinceMs; day--) {
      const fromMs = Math.max(sinceMs, newest.fullSinceMs);
      newest.add(statement.all({ day, sinceMs: fromMs, limit }));
    }
    return newest.oldestFirst();
  }

  /** The newest pairs of a workload that `where` holds for, oldest first. */
  #ofWorkload(workload: string, limit: number, { where, values, sinceMs }: Condition): RawPair[] {
    const id = this.#workloadId(workload);
    if (id === undefined) return [];
    const heard = this.#db.prepare<[number, number], [number, number, Buffer | null]>(`
SELECT newest_ms, id, more FROM heard WHERE workload_id = ? AND newest_ms >= ?
ORDER BY newest_ms DESC`);
    const statement = this.#pairs(`
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id WHERE ${where}`);
    const newest = new Newest(limit);
    let ids: number[] = [];
    const read = (): void => {
      newest.add(statement.all({ ...values, ids: JSON.stringify(ids) }));
      ids = [];
    };
    for (const [newestMs, first, more] of heard.raw().iterate(id, sinceMs)) {
      if (newestMs < newest.fullSinceMs) break;
      for (const each of unpackIds(first, more)) ids.push(each);
      if (ids.length >= READ_AT_ONCE) read();
    }
    read();
    return newest.oldestFirst();
  }

  #ofDomains(range: Range, filter: Filter & { readonly id: number | null }): PairRow[] {
    const { id, sinceMs, limit } = filter;
    const [from, end] = range;
    if (!this.#isCommon(range)) {
      const also = `AND p.last_ms >= @sinceMs ${id === null ? '' : 'AND p.workload_id = @id'}`;
      const values = { from, end, sinceMs, limit, ...(id === null ? {} : { id }) };
      return this.#rows(this.#inRange(also, values));
    }
    if (id === null) return this.#rows(this.#activeSince(range, filter));
    const raws = this.#oldestOfWorkload(id, { from, end, sinceMs, limit });
    return this.#rows(raws);
  }

  /** Pairs of a workload in a range of names, first seen first; reads every pair that it has. */
  #oldestOfWorkload(id: number, values: Record<string, unknown>): RawPair[] {
    const heard = this.#db.prepare<[number], [number, Buffer | null]>(
      'SELECT id, more FROM heard WHERE workload_id = ?',
    );
    const ids: number[] = [];
    for (const [first, more] of heard.raw().iterate(id)) {
      for (const each of unpackIds(first, more)) ids.push(each);
    }
    return this.#pairs(`
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.last_ms >= @sinceMs AND p.name_rev >= @from AND p.name_rev < @end
ORDER BY p.first_ms LIMIT @limit`).all({ ...values, ids: JSON.stringify(ids) });
  }

  /** Pairs of a range of names, first seen first. */
  #inRange(also: string, values: Record<string, unknown>): RawPair[] {
    return this.#pairs(`${STRETCHES}
SELECT ${PAIR_COLUMNS} ${IN_RANGE} ${also} CROSS JOIN workload w ON w.id = p.workload_id
ORDER BY p.first_ms LIMIT @limit`).all(values);
  }

  /**
   * The pairs of a common suffix that were asked for since then, first seen first.
   *
   * A walk through all that was ever seen may meet few of them, so the days of the last query are
   * walked one by one, each only up to the row that was the last one within the limit so far.
   */
  #activeSince([from, end]: Range, { sinceMs, limit }: Filter): RawPair[] {
    const select = (also: string) =>
      this.#pairs(`
SELECT ${PAIR_COLUMNS} FROM pair p INDEXED BY pair_by_day
CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.last_day = @day AND p.first_ms <= @untilMs ${also}
  AND p.name_rev >= @from AND p.name_rev < @end
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
    return raws;
  }

  /** The days to look at, both included; none where the second is before the first. */
  #activeDays(sinceMs: number): readonly [number, number] {
    const sql = 'SELECT (SELECT min(last_day) FROM pair), (SELECT max(last_day) FROM pair)';
    const [min, max] = this.#db.prepare<[], (number | null)[]>(sql).raw().get() ?? [];
    return [Math.max(min ?? 0, dayOf(sinceMs)), max ?? -1];
  }

  #isCommon([from, end]: Range): boolean {
    const sql = `${STRETCHES} SELECT count(*) FROM (SELECT 1 ${IN_RANGE} LIMIT @limit)`;
    const statement = this.#db.prepare<[Record<string, unknown>], number>(sql).pluck();
    return (statement.get({ from, end, limit: PAIRS_BY_NAME }) ?? 0) >= PAIRS_BY_NAME;
  }

  #ofDetail(
    domain: string,
    below: Range,
    filter: Filter & { readonly id: number | null },
  ): PairRow[] {
    const { id, sinceMs } = filter;
    const details = this.#db.prepare<[Record<string, unknown>], RawName>(`
${NAME_STRETCHES}
SELECT n.* FROM stretch CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = @pair
  AND n.name_rev >= @from AND n.name_rev < @end
WHERE n.last_ms >= @sinceMs`);
    const [from, end] = rangeOf(domain, 'exact');
    const values = { from, end, limit: -1, ...(id === null ? {} : { id }) };
    const rows: PairRow[] = [];
    for (const raw of this.#inRange(id === null ? '' : 'AND p.workload_id = @id', values)) {
      const wanted = { pair: raw.id, from: below[0], end: below[1], sinceMs };
      const found = details.all(wanted);
      if (found.length === 0) found.push(...withoutRow(raw, below, sinceMs));
      for (const detail of found) rows.push(narrowedRow(raw, detail, this.#texts));
    }
    return rows;
  }

  #rows(raws: readonly RawPair[]): PairRow[] {
    return raws.map((raw) => pairRow(raw, this.#texts));
  }

  #workloadId(name: string): number | undefined {
    const statement = this.#db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?');
    return statement.pluck().get(name);
  }

  #pairs(sql: string): Database.Statement<[Record<string, unknown>], RawPair> {
    return this.#db.prepare<[Record<string, unknown>], RawPair>(sql);
  }
}

interface Condition {
  readonly where: string;
  readonly values: Record<string, unknown>;
  /** No pair that was first seen before is wanted. */
  readonly sinceMs: number;
}

/** The pairs first seen last, as many as the limit allows. */
class Newest {
  readonly #limit: number;
  #raws: RawPair[] = [];
  /** Nothing older than this can come in any more; 0 while there is room. */
  fullSinceMs = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(raws: readonly RawPair[]): void {
    this.#raws = [...this.#raws, ...raws];
    if (this.#limit < 0 || this.#raws.length < this.#limit) return;
    this.#raws.sort((a, b) => b.first_ms - a.first_ms);
    this.#raws.length = this.#limit;
    this.fullSinceMs = this.#raws.at(-1)?.first_ms ?? Number.MAX_SAFE_INTEGER;
  }

  oldestFirst(): RawPair[] {
    return this.#raws.sort((a, b) => a.first_ms - b.first_ms || a.id - b.id);
  }
}

function rangeOf(reversed: string, reach: Reach): Range {
  return [reversed, reach === 'exact' ? `${reversed}\0` : endOfSubtree(reversed)];
}

/**
 * Detail that has no row: of a pair that is all of one name, and of the first query, which is known
 * for ever, also where its detail was purged or folded.
 */
function withoutRow(raw: RawPair, [from, end]: Range, sinceMs: number): RawName[] {
  const detail = soleName(raw) ?? firstOnly(raw);
  const { name_rev, last_ms } = detail;
  return name_rev < from || name_rev >= end || last_ms < sinceMs ? [] : [detail];
}

function firstOnly({ first_name, first_ms, first }: RawPair): RawName {
  const { verdict } = unpackFirst(first);
  const one = (...verdicts: number[]): number => (verdicts.includes(verdict) ? 1 : 0);
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

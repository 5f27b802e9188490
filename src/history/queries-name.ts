/** Who asked for a name, or for anything below it; the names below a domain. */

import type Database from 'better-sqlite3';
import { unpackFirst } from './first.ts';
import { NAME_SHIFT } from './migrations.ts';
import { ancestorsOf, reversedFromText } from './names.ts';
import { CommonQueries } from './queries-common.ts';
import {
  answersTo,
  type Filter,
  type Range,
  type Reach,
  rangeOf,
  untilOf,
  verdictCondition,
} from './queries-filter.ts';
import { HITS, NAME_STRETCHES, type Pairs } from './queries-pairs.ts';
import { VERDICT_ALLOWED, VERDICT_DENIED, VERDICT_FAILED, VERDICT_WOULD_DENY } from './record.ts';
import {
  type NameRow,
  nameRow,
  narrowedRow,
  type PairRow,
  type RawName,
  type RawPair,
  soleName,
} from './rows.ts';

/** A filter with the key of its workload in place of the name; null for all. */
export interface KeyFilter extends Filter {
  readonly id: number | null;
}

interface PairKey {
  readonly pair_id: number;
}

/** Sorted keys: those that are neighbours share pages, in each stretch. */
const NAMES_OF = `
${NAME_STRETCHES}
SELECT n.* FROM stretch CROSS JOIN json_each(@ids) j CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = j.value
ORDER BY n.first_ms, n.name_rev`;

export class NameQueries {
  readonly #pairs: Pairs;
  readonly #common: CommonQueries;

  constructor(pairs: Pairs) {
    this.#pairs = pairs;
    this.#common = new CommonQueries(pairs);
  }

  /** See `HistoryQueries.ofName`. */
  ofName(reversed: string, reach: Reach, filter: Filter): PairRow[] {
    const id = filter.workload === null ? null : this.#pairs.workloadId(filter.workload);
    if (id === undefined) return [];
    const rows = this.#ofDomains(rangeOf(reversed, reach), { ...filter, id });
    for (const ancestor of ancestorsOf(reversed).slice(1)) {
      const below = reversed.slice(ancestor.length);
      rows.push(...this.#ofDetail(ancestor, rangeOf(below, reach), { ...filter, id }));
    }
    rows.sort((a, b) => a.firstMs - b.firstMs);
    return filter.limit < 0 ? rows : rows.slice(0, filter.limit);
  }

  /** See `HistoryQueries.foldedAbove`. */
  foldedAbove(reversed: string): number {
    const statement = this.#pairs.values<number>(
      `${HITS} SELECT coalesce(sum(p.folded), 0) FROM hit CROSS JOIN pair p ON p.id = hit.id`,
    );
    const above = ancestorsOf(reversed).slice(1);
    return above.reduce((sum, ancestor) => {
      const [from, end] = rangeOf(ancestor, 'exact');
      return sum + (statement.get({ from, end }) ?? 0);
    }, 0);
  }

  /** Detail of a pair, in the order of first seen. */
  names(workload: string, domainReversed: string, limit: number): NameRow[] {
    const id = this.#pairs.workloadId(workload);
    const [from, end] = rangeOf(domainReversed, 'exact');
    if (id === undefined) return [];
    const [pair] = this.#pairs.inRange('AND p.workload_id = @id', { from, end, id, limit: 1 });
    if (pair === undefined) return [];
    const sole = soleName(pair);
    if (sole !== undefined) return [nameRow(domainReversed, sole)];
    const statement = this.#pairs.statement<RawName>(`
${NAME_STRETCHES}
SELECT n.* FROM stretch CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = @pair
ORDER BY n.first_ms, n.name_rev LIMIT @limit`);
    return statement.all({ pair: pair.id, limit }).map((raw) => nameRow(domainReversed, raw));
  }

  /** Detail of domains, in the order of first seen, by the pair's key. */
  namesOf(rows: readonly PairRow[]): Map<number, NameRow[]> {
    const domains = new Map(rows.map(({ id, domain }) => [id, reversedFromText(domain)]));
    const found = new Map<number, NameRow[]>();
    for (const row of rows) if (row.isSole) found.set(row.id, [{ ...row, name: row.firstName }]);
    const asked = rows.filter(({ isSole, names }) => !isSole && names > 0).map(({ id }) => id);
    const ids = JSON.stringify(asked.sort((a, b) => a - b));
    for (const raw of this.#pairs.statement<RawName & PairKey>(NAMES_OF).all({ ids })) {
      const name = nameRow(domains.get(raw.pair_id) ?? '', raw);
      const names = found.get(raw.pair_id);
      if (names === undefined) found.set(raw.pair_id, [name]);
      else names.push(name);
    }
    return found;
  }

  #ofDomains(range: Range, filter: KeyFilter): PairRow[] {
    const { id, sinceMs, limit } = filter;
    const [from, end] = range;
    if (this.#common.isCommon(range)) return this.#pairs.rows(this.#common.find(range, filter));
    const also = `AND p.last_ms >= @sinceMs AND p.first_ms < @untilMs
${verdictCondition('p', filter)} ${id === null ? '' : 'AND p.workload_id = @id'}`;
    const values = { from, end, sinceMs, untilMs: untilOf(filter), limit };
    return this.#pairs.rows(this.#pairs.inRange(also, id === null ? values : { ...values, id }));
  }

  #ofDetail(domain: string, below: Range, filter: KeyFilter): PairRow[] {
    const { id } = filter;
    const detail = this.detailFinder(filter);
    const [from, end] = rangeOf(domain, 'exact');
    const values = { from, end, limit: -1, ...(id === null ? {} : { id }) };
    const raws = this.#pairs.inRange(id === null ? '' : 'AND p.workload_id = @id', values);
    return raws.flatMap((raw) => detail(raw, below));
  }

  /** What is held of the names of a pair in a range, for pair after pair. */
  detailFinder(filter: Filter): (raw: RawPair, below: Range) => PairRow[] {
    const details = this.#details(filter);
    const bounds = { sinceMs: filter.sinceMs, untilMs: untilOf(filter) };
    return (raw, below) => {
      const range = { pair: raw.id, from: below[0], end: below[1] };
      const found = raw.names > 0 ? details.all({ ...range, ...bounds }) : [];
      if (found.length === 0) found.push(...withoutRow(raw, below, filter));
      return found.map((detail) => narrowedRow(raw, detail, this.#pairs.texts));
    };
  }

  #details(filter: Filter): Database.Statement<[Record<string, unknown>], RawName> {
    return this.#pairs.statement<RawName>(`
${NAME_STRETCHES}
SELECT n.* FROM stretch CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = @pair
  AND n.name_rev >= @from AND n.name_rev < @end
WHERE n.last_ms >= @sinceMs AND n.first_ms < @untilMs ${verdictCondition('n', filter)}`);
  }
}

/**
 * Detail that has no row: of a pair that is all of one name, and of the first query, which is known
 * for ever, also where its detail was purged or folded.
 */
function withoutRow(raw: RawPair, [from, end]: Range, filter: Filter): RawName[] {
  const detail = soleName(raw) ?? firstOnly(raw);
  const { name_rev } = detail;
  return name_rev >= from && name_rev < end && answersTo(detail, filter) ? [detail] : [];
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

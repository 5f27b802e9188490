/**
 * Walks through pairs in the order of their numbers, which is nearly that of first sight: those
 * first seen first are found without reading the others (block-schema.ts says how a walk ends).
 */

import { BLOCK_SHIFT } from './block-schema.ts';
import { BlockAges, blockOf } from './blocks.ts';
import { RUN_SHIFT } from './domain-schema.ts';
import { PAIR_SHIFT } from './migrations.ts';
import { Most } from './most.ts';
import type { PairSet } from './pair-set.ts';
import { type Range, untilOf, verdictCondition } from './queries-filter.ts';
import type { KeyFilter } from './queries-name.ts';
import type { Pairs } from './queries-pairs.ts';
import { PAIR_COLUMNS, type RawPair } from './rows.ts';

/** Rows that one statement reads by number. */
const READ_PAIRS = 500;
const RUN_PAIRS = 2 ** RUN_SHIFT;
const STRETCH_PAIRS = 2 ** PAIR_SHIFT;
const BLOCK_PAIRS = 2 ** BLOCK_SHIFT;

// In one text each: a row for each pair would take twice as long.
const OF_RUN = `
SELECT group_concat(ids) FROM domain
WHERE run = @number AND name_rev >= @from AND name_rev < @end`;
const OF_STRETCH = `
SELECT json_group_array(id) FROM pair INDEXED BY pair_by_name
WHERE (id >> ${PAIR_SHIFT}) = @number AND name_rev >= @from AND name_rev < @end`;
const OF_WORKLOAD = `${OF_STRETCH} AND workload_id = @id`;
const RUNS = 'SELECT coalesce(max(number) + 1, 0) FROM domain_run WHERE cursor IS NULL';

/** Pairs below a suffix. */
export interface Walked {
  readonly range: Range;
  readonly filter: KeyFilter;
  /** All that the filter is about, and maybe others; null where none is left out. */
  readonly wanted: PairSet | null;
}

/** Some pairs in the order of their numbers. */
interface Part {
  /** No pair with a lower number follows. */
  readonly next: number;
  /** Those first seen before then. */
  read(beforeMs: number): readonly RawPair[];
}

export class Walks {
  readonly #pairs: Pairs;
  readonly #ages: BlockAges;
  /** One more than the number of the last pair. */
  readonly #end: number;

  constructor(pairs: Pairs) {
    this.#pairs = pairs;
    this.#ages = new BlockAges(pairs.db);
    this.#end = 1 + (pairs.values<number>('SELECT coalesce(max(id), 0) FROM pair').get({}) ?? 0);
  }

  /** By the indexes by name: for a suffix that few pairs lie below. First seen first. */
  byName(walked: Walked): RawPair[] {
    return this.#walk(walked, this.#partsByName(walked));
  }

  /** Through all that is wanted: for a suffix that many pairs lie below. First seen first. */
  byNumber(walked: Walked): RawPair[] {
    const { wanted } = walked;
    const all = () => this.#partsInOrder(walked);
    const parts = wanted === null ? all() : this.#partsOf(walked, wanted.from(), this.#end);
    return this.#walk(walked, parts);
  }

  #walk({ filter }: Walked, parts: Iterable<Part>): RawPair[] {
    const first = new Most<RawPair>(filter.limit, (a, b) => a.first_ms - b.first_ms || a.id - b.id);
    let beforeMs = untilOf(filter);
    for (const part of parts) {
      first.addAll(part.read(beforeMs));
      beforeMs = Math.min(beforeMs, first.last?.first_ms ?? beforeMs);
      if (this.#ages.oldestFrom(blockOf(part.next)) >= beforeMs) break;
    }
    return first.inOrder();
  }

  /**
   * Of one run after the other, then of each stretch. A run does not know whose pairs it has, and
   * so those of a workload are looked for in every stretch.
   */
  *#partsByName(walked: Walked): Generator<Part> {
    const { range, filter, wanted } = walked;
    const { id } = filter;
    const [from, end] = range;
    const whole = id === null ? (this.#pairs.values<number>(RUNS).get({}) ?? 0) * RUN_PAIRS : 0;
    const ofStretch = id === null ? OF_STRETCH : OF_WORKLOAD;
    for (let at = 0; at < this.#end; ) {
      const size = at < whole ? RUN_PAIRS : STRETCH_PAIRS;
      const statement = this.#pairs.values<string>(at < whole ? OF_RUN : ofStretch);
      const text = statement.get({ number: at / size, from, end, id }) ?? '';
      const found = (JSON.parse(`[${text}]`) as number[][]).flat();
      const ids = wanted === null ? found : found.filter((one) => wanted.has(one));
      at += size;
      ids.sort((a, b) => a - b);
      yield* this.#partsOf(walked, ids, at);
    }
  }

  *#partsOf(walked: Walked, ids: Iterable<number>, end: number): Generator<Part> {
    const statement = this.#pairs.select(`
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
${conditions(walked)}`);
    for (const [some, next] of chunks(ids, end)) {
      const read = (beforeMs: number): RawPair[] => {
        const young = some.filter((id) => this.#ages.oldestOf(blockOf(id)) < beforeMs);
        return statement.all({ ...valuesOf(walked, beforeMs), ids: JSON.stringify(young) });
      };
      yield { next, read };
    }
  }

  /** Block after block. */
  *#partsInOrder(walked: Walked): Generator<Part> {
    const statement = this.#pairs.select(`
SELECT ${PAIR_COLUMNS} FROM pair p ${conditions(walked)} AND p.id >= @low AND p.id < @high`);
    for (let low = 0; low < this.#end; low += BLOCK_PAIRS) {
      const high = low + BLOCK_PAIRS;
      const read = (beforeMs: number): RawPair[] => {
        if (this.#ages.oldestOf(blockOf(low)) >= beforeMs) return [];
        return statement.all({ ...valuesOf(walked, beforeMs), low, high });
      };
      yield { next: high, read };
    }
  }
}

/** Joins the workload w of pair p. */
function conditions({ filter }: Walked): string {
  return `CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.name_rev >= @from AND p.name_rev < @end AND p.last_ms >= @sinceMs AND p.first_ms < @beforeMs
  ${filter.id === null ? '' : 'AND p.workload_id = @id'} ${verdictCondition('p', filter)}`;
}

function valuesOf({ range: [from, end], filter }: Walked, beforeMs: number): object {
  const { id, sinceMs } = filter;
  return { from, end, sinceMs, beforeMs, ...(id === null ? {} : { id }) };
}

/** So many at a time, each with the number that follows. */
function* chunks(ids: Iterable<number>, end: number): Generator<[some: number[], next: number]> {
  let some: number[] = [];
  for (const id of ids) {
    if (some.length === READ_PAIRS) {
      yield [some, id];
      some = [];
    }
    some.push(id);
  }
  yield [some, end];
}

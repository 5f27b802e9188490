/** Which pairs a filter is about, whatever their names, where an index tells it cheaply. */

import { dayOf } from './days.ts';
import { PairSet } from './pair-set.ts';
import { pairsSince } from './queries-days.ts';
import { marksOf } from './queries-filter.ts';
import { heardOf } from './queries-heard.ts';
import type { KeyFilter } from './queries-name.ts';
import type { Pairs } from './queries-pairs.ts';

/** To read one row by its number takes as long as so many entries of an index in order. */
export const ROW_ENTRIES = 20;
/** Of a good part of all pairs, one in so many or more, any walk meets enough soon. */
export const GOOD_PART = 20;

// Numbers of pairs, each by entries of one index.
const ACTIVE = 'SELECT id FROM pair INDEXED BY pair_by_day WHERE last_day >= @day LIMIT @limit';
const MARKED = `
SELECT id FROM pair INDEXED BY pair_by_verdict
WHERE unusual = @mark AND unusual > 0 AND last_day >= @day LIMIT @limit`;
const MARKED_OF = `
SELECT id FROM pair INDEXED BY pair_by_workload
WHERE workload_id = @id AND unusual = @mark AND unusual > 0 LIMIT @limit`;
const DOMAINS = 'SELECT domains FROM workload WHERE id = @id';

/** How many pairs there are, and lie below a suffix; about. */
export interface Size {
  readonly all: number;
  readonly below: number;
}

/**
 * All pairs that a filter is about, and maybe others; null where it had better be asked of the row
 * of each pair below the suffix.
 */
export function wantedBy(pairs: Pairs, filter: KeyFilter, size: Size): PairSet | null {
  const { id, sinceMs } = filter;
  const marks = marksOf(filter);
  const day = dayOf(sinceMs);
  const entries = Math.ceil(size.below * ROW_ENTRIES);
  if (marks !== null) {
    const each = marks.map((mark) => ({ mark, id, day }));
    return numbers(pairs, id === null ? MARKED : MARKED_OF, each, entries);
  }
  if (id !== null) return ofWorkload(pairs, id, sinceMs, size);
  return sinceMs === 0 ? null : numbers(pairs, ACTIVE, [{ day }], entries);
}

function ofWorkload(pairs: Pairs, id: number, sinceMs: number, size: Size): PairSet | null {
  const domains = pairs.values<number>(DOMAINS).get({ id }) ?? 0;
  if (domains > size.below * ROW_ENTRIES) return null;
  const active = sinceMs === 0 ? null : pairsSince(pairs.db, id, dayOf(sinceMs));
  if (active !== null || domains * GOOD_PART >= size.all) return active;
  const ids = new PairSet();
  for (const part of heardOf(pairs.db, id)) for (const one of part.ids) ids.add(one);
  return ids;
}

/** Null where more than so many entries would be read. */
function numbers(
  pairs: Pairs,
  sql: string,
  each: readonly object[],
  entries: number,
): PairSet | null {
  const statement = pairs.values<number>(sql);
  const ids = new PairSet();
  for (const values of each) {
    const limit = entries + 1 - ids.size;
    for (const id of statement.all({ ...values, limit })) ids.add(id);
    if (ids.size > entries) return null;
  }
  return ids;
}

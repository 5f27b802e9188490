/** Which pairs a filter is about, whatever their names, where an index tells it cheaply. */

import { dayOf } from './days.ts';
import { PairSet } from './pair-set.ts';
import { pairsSince } from './queries-days.ts';
import { type Filter, marksOf } from './queries-filter.ts';
import { heardOf } from './queries-heard.ts';
import type { KeyFilter } from './queries-name.ts';
import type { Pairs } from './queries-pairs.ts';

/** To read a row by its number takes as long as so many entries of an index: 3 and 0.16 us here. */
const ROW_ENTRIES = 20;

// Entries of indexes.
const ACTIVE = 'pair INDEXED BY pair_by_day WHERE last_day >= @day';
const MARKED = `pair INDEXED BY pair_by_verdict
WHERE unusual > 0 AND unusual IN (SELECT value FROM json_each(@marks)) AND last_day >= @day`;
const MARKED_OF = `pair INDEXED BY pair_by_workload WHERE workload_id = @id
AND unusual > 0 AND unusual IN (SELECT value FROM json_each(@marks))`;
const DOMAINS = 'SELECT domains FROM workload WHERE id = @id';

/** Rows by number that may be read rather than that something is looked up to spare them: 15 ms. */
const FEW_ROWS = 5000;

/** How many pairs there are, and lie below a suffix; about. */
export interface Size {
  readonly all: number;
  readonly below: number;
  /** Of the pairs of any walk enough lie below: it goes by number. */
  readonly isGoodPart: boolean;
}

/**
 * All pairs that a filter is about, and maybe others; null where it had better be asked of the row
 * of each pair below the suffix.
 */
export function wantedBy(pairs: Pairs, filter: KeyFilter, size: Size): PairSet | null {
  const { id, sinceMs } = filter;
  const day = dayOf(sinceMs);
  const marks = marksOf(filter);
  const most = mostEntries(filter, size);
  if (marks !== null) {
    const values = { marks: JSON.stringify(marks), id, day };
    return numbers(pairs, id === null ? MARKED : MARKED_OF, values, most);
  }
  if (id === null) return sinceMs === 0 ? null : numbers(pairs, ACTIVE, { day }, most);
  const domains = pairs.values<number>(DOMAINS).get({ id }) ?? 0;
  // A walk by name knows whose pairs it meets.
  if (!size.isGoodPart && (size.below * domains) / size.all < FEW_ROWS) return null;
  const active = sinceMs === 0 ? null : pairsSince(pairs.db, id, day);
  const isHeard = active === null && size.isGoodPart && domains <= most;
  return isHeard ? heardBy(pairs, id) : active;
}

/**
 * Beyond so many entries it is cheaper to ask the rows: all below the suffix, or as many as have
 * `limit` among them that the filter is about, which are the fewer the more entries there are.
 */
function mostEntries({ limit }: Filter, { all, below }: Size): number {
  const ofAll = below * ROW_ENTRIES;
  return Math.floor(limit < 0 ? ofAll : Math.min(ofAll, Math.sqrt(limit * all * ROW_ENTRIES)));
}

function heardBy(pairs: Pairs, id: number): PairSet {
  const ids = new PairSet();
  for (const part of heardOf(pairs.db, id)) for (const one of part.ids) ids.add(one);
  return ids;
}

/** Null where there are more than `most`. */
function numbers(pairs: Pairs, from: string, values: object, most: number): PairSet | null {
  const counted = `SELECT count(*) FROM (SELECT 1 FROM ${from} LIMIT @limit)`;
  const count = pairs.values<number>(counted).get({ ...values, limit: most + 1 }) ?? 0;
  if (count > most) return null;
  // In one text: a row for each would take twice as long.
  const text = pairs.values<string>(`SELECT group_concat(id) FROM ${from}`).get({ ...values });
  const ids = new PairSet();
  for (const id of JSON.parse(`[${text ?? ''}]`) as number[]) ids.add(id);
  return ids;
}

/** Looks for indicators in the history: who asked for a name before anybody knew that it is bad. */

import type Database from 'better-sqlite3';
import type { HistoryQueries } from '../history/queries.ts';
import type { Filter } from '../history/queries-filter.ts';
import type { PairRow } from '../history/rows.ts';
import { candidates } from './candidates.ts';
import type { Indicators } from './indicators.ts';
import { Search } from './search.ts';

/**
 * From so many indicators on the domains of the history are walked first. Of ten million pairs the
 * walk takes a second, and to look for a name 30 us; both grow with the history.
 */
export const WALK_FROM = 20_000;

/** Indicators that are looked for together. */
const AT_ONCE = 500;

export interface Hit extends PairRow {
  /** The entry of the list. */
  readonly indicator: string;
}

export interface Hunt {
  /** First seen first. */
  readonly hits: readonly Hit[];
  /** Indicators below a domain of which queries were counted without their full names. */
  readonly uncertain: number;
}

export interface Past {
  readonly db: Database.Database;
  readonly queries: HistoryQueries;
}

/** All hits of a list. @param filter its limit is one of the rows of each indicator */
export function hunt(past: Past, indicators: Indicators, filter: Filter): Hunt {
  const hits: Hit[] = [];
  const uncertain = huntEach(past, indicators, filter, (hit) => hits.push(hit));
  hits.sort((a, b) => a.firstMs - b.firstMs);
  return { hits, uncertain };
}

/** Hits one by one, in no order, for who keeps few of them. @returns `uncertain` */
export function huntEach(
  past: Past,
  indicators: Indicators,
  filter: Filter,
  take: (hit: Hit) => void,
): number {
  const { db, queries } = past;
  const isShort = indicators.size < WALK_FROM;
  const names = [...(isShort ? indicators.keys() : candidates(db, indicators))];
  const search = new Search(queries, indicators, filter);
  for (let at = 0; at < names.length; at += AT_ONCE) {
    for (const hit of search.look(names.slice(at, at + AT_ONCE))) take(hit);
  }
  return search.uncertain;
}

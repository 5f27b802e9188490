/** Looks for indicators in the history: who asked for a name before anybody knew that it is bad. */

import type Database from 'better-sqlite3';
import { textOfReversed } from '../history/names.ts';
import type { HistoryQueries } from '../history/queries.ts';
import type { Filter } from '../history/queries-filter.ts';
import type { NameRow, PairRow } from '../history/rows.ts';
import { SCOPE_BOTH, SCOPE_EXACT } from '../reputation/entries.ts';
import { candidates } from './candidates.ts';
import type { Indicators } from './indicators.ts';

/**
 * From so many indicators on the domains of the history are walked first. Of a million pairs, a
 * search costs 2.2 ms for each indicator and the walk 2.6 s in all; both grow with the history.
 */
export const WALK_FROM = 1000;

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
  const names = indicators.size < WALK_FROM ? indicators.keys() : candidates(db, indicators);
  let uncertain = 0;
  for (const reversed of names) {
    const indicator = textOfReversed(reversed);
    const scope = indicators.get(reversed) ?? SCOPE_BOTH;
    for (const row of rowsOf(queries, reversed, scope, filter)) take({ ...row, indicator });
    if (queries.foldedAbove(reversed) > 0) uncertain++;
  }
  return uncertain;
}

function rowsOf(
  queries: HistoryQueries,
  reversed: string,
  scope: number,
  filter: Filter,
): PairRow[] {
  const reach = scope === SCOPE_EXACT ? 'exact' : 'subtree';
  const rows = queries.ofName(reversed, reach, filter);
  if (scope === SCOPE_BOTH) return rows;
  const name = textOfReversed(reversed);
  const isMeant = (other: string) => (other === name) === (scope === SCOPE_EXACT);
  return rows.flatMap((row) => {
    if (row.domain !== name) return isMeant(row.name) ? [row] : [];
    // The row of a domain is about it and all below; the entry is not.
    return detailOf(queries, row, reversed)
      .filter((detail) => isMeant(detail.name) && detail.lastMs >= filter.sinceMs)
      .map((detail) => narrowed(row, detail));
  });
}

/** Names of a domain's row, with the first one, which is known for ever. */
function detailOf(queries: HistoryQueries, row: PairRow, reversed: string): NameRow[] {
  const names = queries.names(row.workload, reversed, -1);
  if (names.some(({ name }) => name === row.firstName)) return names;
  const one = (...verdicts: string[]) => (verdicts.includes(row.firstVerdict) ? 1 : 0);
  const first = {
    name: row.firstName,
    firstMs: row.firstMs,
    lastMs: row.firstMs,
    queries: 1,
    allowed: one('allowed', 'would-deny'),
    denied: one('denied'),
    wouldDeny: one('would-deny'),
    failed: one('failed'),
  };
  return [first, ...names];
}

function narrowed(row: PairRow, detail: NameRow): PairRow {
  const one = { ...row, ...detail, cached: null, folded: 0, names: 1 };
  if (detail.name === row.firstName) return one;
  const unknown = { firstSource: '', firstType: '', firstName: '', revision: null, policyMs: null };
  return { ...one, ...unknown, firstVerdict: 'unknown', answers: [], rule: '' };
}

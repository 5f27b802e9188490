/** What narrows a question about the history, as values and as SQL. */

import { ALL_UNUSUAL, UNUSUAL } from './domain-schema.ts';
import { endOfSubtree } from './names.ts';
import type { RawRow } from './rows.ts';

/** What happened to queries: a row answers to every verdict that one of its queries had. */
export type AskedVerdict = 'allowed' | 'denied' | 'would-deny' | 'failed';

export interface Filter {
  /** Workload name, or null for all. */
  readonly workload: string | null;
  /** Lower bound, ms since the epoch; 0 for all. */
  readonly sinceMs: number;
  /** Upper bound, itself not in it; none for all. */
  readonly untilMs?: number;
  /** Only what had such queries. */
  readonly verdict?: AskedVerdict | null;
  /** Rows at most; -1 for all. */
  readonly limit: number;
}

/** `exact`: that name. `subtree`: and every name below it. */
export type Reach = 'exact' | 'subtree';

/** A range of reversed names, the second not in it. */
export type Range = readonly [string, string];

const COUNTS = {
  allowed: 'allowed',
  denied: 'denied',
  'would-deny': 'would_deny',
  failed: 'failed',
} as const satisfies Readonly<Record<AskedVerdict, keyof RawRow>>;

export function rangeOf(reversed: string, reach: Reach): Range {
  return [reversed, reach === 'exact' ? `${reversed}\0` : endOfSubtree(reversed)];
}

export function untilOf({ untilMs }: Filter): number {
  return untilMs ?? Number.MAX_SAFE_INTEGER;
}

/** `AND` and a condition about the counts of a row; empty where every verdict will do. */
export function verdictCondition(table: 'p' | 'n', { verdict }: Filter): string {
  return verdict === undefined || verdict === null ? '' : `AND ${table}.${COUNTS[verdict]} > 0`;
}

/** Where the pairs of a day of the last query are, in the order of first seen. */
export interface Days {
  /** Pair p, workload w and conditions, which take `@day` and `@mark`. */
  readonly pairsOfDay: string;
  /** Values of `@mark`, each a walk of its own. */
  readonly marks: readonly number[];
}

const BITS = {
  denied: UNUSUAL.denied,
  'would-deny': UNUSUAL.wouldDeny,
  failed: UNUSUAL.failed,
} as const;

/** Values of `pair.unusual` of the pairs that had such queries; null: of any. */
export function marksOf({ verdict }: Filter): number[] | null {
  if (verdict === undefined || verdict === null || verdict === 'allowed') return null;
  const bit = BITS[verdict];
  return Array.from({ length: ALL_UNUSUAL }, (_, i) => i + 1).filter((mark) => mark & bit);
}

/** All but allowed queries have an index of their own: few pairs may have had such ones. */
export function daysOf(filter: Filter): Days {
  const marks = marksOf(filter);
  if (marks === null) {
    const also = `p.last_day = @day AND @mark = 0 ${verdictCondition('p', filter)}`;
    return {
      pairsOfDay: `pair p INDEXED BY pair_by_day
  CROSS JOIN workload w ON w.id = p.workload_id WHERE ${also}`,
      marks: [0],
    };
  }
  const also = 'p.unusual = @mark AND p.unusual > 0 AND p.last_day = @day';
  return {
    pairsOfDay: `pair p INDEXED BY pair_by_verdict
  CROSS JOIN workload w ON w.id = p.workload_id WHERE ${also}`,
    marks,
  };
}

/** Whether a row that was read lies in the window and had such queries. */
export function answersTo(raw: RawRow, filter: Filter): boolean {
  const { sinceMs, verdict } = filter;
  if (raw.last_ms < sinceMs || raw.first_ms >= untilOf(filter)) return false;
  return verdict === undefined || verdict === null || raw[COUNTS[verdict]] > 0;
}

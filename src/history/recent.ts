/**
 * Recent: what a commit changed, as lines that a person can watch. A line is a full name with what
 * was counted of it since the commit before, or what was counted of a domain without full names.
 *
 * No database here, and nothing of the line is read back by the daemon.
 */

import { addressOf } from './addresses.ts';
import type { FactsNames } from './decisions.ts';
import type { PairGather } from './gather.ts';
import { reversedName } from './names.ts';
import type { Facts } from './record.ts';
import type { Tally } from './tally.ts';

/**
 * Lines of one commit: more than anybody reads in half a second. 500 of them took 7 ms of a commit
 * of 8,000 new pairs, which takes 180.
 */
export const LINES_MAX = 200;

/** Bits of `RecentLine[3]`. */
export const LINE_NEW = 1;
/** Counted without full names: the name is the registrable domain. */
export const LINE_FOLDED = 2;

/**
 * Last time, workload, reversed name, bits; allowed, denied, would deny, failed; then type, source,
 * REASON_* and rule where the query that they belong to is known.
 */
export type RecentLine = readonly [
  number,
  string,
  string,
  number,
  number,
  number,
  number,
  number,
  ...([] | readonly [number, string, number, string]),
];

export interface Recent {
  readonly lines: readonly RecentLine[];
  /** Those that were left out too. */
  readonly total: number;
}

/**
 * Of each pair at least one line, but for those whose detail came in another commit. What is told
 * as an alert comes first: it is shown even where much else is left out.
 */
export function recentOf(pairs: readonly PairGather[], names: FactsNames): Recent {
  const lines: RecentLine[] = [];
  let total = 0;
  for (const pair of pairs) {
    total += linesOf(pair);
    if (lines.length < LINES_MAX && pair.worthTelling) addLines(pair, names, lines);
  }
  for (const pair of pairs) {
    if (lines.length === LINES_MAX) break;
    if (!pair.worthTelling) addLines(pair, names, lines);
  }
  return { lines, total };
}

function linesOf(pair: PairGather): number {
  return pair.names.length + (hasRest(pair) ? 1 : 0);
}

/** What only the pair's own counts say. */
function hasRest(pair: PairGather): boolean {
  return pair.folded > 0 || (pair.names.length === 0 && pair.isNew && pair.queries > 0);
}

function addLines(pair: PairGather, names: FactsNames, into: RecentLine[]): void {
  const { known, isNew, first, untold } = pair;
  const workload = known.workload.name;
  for (const name of pair.names) {
    if (into.length === LINES_MAX) return;
    const facts = [untold?.notable ?? null, first].find((of) => of?.name === name.name);
    const bits = isNew && name.name === first.name ? LINE_NEW : 0;
    into.push([
      Math.floor(name.lastMs),
      workload,
      reversedName(name.name),
      bits,
      ...countsOf(name),
      ...tailOf(facts, names),
    ]);
  }
  if (into.length === LINES_MAX || !hasRest(pair)) return;
  const bits = (isNew ? LINE_NEW : 0) | (pair.folded > 0 ? LINE_FOLDED : 0);
  const name = pair.folded > 0 ? known.domain : first.name;
  const facts = pair.folded > 0 ? null : first;
  into.push([
    Math.floor(pair.lastMs),
    workload,
    reversedName(name),
    bits,
    ...restOf(pair),
    ...tailOf(facts, names),
  ]);
}

type Four = readonly [number, number, number, number];

function countsOf({ allowed, denied, wouldDeny, failed }: Tally): Four {
  return [allowed, denied, wouldDeny, failed];
}

/**
 * Of the pair's counts what its names do not account for, as many as were folded: of those nobody
 * kept how each was decided, so the gravest is taken first.
 */
function restOf(pair: PairGather): Four {
  if (pair.folded === 0) return countsOf(pair);
  let left = pair.folded;
  const take = (of: 'denied' | 'failed'): number => {
    const named = pair.names.reduce((sum, name) => sum + name[of], 0);
    const taken = Math.min(left, Math.max(0, pair[of] - named));
    left -= taken;
    return taken;
  };
  const denied = take('denied');
  const failed = take('failed');
  const named = pair.names.reduce((sum, name) => sum + name.wouldDeny, 0);
  const wouldDeny = Math.min(left + failed, Math.max(0, pair.wouldDeny - named));
  return [left, denied, wouldDeny, failed];
}

function tailOf(facts: Facts | null | undefined, names: FactsNames) {
  if (facts === null || facts === undefined) return [] as const;
  return [facts.qtype, addressOf(facts.source), facts.reason, names.rule(facts)] as const;
}

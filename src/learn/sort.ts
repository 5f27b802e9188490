/**
 * Sorting what was seen by what the policy says of it now: what is covered, what a rule denies,
 * what never got through, what is suspect, and what is left: the names to learn.
 */

import type { Engine, Said } from './engine.ts';
import type { SeenName } from './seen.ts';

/** A name that no pattern is suggested for, and why. */
export interface LeftOut {
  readonly seen: SeenName;
  readonly reason: string;
  readonly kind: 'denied' | 'refused' | 'suspect' | 'unwritable';
}

/** What covers a name that no rule does. */
export const LOCAL_ZONE = 'a local zone';

/** Names that are covered already. */
export interface Covered {
  /** Text of the rule, or LOCAL_ZONE. */
  readonly rule: string;
  names: number;
  queries: number;
}

export interface Sorted {
  readonly covered: readonly Covered[];
  /** Those to learn. */
  readonly open: readonly SeenName[];
  readonly leftOut: readonly LeftOut[];
  /** All that were seen. */
  readonly count: number;
}

export interface SortContext {
  readonly engine: Engine;
  /** What is to be said against a name, '' for nothing; null where suspects are wanted too. */
  readonly against: ((seen: SeenName) => string) | null;
}

export function sortSeen(names: Iterable<SeenName>, context: SortContext): Sorted {
  const covered = new Map<string, Covered>();
  const open: SeenName[] = [];
  const leftOut: LeftOut[] = [];
  let count = 0;
  for (const seen of names) {
    count += 1;
    const said = context.engine.ofSeen(seen);
    if (said.verdict === 'allowed' && !context.engine.isPartly(seen)) {
      addCovered(covered, said.rule === '' ? LOCAL_ZONE : said.rule, seen);
      continue;
    }
    const left = leftOutOf(seen, said, context);
    if (left === null) open.push(seen);
    else leftOut.push(left);
  }
  return { covered: [...covered.values()], open, leftOut, count };
}

function leftOutOf(seen: SeenName, said: Said, { against }: SortContext): LeftOut | null {
  if (said.verdict === 'denied') {
    const by = said.rule === '' ? `feed ${said.feed}` : said.rule;
    return { seen, kind: 'denied', reason: `denied by ${by}` };
  }
  if (seen.allowed + seen.failed === 0) {
    return { seen, kind: 'refused', reason: 'no rule allows it, and it was never let through' };
  }
  if (against === null) return null;
  const reason = against(seen);
  if (reason !== '') return { seen, kind: 'suspect', reason };
  if (said.verdict !== 'score') return null;
  return { seen, kind: 'suspect', reason: 'its reputation is below what the workload takes' };
}

function addCovered(covered: Map<string, Covered>, rule: string, { queries }: SeenName): void {
  const there = covered.get(rule);
  if (there === undefined) {
    covered.set(rule, { rule, names: 1, queries });
    return;
  }
  there.names += 1;
  there.queries += queries;
}

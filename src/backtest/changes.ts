/**
 * Changes: what another policy would do to the names of the history, counted per workload, and the
 * latest of each kind kept. A mode that is flipped changes millions of names; nobody reads them
 * all.
 */

import type { SeenName } from '../learn/seen.ts';

/**
 * `would-deny`: let through before by a rule and after by the mode alone, so that `enforce` will
 * deny it.
 */
export type ChangeKind = 'newly-denied' | 'would-deny' | 'newly-allowed';

export const CHANGE_KINDS: readonly ChangeKind[] = ['newly-denied', 'would-deny', 'newly-allowed'];

export interface Change {
  readonly kind: ChangeKind;
  readonly workload: string;
  /** The workload of the new policy, where its name is another. */
  readonly becomes: string | null;
  readonly seen: SeenName;
  /** Types that it holds for; empty for all. */
  readonly types: readonly number[];
  /** What decides, by either policy. */
  readonly before: string;
  readonly after: string;
}

export type KindCounts = Record<ChangeKind, number>;

export class Changes {
  /** Changes by workload, those only that have some. */
  readonly counts = new Map<string, KindCounts>();
  readonly #limit: number;
  readonly #kept: Record<ChangeKind, Change[]> = noChanges(() => []);

  /** @param limit rows kept of each kind; -1 for all */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(change: Change): void {
    const { kind, workload } = change;
    let counts = this.counts.get(workload);
    if (counts === undefined) {
      counts = noChanges(() => 0);
      this.counts.set(workload, counts);
    }
    counts[kind]++;
    const kept = this.#kept[kind];
    kept.push(change);
    if (this.#limit >= 0 && kept.length >= 2 * this.#limit + 1000) this.#cut(kind);
  }

  total(kind: ChangeKind): number {
    return [...this.counts.values()].reduce((sum, counts) => sum + counts[kind], 0);
  }

  /** New denials first, those of one workload together, what was asked for last at the top. */
  rows(): Change[] {
    for (const kind of CHANGE_KINDS) this.#cut(kind);
    const rows = CHANGE_KINDS.flatMap((kind) =>
      this.#kept[kind].toSorted((a, b) => compare(a.workload, b.workload) || byLast(a, b)),
    );
    return this.#limit < 0 ? rows : rows.slice(0, this.#limit);
  }

  #cut(kind: ChangeKind): void {
    if (this.#limit < 0) return;
    this.#kept[kind] = this.#kept[kind].sort(byLast).slice(0, this.#limit);
  }
}

function noChanges<T>(make: () => T): Record<ChangeKind, T> {
  return { 'newly-denied': make(), 'would-deny': make(), 'newly-allowed': make() };
}

function byLast(a: Change, b: Change): number {
  return b.seen.lastMs - a.seen.lastMs;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sums of counts by a key, and the keys that have most. */

import { Most } from './most.ts';
import type { AskedVerdict } from './queries-filter.ts';
import type { Counts } from './rows.ts';

/** Allowed, denied, would deny, failed. */
const WIDTH = 4;
const OFFSETS = { allowed: 0, denied: 1, 'would-deny': 2, failed: 3 } as const;

export interface Ranked<Key> extends Counts {
  readonly key: Key;
}

interface Place<Key> {
  readonly key: Key;
  readonly at: number;
  /** By which it is ranked. */
  readonly count: number;
}

/** Keys, and for each the four counts one after the other. */
export type SumsLists<Key> = readonly [keys: readonly Key[], counts: readonly number[]];

export class Sums<Key extends string | number> {
  /** Where in `#counts` those of a key begin. */
  readonly #places = new Map<Key, number>();
  readonly #counts: number[] = [];

  add(key: Key, allowed: number, denied: number, wouldDeny: number, failed: number): void {
    const counts = this.#counts;
    const at = this.#places.get(key);
    if (at === undefined) {
      this.#places.set(key, counts.length);
      counts.push(allowed, denied, wouldDeny, failed);
      return;
    }
    counts[at]! += allowed;
    counts[at + 1]! += denied;
    counts[at + 2]! += wouldDeny;
    counts[at + 3]! += failed;
  }

  addLists([keys, counts]: SumsLists<Key>): void {
    for (let i = 0, at = 0; i < keys.length; i++, at += WIDTH) {
      this.add(keys[i]!, counts[at]!, counts[at + 1]!, counts[at + 2]!, counts[at + 3]!);
    }
  }

  /** Those of one key alone. */
  only(key: Key): Sums<Key> {
    const some = new Sums<Key>();
    const at = this.#places.get(key);
    if (at !== undefined) some.addLists([[key], this.#counts.slice(at, at + WIDTH)]);
    return some;
  }

  lists(): SumsLists<Key> {
    return [[...this.#places.keys()], this.#counts];
  }

  total(): Counts {
    const sums = [0, 0, 0, 0];
    for (const [i, count] of this.#counts.entries()) sums[i % WIDTH]! += count;
    return countsOf(sums);
  }

  /** Those with most first, of equals the one that is first by its key; none without any. */
  most(verdict: AskedVerdict | null, limit: number): Ranked<Key>[] {
    const most = new Most<Place<Key>>(
      limit,
      (a, b) => b.count - a.count || (a.key < b.key ? -1 : 1),
    );
    for (const [key, at] of this.#places) {
      const count = this.#countAt(at, verdict);
      if (count > 0) most.add({ key, at, count });
    }
    return most
      .inOrder()
      .map(({ key, at }) => ({ key, ...countsOf(this.#counts.slice(at, at + WIDTH)) }));
  }

  #countAt(at: number, verdict: AskedVerdict | null): number {
    if (verdict !== null) return this.#counts[at + OFFSETS[verdict]]!;
    return this.#counts[at]! + this.#counts[at + 1]! + this.#counts[at + 3]!;
  }
}

/** @param four allowed, denied, would deny, failed */
function countsOf(four: readonly number[]): Counts {
  const [allowed = 0, denied = 0, wouldDeny = 0, failed = 0] = four;
  return { queries: allowed + denied + failed, allowed, denied, wouldDeny, failed };
}

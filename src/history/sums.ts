/** Sums of counts by a key. */

import type { FourCounts } from './day-counts.ts';

type Sum = [number, number, number, number];

export class Sums<Key> {
  readonly #sums = new Map<Key, Sum>();

  add(key: Key, [allowed, denied, wouldDeny, failed]: FourCounts): void {
    const sum = this.#sums.get(key);
    if (sum === undefined) {
      this.#sums.set(key, [allowed, denied, wouldDeny, failed]);
      return;
    }
    sum[0] += allowed;
    sum[1] += denied;
    sum[2] += wouldDeny;
    sum[3] += failed;
  }

  [Symbol.iterator](): IterableIterator<[Key, FourCounts]> {
    return this.#sums[Symbol.iterator]();
  }
}

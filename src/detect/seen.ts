/**
 * Seen: which (workload, name) were charged already, as tags in shared memory. Fast lane.
 *
 * Buckets of one cache line: 16 tags of 32 bits. A name that was never asked for is taken for a
 * known one with probability 16 / 2^32 at most; the hash is keyed, so nobody can choose it. Of a
 * full bucket one goes, and its name is charged once more when it comes again: forgetting errs on
 * the safe side. Threads write without a lock: the worst that a race costs is such a charge.
 */

const WAYS = 16;

/** @param octets room for tags */
export function createSeen(octets: number): Int32Array {
  const buckets = Math.max(1, Math.floor(octets / (WAYS * 4)));
  return new Int32Array(new SharedArrayBuffer(buckets * WAYS * 4));
}

export class Seen {
  readonly #tags: Int32Array;
  readonly #buckets: number;
  #next = 0;

  constructor(tags: Int32Array) {
    this.#tags = tags;
    this.#buckets = tags.length / WAYS;
  }

  /** Whether the key was here before; from now on it was. */
  add(low: number, high: number): boolean {
    const tags = this.#tags;
    const first = Math.floor((low >>> 0) * (this.#buckets / 2 ** 32)) * WAYS;
    const tag = high === 0 ? 1 : high;
    for (let at = first; at < first + WAYS; at++) {
      const there = tags[at]!;
      if (there === tag) return true;
      if (there !== 0) continue;
      tags[at] = tag;
      return false;
    }
    tags[first + this.#next] = tag;
    this.#next = (this.#next + 1) % WAYS;
    return false;
  }
}

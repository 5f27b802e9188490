/**
 * Seen: which (workload, name) were charged already, as tags in shared memory. Fast lane.
 *
 * Buckets of one cache line: 16 tags of 32 bits. A name that was never asked for is taken for a
 * known one with probability 16 / 2^32 at most; the hash is keyed, so nobody can choose it. Of a
 * full bucket one goes, and its name is charged once more when it comes again: forgetting errs on
 * the safe side. Threads write without a lock: the worst that a race costs is such a charge.
 */

const WAYS = 16;
/** Workloads that ask for a name before it is common to them. */
const COMMON_WORKLOADS = 5;
/** The nth of them is kept in another bucket: 2^32 by the golden ratio. */
const SPACING = 0x9e3779b1 | 0;

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

  /** A tag of the key's bucket; see ahead.ts. */
  placeWord(low: number): number {
    return this.#tags[Math.floor((low >>> 0) * (this.#buckets / 2 ** 32)) * WAYS]!;
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

  /**
   * Notes that one more workload asked for the name, and says whether as many as make it common
   * have by now: such a name says nothing about who asks for it.
   */
  isCommon(low: number, high: number): boolean {
    for (let nth = 1; nth < COMMON_WORKLOADS; nth++) {
      if (!this.add(low + Math.imul(nth, SPACING), high + nth)) return false;
    }
    return true;
  }
}

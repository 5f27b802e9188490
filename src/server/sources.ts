/**
 * Sources: which address each TCP connection comes from, how many it has, and which of them has
 * been without a query longest. Typed arrays, allocated at the start.
 *
 * A source is an IPv4 address, or an IPv6 /64: whoever has one address of it has all.
 */

import { hashPrefix } from '../overload/prefix.ts';
import { octetsHigh, octetsLow } from '../wire/hash.ts';

const V4_OCTETS = 4;
const V6_OCTETS = 8;
const NONE = -1;

export class Sources {
  /** Sources with a connection. */
  count = 0;
  /** Number of the source of each open connection. */
  readonly #source: Int32Array;
  /** Neighbours of a connection among those of its source. */
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  /** By number: connections, the ends of their list, and the key. */
  readonly #held: Int32Array;
  readonly #oldest: Int32Array;
  readonly #newest: Int32Array;
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  /** First number of each bucket, the next of a bucket or of the free list. */
  readonly #buckets: Int32Array;
  readonly #next: Int32Array;
  #free = 0;

  /** @param capacity connections, and with that sources */
  constructor(capacity: number) {
    const numbers = (): Int32Array => new Int32Array(capacity);
    this.#source = numbers();
    this.#older = numbers();
    this.#newer = numbers();
    this.#held = numbers();
    this.#oldest = numbers();
    this.#newest = numbers();
    this.#low = numbers();
    this.#high = numbers();
    this.#buckets = new Int32Array(1 << Math.ceil(Math.log2(capacity * 2))).fill(NONE);
    this.#next = numbers();
    for (let i = 0; i < capacity; i++) this.#next[i] = i + 1;
    this.#next[capacity - 1] = NONE;
  }

  /** A connection opens; its address stands at `at`. */
  open(slot: number, octets: Uint8Array, at: number): void {
    hashPrefix(octets, at, V4_OCTETS, V6_OCTETS);
    const source = this.#find(octetsLow, octetsHigh);
    this.#source[slot] = source;
    this.#held[source]!++;
    this.#link(slot, source);
  }

  close(slot: number): void {
    const source = this.#source[slot]!;
    this.#unlink(slot, source);
    this.#held[source]!--;
    if (this.#held[source] === 0) this.#release(source);
  }

  /** It is the most recently active one of its source now. */
  touch(slot: number): void {
    const source = this.#source[slot]!;
    if (this.#newest[source] === slot) return;
    this.#unlink(slot, source);
    this.#link(slot, source);
  }

  /** Connections of the source that `slot` is of. */
  held(slot: number): number {
    return this.#held[this.#source[slot]!]!;
  }

  /** Of those, the one that has been without a query longest. */
  oldest(slot: number): number {
    return this.#oldest[this.#source[slot]!]!;
  }

  /** Of those, the sum of what `amounts` has for each slot. */
  sum(slot: number, amounts: Int32Array): number {
    let sum = 0;
    let one = this.oldest(slot);
    for (let left = this.held(slot); left > 0; left--) {
      sum += amounts[one]!;
      one = this.#newer[one]!;
    }
    return sum;
  }

  #find(low: number, high: number): number {
    const bucket = low & (this.#buckets.length - 1);
    let source = this.#buckets[bucket]!;
    while (source !== NONE) {
      if (this.#low[source] === low && this.#high[source] === high) return source;
      source = this.#next[source]!;
    }
    source = this.#free;
    this.#free = this.#next[source]!;
    this.#next[source] = this.#buckets[bucket]!;
    this.#buckets[bucket] = source;
    this.#low[source] = low;
    this.#high[source] = high;
    this.#held[source] = 0;
    this.#oldest[source] = NONE;
    this.#newest[source] = NONE;
    this.count++;
    return source;
  }

  #release(source: number): void {
    const bucket = this.#low[source]! & (this.#buckets.length - 1);
    const after = this.#next[source]!;
    let at = this.#buckets[bucket]!;
    if (at === source) this.#buckets[bucket] = after;
    else {
      while (this.#next[at] !== source) at = this.#next[at]!;
      this.#next[at] = after;
    }
    this.#next[source] = this.#free;
    this.#free = source;
    this.count--;
  }

  #link(slot: number, source: number): void {
    const newest = this.#newest[source]!;
    this.#older[slot] = newest;
    this.#newer[slot] = NONE;
    if (newest === NONE) this.#oldest[source] = slot;
    else this.#newer[newest] = slot;
    this.#newest[source] = slot;
  }

  #unlink(slot: number, source: number): void {
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older === NONE) this.#oldest[source] = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest[source] = older;
    else this.#older[newer] = older;
  }
}

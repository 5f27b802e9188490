/**
 * Denials: for which names the store may hold an NXDOMAIN.
 *
 * A name that is new is looked for at each of its labels (RFC 8020), in the store's index of 8 MB;
 * two bits of 128 kB say that there is nothing to find (1.28 us before, 1.24 so, of a new question,
 * single runs). Exact in that direction: the bits are of this lap of the slab and of the one
 * before, and an entry lives no longer without being written again.
 */

import type { WireName } from '../wire/name.ts';

export class Denials {
  #now: Int32Array;
  #before: Int32Array;

  /** @param bits of each lap, a power of two from 32 on */
  constructor(bits: number) {
    this.#now = new Int32Array(bits / 32);
    this.#before = new Int32Array(bits / 32);
  }

  /** False when there is surely none for the suffix of `name` that starts at `label`. */
  mayHold(name: WireName, label: number): boolean {
    const low = name.low[label]!;
    const at = this.#at(low);
    return (((this.#now[at]! | this.#before[at]!) >>> (low & 31)) & 1) === 1;
  }

  /** An NXDOMAIN for the name with this hash was written. */
  add(low: number): void {
    this.#now[this.#at(low)]! |= 1 << (low & 31);
  }

  startLap(): void {
    const before = this.#before;
    this.#before = this.#now;
    this.#now = before;
    before.fill(0);
  }

  clear(): void {
    this.#now.fill(0);
    this.#before.fill(0);
  }

  #at(low: number): number {
    return (low >>> 5) & (this.#now.length - 1);
  }
}

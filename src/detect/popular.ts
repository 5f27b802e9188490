/**
 * Popular: whether a domain is among the most asked for, from a table of fingerprints that
 * training/popular.ts made. Fast lane; asked once for each new (workload, domain).
 *
 * Fingerprints of 48 bits of an unkeyed hash: of 60,000 domains, a stranger's is taken for a
 * popular one with probability 2 in 10^10. Whoever searches on purpose finds such a name in minutes
 * and gains a higher threshold with it, no more: he can rent a popular domain as well.
 */

import type { WireName } from '../wire/name.ts';

/** Words of one slot: 32 bits of the fingerprint, and 16 with a bit that says it is there. */
const SLOT_WORDS = 2;
export const IS_THERE = 0x10000;

/** Two halves of the hash of a wire name from `from` on; in these variables after `hashFrom`. */
export let hashLow = 0;
export let hashHigh = 0;

/** FNV-1a twice with different offsets (Fowler, Noll, Vo), mixed at the end as in MurmurHash3. */
export function hashFrom(octets: Uint8Array, from: number, end: number): void {
  let low = 0x811c9dc5 | 0;
  let high = 0x9747b28c | 0;
  for (let at = from; at < end; at++) {
    low = Math.imul(low ^ octets[at]!, 0x01000193);
    high = Math.imul(high ^ octets[at]!, 0x85ebca6b);
  }
  hashLow = mix(low ^ high);
  hashHigh = mix(high + hashLow) & 0xffff;
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export class Popular {
  readonly #words: Int32Array;
  readonly #slots: number;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#slots = words.length / SLOT_WORDS;
  }

  /** @param label where the domain starts in the name */
  has(name: WireName, label: number): boolean {
    hashFrom(name.octets, name.labelAt[label]!, name.length);
    const words = this.#words;
    let slot = slotOf(hashLow, this.#slots);
    for (let probe = 0; probe < this.#slots; probe++) {
      const second = words[slot * SLOT_WORDS + 1]!;
      if (second === 0) return false;
      if (words[slot * SLOT_WORDS] === hashLow && second === (hashHigh | IS_THERE)) return true;
      if (++slot === this.#slots) slot = 0;
    }
    return false;
  }
}

function slotOf(low: number, slots: number): number {
  return Math.floor((low >>> 0) * (slots / 2 ** 32));
}

/** A table of fingerprints in shared memory. @param pairs low and high half of each, in turn */
export function popularTable(pairs: Int32Array): Int32Array {
  const slots = Math.max(4, Math.ceil((pairs.length / 2) * 1.5));
  const words = new Int32Array(new SharedArrayBuffer(slots * SLOT_WORDS * 4));
  for (let at = 0; at < pairs.length; at += 2) {
    const low = pairs[at] ?? 0;
    let slot = slotOf(low, slots);
    while (words[slot * SLOT_WORDS + 1] !== 0) slot = (slot + 1) % slots;
    words[slot * SLOT_WORDS] = low;
    words[slot * SLOT_WORDS + 1] = (pairs[at + 1] ?? 0) | IS_THERE;
  }
  return words;
}

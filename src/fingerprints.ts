/**
 * A table from 64-bit fingerprints of wire suffixes to 32-bit values, in one flat shared array.
 *
 * Open addressing with linear probing over `capacity` slots of 12 octets; capacity is not a power
 * of two, so at four fifths full an entry costs 15 octets. Built whole by one thread, then only
 * read: the readers never lock. What a value means is its owner's business; 0 means absent.
 */

/** Int32 words of one slot: low and high half of the fingerprint, and the value. */
const SLOT_WORDS = 3;
const TWO_TO_MINUS_32 = 2 ** -32;

export class Fingerprints {
  readonly words: Int32Array;
  readonly capacity: number;
  /** Entries held. */
  readonly count: number;

  constructor(words: Int32Array, count: number) {
    this.words = words;
    this.capacity = words.length / SLOT_WORDS;
    this.count = count;
  }

  /** The value of a fingerprint, 0 when it is not there. */
  find(low: number, high: number): number {
    const words = this.words;
    const capacity = this.capacity;
    // Scales a 32-bit hash to 0..capacity-1; exact, as both factors fit 53 bits.
    let slot = ((low >>> 0) * capacity * TWO_TO_MINUS_32) | 0;
    for (let probe = 0; probe < capacity; probe++) {
      const at = slot * SLOT_WORDS;
      const value = words[at + 2]!;
      if (value === 0) return 0;
      if (words[at] === low && words[at + 1] === high) return value;
      if (++slot === capacity) slot = 0;
    }
    return 0;
  }
}

/** What crosses threads; `Fingerprints` wraps it again on the other side. */
export interface FingerprintsMemory {
  readonly words: Int32Array;
  readonly count: number;
}

/** Builds a table of at most `entries` entries. */
export class FingerprintsBuilder {
  readonly #words: Int32Array;
  readonly #capacity: number;
  #count = 0;

  constructor(entries: number) {
    this.#capacity = Math.max(4, Math.ceil(entries * 1.25) + 1);
    this.#words = new Int32Array(
      new SharedArrayBuffer(this.#capacity * SLOT_WORDS * Int32Array.BYTES_PER_ELEMENT),
    );
  }

  /** The value that stands for a fingerprint, 0 when there is none yet. */
  get(low: number, high: number): number {
    return this.#words[this.#slotOf(low, high) * SLOT_WORDS + 2]!;
  }

  /** Sets a value, never 0, replacing what was there. */
  set(low: number, high: number, value: number): void {
    const at = this.#slotOf(low, high) * SLOT_WORDS;
    if (this.#words[at + 2] === 0) {
      if (++this.#count >= this.#capacity) throw new RangeError('fingerprint table is full');
    }
    this.#words[at] = low;
    this.#words[at + 1] = high;
    this.#words[at + 2] = value;
  }

  finish(): FingerprintsMemory {
    return { words: this.#words, count: this.#count };
  }

  #slotOf(low: number, high: number): number {
    let slot = ((low >>> 0) * this.#capacity * TWO_TO_MINUS_32) | 0;
    for (;;) {
      const at = slot * SLOT_WORDS;
      if (this.#words[at + 2] === 0) return slot;
      if (this.#words[at] === low && this.#words[at + 1] === high) return slot;
      if (++slot === this.#capacity) slot = 0;
    }
  }
}

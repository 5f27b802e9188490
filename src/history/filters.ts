/**
 * Filters: what is certainly not in the database, so that a new pair costs no look-up in a file of
 * millions. Never the other way round: that something may be there is for the database to say.
 *
 * Rows are numbered as they come, and each stretch of 262,144 numbers has a filter of 1 MB of its
 * own: a stretch that is full never changes again and is kept in the file, so a start reads filters
 * and not rows. A key sets three bits in each of two neighbouring words, a look-up reads one word
 * of most filters. A key that is taken for another costs a look-up.
 */

/** Rows of one filter, as a power of two. */
export const FILTER_SHIFT = 18;
const FILTER_ROWS = 2 ** FILTER_SHIFT;
/** One pair of words for every two rows. */
const BLOCK_MASK = FILTER_ROWS / 2 - 1;

/** Drawn once for each file: nobody outside can choose names that meet. */
export interface FilterKey {
  readonly k0: number;
  readonly k1: number;
}

export class Filters {
  readonly #key: FilterKey;
  /** Index is the number of the stretch; null where none of its rows is left. */
  readonly #parts: (Uint32Array | null)[] = [];
  /** The key that `hash` was given last. */
  #block = 0;
  #first = 0;
  #second = 0;

  constructor(key: FilterKey) {
    this.#key = key;
  }

  /** The filter of a stretch as it is stored, or null. */
  part(number: number): Uint32Array | null {
    return this.#parts[number] ?? null;
  }

  setPart(number: number, words: Uint32Array | null): void {
    this.#parts[number] = words;
  }

  /** Chooses the key that `add` and `next` are about: a name that belongs to `owner`. */
  hash(owner: number, text: string): void {
    let a = this.#key.k0 ^ Math.imul(owner, 0x9e3779b1);
    let b = this.#key.k1 ^ owner;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 0x85ebca6b);
      a ^= a >>> 13;
      b = Math.imul(b + code, 0xc2b2ae35);
      b ^= b >>> 15;
    }
    b = Math.imul(b ^ (a >>> 16), 0x27d4eb2f);
    a = Math.imul(a ^ (b >>> 15), 0x165667b1);
    this.#block = ((a ^ (a >>> 15)) & BLOCK_MASK) * 2;
    this.#first = (1 << (b & 31)) | (1 << ((b >>> 5) & 31)) | (1 << ((b >>> 10) & 31));
    this.#second = (1 << ((b >>> 15) & 31)) | (1 << ((b >>> 20) & 31)) | (1 << ((b >>> 25) & 31));
  }

  /** Notes that row `id` has the key. */
  add(id: number): void {
    const number = Math.floor(id / FILTER_ROWS);
    let words = this.#parts[number];
    if (words === undefined || words === null) {
      words = new Uint32Array(FILTER_ROWS);
      for (let i = this.#parts.length; i < number; i++) this.#parts[i] = null;
      this.#parts[number] = words;
    }
    words[this.#block]! |= this.#first;
    words[this.#block + 1]! |= this.#second;
  }

  /** The youngest stretch before `number` that may hold the key, or -1 for none. */
  before(number: number): number {
    const block = this.#block;
    const first = this.#first;
    for (let i = Math.min(number, this.#parts.length) - 1; i >= 0; i--) {
      const words = this.#parts[i];
      if (words === null || words === undefined) continue;
      if ((words[block]! & first) !== first) continue;
      if ((words[block + 1]! & this.#second) === this.#second) return i;
    }
    return -1;
  }

  get length(): number {
    return this.#parts.length;
  }
}

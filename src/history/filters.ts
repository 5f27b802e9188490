/**
 * Filters: what is certainly not in the database, so that a new pair costs no look-up in a file of
 * millions. Never the other way round: that something may be there is for the database to say.
 *
 * Rows are numbered as they come, and each stretch of 262,144 numbers has a filter of 1 MB of its
 * own: a stretch that is full never changes again and is kept in the file, so a start reads filters
 * and not rows. A key sets three bits in each of two neighbouring words, a look-up reads one word
 * of most filters. A key that is taken for another costs a look-up.
 *
 * Eight stretches that are full lie in one another, so that what they say of a key is in one cache
 * line: a new pair among ten million took a miss of the cache for each of 38 stretches.
 */

/** Rows of one filter, as a power of two. */
export const FILTER_SHIFT = 18;
const FILTER_ROWS = 2 ** FILTER_SHIFT;
/** One pair of words for every two rows. */
const BLOCK_MASK = FILTER_ROWS / 2 - 1;
/** Stretches of one group, as a power of two. */
const GROUP_SHIFT = 3;
const GROUP_PARTS = 2 ** GROUP_SHIFT;

/** Drawn once for each file: nobody outside can choose names that meet. */
export interface FilterKey {
  readonly k0: number;
  readonly k1: number;
}

export class Filters {
  readonly #key: FilterKey;
  /** Index is the number of the stretch; null where none of its rows is left. */
  readonly #parts: (Uint32Array | null)[] = [];
  /** Full stretches: block after block, and in each the words of eight stretches. */
  readonly #groups: Uint32Array[] = [];
  /** The key that `hash` was given last: it is looked for, and then noted. */
  #owner = -1;
  #text = '';
  #block = 0;
  #first = 0;
  #second = 0;

  constructor(key: FilterKey) {
    this.#key = key;
  }

  /** The filter of a stretch as it is stored; null where there is none, or its group is closed. */
  part(number: number): Uint32Array | null {
    return this.#parts[number] ?? null;
  }

  setPart(number: number, words: Uint32Array | null): void {
    this.#parts[number] = words;
  }

  /** Groups the stretches before `number`, in which hardly a key will be noted any more. */
  close(number: number): void {
    while ((this.#groups.length + 1) * GROUP_PARTS <= number) this.#closeGroup();
  }

  #closeGroup(): void {
    const group = new Uint32Array(FILTER_ROWS * GROUP_PARTS);
    const from = this.#groups.length * GROUP_PARTS;
    for (let lane = 0; lane < GROUP_PARTS; lane++) {
      const words = this.#parts[from + lane];
      this.#parts[from + lane] = null;
      if (words === null || words === undefined) continue;
      for (let at = 0, to = lane * 2; at < FILTER_ROWS; at += 2, to += GROUP_PARTS * 2) {
        group[to] = words[at]!;
        group[to + 1] = words[at + 1]!;
      }
    }
    this.#groups.push(group);
  }

  /** Chooses the key that `add` and `next` are about: a name that belongs to `owner`. */
  hash(owner: number, text: string): void {
    if (owner === this.#owner && text === this.#text) return;
    this.#owner = owner;
    this.#text = text;
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
    const group = this.#groups[number >>> GROUP_SHIFT];
    if (group !== undefined) {
      const at = this.#block * GROUP_PARTS + (number & (GROUP_PARTS - 1)) * 2;
      group[at]! |= this.#first;
      group[at + 1]! |= this.#second;
      return;
    }
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
    const closed = this.#groups.length * GROUP_PARTS;
    let i = Math.min(number, this.#parts.length) - 1;
    for (; i >= closed; i--) {
      const words = this.#parts[i];
      if (words === null || words === undefined) continue;
      if ((words[block]! & first) !== first) continue;
      if ((words[block + 1]! & this.#second) === this.#second) return i;
    }
    for (; i >= 0; i--) {
      const group = this.#groups[i >>> GROUP_SHIFT]!;
      const at = block * GROUP_PARTS + (i & (GROUP_PARTS - 1)) * 2;
      if ((group[at]! & first) !== first) continue;
      if ((group[at + 1]! & this.#second) === this.#second) return i;
    }
    return -1;
  }

  get length(): number {
    return this.#parts.length;
  }
}

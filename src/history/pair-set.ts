/** A set of pairs by number: one bit for each number up to the greatest. */

const WORD_BITS = 32;
/** Words at first; they double. */
const FIRST_WORDS = 1024;

export class PairSet {
  #words = new Int32Array(FIRST_WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param id 0 to 2^32 - 1 */
  add(id: number): void {
    const word = Math.floor(id / WORD_BITS);
    if (word >= this.#words.length) this.#grow(word);
    const before = this.#words[word]!;
    const after = before | (1 << (id % WORD_BITS));
    if (after === before) return;
    this.#words[word] = after;
    this.#size += 1;
  }

  has(id: number): boolean {
    const word = this.#words[Math.floor(id / WORD_BITS)];
    return word !== undefined && (word & (1 << (id % WORD_BITS))) !== 0;
  }

  /** In order, from the first that is not less than `from`. */
  *from(from = 0): Generator<number> {
    let left = -1 << (from % WORD_BITS);
    for (let at = Math.floor(from / WORD_BITS); at < this.#words.length; at++) {
      for (let word = this.#words[at]! & left; word !== 0; word &= word - 1) {
        yield at * WORD_BITS + WORD_BITS - 1 - Math.clz32(word & -word);
      }
      left = -1;
    }
  }

  #grow(word: number): void {
    const words = new Int32Array(Math.max(word + 1, this.#words.length * 2));
    words.set(this.#words);
    this.#words = words;
  }
}

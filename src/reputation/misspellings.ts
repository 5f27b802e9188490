/**
 * Hashes of spellings: of a word, of any part of it, and of what is left when one or two letters
 * are taken out, each in constant time once the word was read. Fast lane.
 *
 * Polynomials modulo 2^32, two of them. They are not keyed: what they find is compared letter by
 * letter where it is about an edit, and elsewhere a collision could only make a stranger's own name
 * look worse.
 */

const LETTERS_MAX = 64;
const FACTOR_LOW = 0x9e3779b1 | 0;
const FACTOR_HIGH = 0x85ebca77 | 0;
/** So that words of different length differ from the start. */
const LENGTH_LOW = 0x27d4eb2f;
const LENGTH_HIGH = 0x165667b1;

const POWERS_LOW = powersOf(FACTOR_LOW);
const POWERS_HIGH = powersOf(FACTOR_HIGH);

export class Misspellings {
  /** The last hash asked for. */
  low = 0;
  high = 0;
  length = 0;
  readonly #low = new Int32Array(LETTERS_MAX + 1);
  readonly #high = new Int32Array(LETTERS_MAX + 1);

  /** Reads a word of at most 64 letters. */
  read(octets: Uint8Array, at: number, length: number): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < length; i++) {
      const letter = octets[at + i]!;
      low = (Math.imul(low, FACTOR_LOW) + letter) | 0;
      high = (Math.imul(high, FACTOR_HIGH) + letter) | 0;
      this.#low[i + 1] = low;
      this.#high[i + 1] = high;
    }
    this.length = length;
  }

  /** The hash of the letters from `from` to before `end`. */
  part(from: number, end: number): void {
    this.#finish(this.#sum(this.#low, POWERS_LOW, from, end), this.#of(from, end), end - from);
  }

  /** The hash of the word without the letter at `i`. */
  without(i: number): void {
    const { length } = this;
    const rest = length - 1 - i;
    const low = Math.imul(this.#low[i]!, POWERS_LOW[rest]!);
    const high = Math.imul(this.#high[i]!, POWERS_HIGH[rest]!);
    const lowRest = this.#sum(this.#low, POWERS_LOW, i + 1, length);
    this.#finish((low + lowRest) | 0, (high + this.#of(i + 1, length)) | 0, length - 1);
  }

  /**
   * The low half of `withoutTwo` alone: most spellings are in no table, and a filter that knows it
   * by this half saves the other.
   */
  lowWithoutTwo(i: number, j: number): number {
    const sums = this.#low;
    const { length } = this;
    const rest = length - 1 - j;
    const middle = j - i - 1;
    const start = Math.imul(sums[i]!, POWERS_LOW[middle]!);
    const inner = (sums[j]! - Math.imul(sums[i + 1]!, POWERS_LOW[middle]!)) | 0;
    const tail = (sums[length]! - Math.imul(sums[j + 1]!, POWERS_LOW[rest]!)) | 0;
    const low = (Math.imul((start + inner) | 0, POWERS_LOW[rest]!) + tail) | 0;
    return Math.imul(low ^ Math.imul(length - 2, LENGTH_LOW), FACTOR_LOW);
  }

  /** The hash of the word without the letters at `i` and `j`, `i` before `j`. */
  withoutTwo(i: number, j: number): void {
    const { length } = this;
    const middle = j - i - 1;
    const rest = length - 1 - j;
    const low =
      Math.imul(this.#low[i]!, POWERS_LOW[middle + rest]!) +
      Math.imul(this.#sum(this.#low, POWERS_LOW, i + 1, j), POWERS_LOW[rest]!) +
      this.#sum(this.#low, POWERS_LOW, j + 1, length);
    const high =
      Math.imul(this.#high[i]!, POWERS_HIGH[middle + rest]!) +
      Math.imul(this.#of(i + 1, j), POWERS_HIGH[rest]!) +
      this.#of(j + 1, length);
    this.#finish(low | 0, high | 0, length - 2);
  }

  #of(from: number, end: number): number {
    return this.#sum(this.#high, POWERS_HIGH, from, end);
  }

  #sum(sums: Int32Array, powers: Int32Array, from: number, end: number): number {
    return (sums[end]! - Math.imul(sums[from]!, powers[end - from]!)) | 0;
  }

  #finish(low: number, high: number, length: number): void {
    this.low = Math.imul(low ^ Math.imul(length, LENGTH_LOW), FACTOR_LOW);
    this.high = high ^ Math.imul(length, LENGTH_HIGH);
  }
}

function powersOf(factor: number): Int32Array {
  const powers = new Int32Array(LETTERS_MAX + 1).fill(1);
  for (let i = 1; i <= LETTERS_MAX; i++) powers[i] = Math.imul(powers[i - 1]!, factor);
  return powers;
}

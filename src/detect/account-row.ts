/**
 * The row of one account, (workload, rule) with a budget: what has left and come in within the
 * window, and what its code remembers. Fast lane; shared by all workers, one at a time.
 *
 * ```
 * words   16 numbers  |  doubles: 16 numbers, 2 x 64 cells of a window
 *         256 hashes of names  |  256 hashes of answer data  |  4 names of at most 256 octets
 * ```
 */

/** Number of the thread that writes, 0 for nobody. */
export const WORD_LOCK = 0;
/** KEY_* bits of the last query. */
export const WORD_FLAGS = 1;
/** Names remembered (0..KNOWN_MAX), and where the next goes: the oldest gives way. */
export const WORD_KNOWN = 2;
export const WORD_KNOWN_NEXT = 3;
/** The last distinct names: how many, where the next goes, and their lengths. */
export const WORD_LAST = 4;
export const WORD_LAST_NEXT = 5;
export const WORD_LAST_LENGTH = 6;
/** As WORD_KNOWN, of answer data. */
export const WORD_HEARD = 10;
export const WORD_HEARD_NEXT = 11;
/** 1 once it was told that most of the budget is used. */
export const WORD_IS_WARNED = 12;

/** Doubles, counted from the start of the row. */
const FIRST_DOUBLE = 8;
/** A window: the number of its newest cell, and the sum of its cells, in units. */
export const WINDOW_CELL = 0;
export const WINDOW_USED = 1;
export const DOUBLE_OUT = FIRST_DOUBLE;
export const DOUBLE_IN = FIRST_DOUBLE + 2;
/** Units charged since the row was made, and up to where the disk knows of it. */
export const DOUBLE_TOTAL = FIRST_DOUBLE + 4;
export const DOUBLE_GRANTED = FIRST_DOUBLE + 5;
/** When a denial was told last, ms of the clock that all threads share. */
export const DOUBLE_TOLD = FIRST_DOUBLE + 6;

/** A window is 60 cells and the one that is filling, which all count. */
export const CELLS_PER_WINDOW = 60;
export const CELLS = 64;
export const DOUBLE_OUT_CELLS = FIRST_DOUBLE + 16;
export const DOUBLE_IN_CELLS = DOUBLE_OUT_CELLS + CELLS;

export const KNOWN_MAX = 256;
export const WORD_KNOWN_HASHES = (DOUBLE_IN_CELLS + CELLS) * 2;
export const WORD_HEARD_HASHES = WORD_KNOWN_HASHES + 2 * KNOWN_MAX;

export const LAST_NAMES = 4;
export const LAST_OCTETS = 256;
const WORD_LAST_NAMES = WORD_HEARD_HASHES + 2 * KNOWN_MAX;
export const OCTET_LAST_NAMES = WORD_LAST_NAMES * 4;

/** A multiple of a cache line. */
export const ROW_WORDS = WORD_LAST_NAMES + (LAST_NAMES * LAST_OCTETS) / 4;

/** Rows, as words, doubles and octets of one memory. */
export class AccountRows {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly octets: Uint8Array;

  constructor(words: Int32Array) {
    this.words = words;
    this.doubles = new Float64Array(words.buffer);
    this.octets = new Uint8Array(words.buffer);
  }
}

/** Whether a pair of hash halves stands in a list of `count`, which starts at word `at`. */
export function holdsHash(
  words: Int32Array,
  at: number,
  count: number,
  low: number,
  high: number,
): boolean {
  const end = at + 2 * count;
  for (let word = at; word < end; word += 2) {
    if (words[word] === low && words[word + 1] === high) return true;
  }
  return false;
}

/**
 * Puts a pair of hash halves into the list of KNOWN_MAX at word `at`; its count and its next place
 * stand at `row + counter` and in the word after.
 */
export function addHash(
  words: Int32Array,
  counter: number,
  at: number,
  low: number,
  high: number,
): void {
  const next = words[counter + 1]!;
  words[at + 2 * next] = low;
  words[at + 2 * next + 1] = high;
  words[counter + 1] = (next + 1) % KNOWN_MAX;
  if (words[counter]! < KNOWN_MAX) words[counter]!++;
}

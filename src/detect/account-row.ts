/**
 * The row of one account, (workload, rule) with a budget: what has left and come in within the
 * window, and what its code remembers. Fast lane; shared by all workers, one at a time.
 *
 * ```
 * words   16 numbers  |  doubles: 16 numbers, 2 x 64 cells of a window
 *         256 hashes of names  |  256 hashes of answer data  |  4 names of at most 256 octets
 *         1,024 counters of hashes of names, and of answer data
 * ```
 */

/** Number of the thread that writes, 0 for nobody. */
export const WORD_LOCK = 0;
/** KEY_* bits of the last query. */
export const WORD_FLAGS = 1;
/** Names remembered (0..KNOWN_MAX), and where the next goes: the oldest gives way. */
export const WORD_KNOWN = 2;
/** The last distinct names: how many, where the next goes, and their lengths. */
export const WORD_LAST = 4;
export const WORD_LAST_NEXT = 5;
export const WORD_LAST_LENGTH = 6;
/** As WORD_KNOWN, of answer data. */
export const WORD_HEARD = 10;
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
const WORD_KNOWN_HASHES = (DOUBLE_IN_CELLS + CELLS) * 2;
const WORD_HEARD_HASHES = WORD_KNOWN_HASHES + 2 * KNOWN_MAX;

export const LAST_NAMES = 4;
export const LAST_OCTETS = 256;
const WORD_LAST_NAMES = WORD_HEARD_HASHES + 2 * KNOWN_MAX;
export const OCTET_LAST_NAMES = WORD_LAST_NAMES * 4;

/**
 * How many hashes of a list have the same low 10 bits: most of what is new meets a 0 here, and the
 * list need not be searched. With it, and without a difference where nothing is in common, a new
 * name of 16 octets took 0.5 us to charge instead of 1.7, and a repeat 0.16 instead of 0.45.
 */
const COUNTERS = 1024;
const WORD_KNOWN_COUNTERS = WORD_LAST_NAMES + (LAST_NAMES * LAST_OCTETS) / 4;
const WORD_HEARD_COUNTERS = WORD_KNOWN_COUNTERS + COUNTERS / 4;

export const ROW_WORDS = WORD_HEARD_COUNTERS + COUNTERS / 4;

/** A list of hashes in a row: its count and next place, the hashes, their counters. */
export interface HashList {
  readonly count: number;
  readonly hashes: number;
  readonly counters: number;
}

export const KNOWN: HashList = {
  count: WORD_KNOWN,
  hashes: WORD_KNOWN_HASHES,
  counters: WORD_KNOWN_COUNTERS * 4,
};
export const HEARD: HashList = {
  count: WORD_HEARD,
  hashes: WORD_HEARD_HASHES,
  counters: WORD_HEARD_COUNTERS * 4,
};

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

/** Whether a pair of hash halves stands in a list of the row that starts at word `row`. */
export function holdsHash(
  rows: AccountRows,
  row: number,
  list: HashList,
  low: number,
  high: number,
): boolean {
  if (rows.octets[row * 4 + list.counters + (low & (COUNTERS - 1))] === 0) return false;
  const { words } = rows;
  const at = row + list.hashes;
  const end = at + 2 * words[row + list.count]!;
  for (let word = at; word < end; word += 2) {
    if (words[word] === low && words[word + 1] === high) return true;
  }
  return false;
}

/** Puts a pair that is not there yet into a list; of KNOWN_MAX the oldest gives way. */
export function addHash(
  rows: AccountRows,
  row: number,
  list: HashList,
  low: number,
  high: number,
): void {
  const { words, octets } = rows;
  const counters = row * 4 + list.counters;
  const count = row + list.count;
  const next = words[count + 1]!;
  const at = row + list.hashes + 2 * next;
  if (words[count]! < KNOWN_MAX) words[count]!++;
  else octets[counters + (words[at]! & (COUNTERS - 1))]!--;
  words[at] = low;
  words[at + 1] = high;
  // 256 of one list with the same bits would need names chosen with the key: it stays at 255.
  const counter = counters + (low & (COUNTERS - 1));
  if (octets[counter]! < 255) octets[counter]!++;
  words[count + 1] = (next + 1) % KNOWN_MAX;
}

/**
 * Accounts: what has left, and come in, through each rule with a budget. Fast lane; rows of shared
 * memory, so that all workers have one account, and main keeps them over a restart.
 *
 * Main gives every (workload, rule) of the configuration its row beforehand (accounts-keeper.ts):
 * no name that is asked for makes a row or takes one away, so nobody can ask himself a fresh one.
 *
 * A window is 60 cells, and the cell that is filling counts too: what is counted is never less than
 * what left in any window of that length, and at most a sixtieth longer. The time is monotonic, the
 * same for all threads, and does not follow the clock of the machine.
 */

import {
  AccountRows,
  addHash,
  CELLS,
  CELLS_PER_WINDOW,
  DOUBLE_GRANTED,
  DOUBLE_TOTAL,
  HEARD,
  holdsHash,
  ROW_WORDS,
  WINDOW_CELL,
  WINDOW_USED,
  WORD_LOCK,
} from './account-row.ts';

/**
 * Tries of a lock, some 0.3 ms. It is held for a microsecond, but for tens of them in the first
 * queries of a start, when nothing is compiled yet: with 20 us, 5 of the first 320 queries of two
 * workers did not get it.
 */
const TRIES_MAX = 1 << 15;

/** Accounts that there is room for; 8.4 kB each, of which those never used take none. */
export const ACCOUNTS_MAX = 8192;

/** What crosses threads. */
export interface AccountsMemory {
  readonly words: Int32Array;
  /** The monotonic clock (clock.ts) at start: the time of the rows counts from it. */
  readonly startMs: number;
}

/** Number of the cell at `ms` of the rows' time; the first leaves room for a restored window. */
export function cellAt(ms: number, cellMs: number): number {
  return Math.floor(ms / cellMs) + CELLS;
}

export class Accounts {
  readonly rows: AccountRows;
  readonly #startMs: number;
  readonly #owner: number;

  /** @param owner number of the thread, 1 or more: whose locks are freed when it dies */
  constructor(memory: AccountsMemory, owner: number) {
    this.rows = new AccountRows(memory.words);
    this.#startMs = memory.startMs;
    this.#owner = owner;
  }

  /** The time of the rows, from the monotonic clock that all threads share. */
  timeOf(sharedMs: number): number {
    return Math.max(0, sharedMs - this.#startMs);
  }

  /** @returns false when it is not to be had; otherwise `unlock` must follow */
  lock(row: number): boolean {
    const { words } = this.rows;
    const at = row * ROW_WORDS + WORD_LOCK;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (Atomics.compareExchange(words, at, 0, this.#owner) === 0) return true;
    }
    return false;
  }

  unlock(row: number): void {
    Atomics.store(this.rows.words, row * ROW_WORDS + WORD_LOCK, 0);
  }

  /**
   * Lets cells go that are out of the window. A time before the newest cell changes nothing.
   *
   * @param window DOUBLE_OUT or DOUBLE_IN, @param cells where its cells stand
   */
  advance(row: number, window: number, cells: number, cell: number): void {
    const { doubles } = this.rows;
    const at = (row * ROW_WORDS) / 2;
    const newest = doubles[at + window + WINDOW_CELL]!;
    if (cell <= newest) return;
    const steps = Math.min(cell - newest, CELLS_PER_WINDOW + 1);
    for (let step = 0; step < steps; step++) {
      const slot = at + cells + ((newest - CELLS_PER_WINDOW + step) & (CELLS - 1));
      doubles[at + window + WINDOW_USED]! -= doubles[slot]!;
      doubles[slot] = 0;
    }
    doubles[at + window + WINDOW_CELL] = cell;
  }

  used(row: number, window: number): number {
    return this.rows.doubles[(row * ROW_WORDS) / 2 + window + WINDOW_USED]!;
  }

  /** Adds to the newest cell. */
  add(row: number, window: number, cells: number, units: number): void {
    const { doubles } = this.rows;
    const at = (row * ROW_WORDS) / 2;
    const newest = doubles[at + window + WINDOW_CELL]!;
    doubles[at + cells + (newest & (CELLS - 1))]! += units;
    doubles[at + window + WINDOW_USED]! += units;
  }

  /** Whether the disk knows that so much more may have left: what is charged after a crash. */
  isGranted(row: number, units: number): boolean {
    const { doubles } = this.rows;
    const at = (row * ROW_WORDS) / 2;
    return doubles[at + DOUBLE_TOTAL]! + units <= doubles[at + DOUBLE_GRANTED]!;
  }

  addTotal(row: number, units: number): void {
    this.rows.doubles[(row * ROW_WORDS) / 2 + DOUBLE_TOTAL]! += units;
  }

  /** Cells until at most `room` units are in the window; all of it where that never is. */
  cellsUntil(row: number, window: number, cells: number, room: number): number {
    const { doubles } = this.rows;
    const at = (row * ROW_WORDS) / 2;
    const newest = doubles[at + window + WINDOW_CELL]!;
    let used = doubles[at + window + WINDOW_USED]!;
    for (let step = 0; step <= CELLS_PER_WINDOW; step++) {
      if (used <= room) return step;
      used -= doubles[at + cells + ((newest - CELLS_PER_WINDOW + step) & (CELLS - 1))]!;
    }
    return CELLS_PER_WINDOW + 1;
  }

  /** Whether answer data of this hash is new to the row, which knows it from then on. */
  hears(row: number, low: number, high: number): boolean {
    const at = row * ROW_WORDS;
    if (holdsHash(this.rows, at, HEARD, low, high)) return false;
    addHash(this.rows, at, HEARD, low, high);
    return true;
  }
}

/** Frees what a thread that died had locked; what it was writing stays as it is. */
export function freeAccountLocks({ words }: AccountsMemory, owner: number): void {
  for (let at = WORD_LOCK; at < words.length; at += ROW_WORDS) {
    Atomics.compareExchange(words, at, owner, 0);
  }
}

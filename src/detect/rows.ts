/**
 * Rows: keyed rows of shared memory that several workers read and write, one at a time each.
 *
 * Fast lane. Buckets of WAYS rows under one lock that is held for less than a microsecond. Nobody
 * waits for it: who finds it taken tries for some 300 us (its holder may have lost its processor)
 * and then gets NONE, which the caller must treat as the worse case (fail closed).
 *
 * In a full bucket the row with the least worth goes, whatever its age: by age, whoever asks for
 * enough new names would be forgotten. What a row is worth fades with a time constant of a day; a
 * row of much worth can only be pushed out by WAYS rows of more.
 */

/** Rows of one bucket: their keys and the lock share a cache line. */
const WAYS = 7;
/** Words of a bucket's head: the lock, a word unused, and two words of key for each row. */
const HEAD_WORDS = 16;
const KEYS = 2;
/** Tries of a lock, some 300 us: before the code is compiled a row is held for tens of them. */
const TRIES_MAX = 1 << 15;

export const NONE = -1;

/** The first words of every row. Key 0,0 is no key: the row is free. */
export const ROW_LOW = 0;
export const ROW_HIGH = 1;
/** f32: what the row was worth at ROW_SECONDS. */
export const ROW_WORTH = 2;
/** Wall clock, seconds since the epoch. */
export const ROW_SECONDS = 3;
/** The first word that is the owner's own. */
export const ROW_FIRST = 4;

/** Seconds in which a worth fades to 1/e. */
export const FADE_SECONDS = 86_400;

/** What crosses threads. */
export interface RowsMemory {
  /** Words of one row, ROW_FIRST or more. */
  readonly rowWords: number;
  /** Words that a new row must have zero; what stands behind them counts only by those. */
  readonly clearWords: number;
  readonly words: Int32Array;
  /** HEAD_WORDS per bucket. The lock is 0 when it is free, else its owner's number. */
  readonly heads: Int32Array;
  /** Since the start: rows that gave way to others, and locks that were not had. */
  readonly counts: Int32Array;
}

export const COUNT_EVICTED = 0;
export const COUNT_CONTENDED = 1;

/** @param octets room for rows; at least one bucket is made */
export function createRows(octets: number, rowWords: number, clearWords = rowWords): RowsMemory {
  const bucketOctets = (rowWords * WAYS + HEAD_WORDS) * 4;
  const buckets = Math.max(1, Math.floor(octets / bucketOctets));
  return {
    rowWords,
    clearWords,
    words: new Int32Array(new SharedArrayBuffer(buckets * WAYS * rowWords * 4)),
    heads: new Int32Array(new SharedArrayBuffer(buckets * HEAD_WORDS * 4)),
    counts: new Int32Array(new SharedArrayBuffer(8)),
  };
}

export class Rows {
  readonly words: Int32Array;
  /** The same memory as 32-bit floats. */
  readonly floats: Float32Array;
  readonly octets: Uint8Array;
  readonly #memory: RowsMemory;
  readonly #buckets: number;
  readonly #owner: number;
  /** Head of the bucket that is locked, and its first row. */
  #head = 0;
  #first = 0;

  /** @param owner number of the thread, 1 or more: whose locks are freed when it dies */
  constructor(memory: RowsMemory, owner: number) {
    this.#memory = memory;
    this.#owner = owner;
    this.#buckets = memory.heads.length / HEAD_WORDS;
    this.words = memory.words;
    this.floats = new Float32Array(memory.words.buffer);
    this.octets = new Uint8Array(memory.words.buffer);
  }

  /**
   * Locks the row of a key, made anew when there is none: all zero but for its key and the time.
   *
   * @returns the index of its first word; NONE when the lock was not to be had. Otherwise `unlock`
   *   must follow.
   */
  lock(low: number, high: number, seconds: number): number {
    if (!this.#take(low)) return NONE;
    const row = this.#find(low, high);
    return row === NONE ? this.#make(low, high, seconds) : row;
  }

  /** As `lock`, of a row that is there; NONE also when there is none, and nothing is locked. */
  lockKnown(low: number, high: number): number {
    if (!this.#take(low)) return NONE;
    const row = this.#find(low, high);
    if (row === NONE) this.unlock();
    return row;
  }

  /** A word of the head of the key's bucket; see ahead.ts. */
  headWord(low: number): number {
    const bucket = Math.floor((low >>> 0) * (this.#buckets / 2 ** 32));
    return this.#memory.heads[bucket * HEAD_WORDS + KEYS]!;
  }

  /** Lets the worth of a locked row fade to what it is now; by a clock set back, not at all. */
  fade(row: number, seconds: number): void {
    const age = seconds - this.words[row + ROW_SECONDS]!;
    if (age > 0) this.floats[row + ROW_WORTH]! *= Math.exp(-age / FADE_SECONDS);
    this.words[row + ROW_SECONDS] = seconds;
  }

  unlock(): void {
    Atomics.store(this.#memory.heads, this.#head, 0);
  }

  #take(low: number): boolean {
    const bucket = Math.floor((low >>> 0) * (this.#buckets / 2 ** 32));
    const { heads, counts, rowWords } = this.#memory;
    this.#head = bucket * HEAD_WORDS;
    this.#first = bucket * WAYS * rowWords;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (Atomics.compareExchange(heads, this.#head, 0, this.#owner) === 0) return true;
    }
    Atomics.add(counts, COUNT_CONTENDED, 1);
    return false;
  }

  #find(low: number, high: number): number {
    const { heads, rowWords } = this.#memory;
    const keys = this.#head + KEYS;
    for (let way = 0; way < WAYS; way++) {
      if (heads[keys + way * 2] !== low || heads[keys + way * 2 + 1] !== high) continue;
      return this.#first + way * rowWords;
    }
    return NONE;
  }

  #make(low: number, high: number, seconds: number): number {
    const { heads, rowWords, clearWords, counts } = this.#memory;
    const way = this.#leastWorth(seconds);
    const key = this.#head + KEYS + way * 2;
    const row = this.#first + way * rowWords;
    const { words } = this;
    // A row that was never used is zero.
    if ((heads[key]! | heads[key + 1]!) !== 0) {
      Atomics.add(counts, COUNT_EVICTED, 1);
      for (let word = 0; word < clearWords; word++) words[row + word] = 0;
    }
    heads[key] = low;
    heads[key + 1] = high;
    words[row + ROW_LOW] = low;
    words[row + ROW_HIGH] = high;
    words[row + ROW_SECONDS] = seconds;
    return row;
  }

  /** A free row, or the one that has faded most. */
  #leastWorth(seconds: number): number {
    const { heads, rowWords } = this.#memory;
    const { words, floats } = this;
    const keys = this.#head + KEYS;
    let least = 0;
    let leastWorth = Number.POSITIVE_INFINITY;
    for (let way = 0; way < WAYS; way++) {
      if ((heads[keys + way * 2]! | heads[keys + way * 2 + 1]!) === 0) return way;
      const row = this.#first + way * rowWords;
      const age = Math.max(0, seconds - words[row + ROW_SECONDS]!);
      const worth = floats[row + ROW_WORTH]! * Math.exp(-age / FADE_SECONDS);
      if (worth >= leastWorth) continue;
      least = way;
      leastWorth = worth;
    }
    return least;
  }
}

/** Frees what a thread that died had locked; what it was writing stays as it is. */
export function freeLocks({ heads }: RowsMemory, owner: number): void {
  for (let head = 0; head < heads.length; head += HEAD_WORDS) {
    Atomics.compareExchange(heads, head, owner, 0);
  }
}

/**
 * Rows: keyed rows of shared memory that several workers read and write, one at a time each.
 *
 * Fast lane. Buckets of WAYS rows under one lock that is held for less than a microsecond. Nobody
 * waits for it: who finds it taken tries for some 20 us (its holder may have lost its processor)
 * and then gets NONE, which the caller must treat as the worse case (fail closed).
 *
 * In a full bucket the row with the least worth goes, whatever its age: by age, whoever asks for
 * enough new names would be forgotten. What a row is worth fades with a time constant of a day; a
 * row of much worth can only be pushed out by WAYS rows of more.
 */

/** Rows of one bucket. */
const WAYS = 8;
/** Tries of a lock; each is a few ns, and the pause between makes them some 20 us. */
const TRIES_MAX = 4096;

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
  readonly words: Int32Array;
  /** A word per bucket: 0 free, else the owner's number. */
  readonly locks: Int32Array;
  /** Since the start: rows that gave way to others, and locks that were not had. */
  readonly counts: Int32Array;
}

export const COUNT_EVICTED = 0;
export const COUNT_CONTENDED = 1;

/** @param octets room for rows; at least one bucket is made */
export function createRows(octets: number, rowWords: number): RowsMemory {
  const buckets = Math.max(1, Math.floor(octets / (rowWords * 4 * WAYS)));
  return {
    rowWords,
    words: new Int32Array(new SharedArrayBuffer(buckets * WAYS * rowWords * 4)),
    locks: new Int32Array(new SharedArrayBuffer(buckets * 4)),
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
  #locked = NONE;

  /** @param owner number of the thread, 1 or more: whose locks are freed when it dies */
  constructor(memory: RowsMemory, owner: number) {
    this.#memory = memory;
    this.#owner = owner;
    this.#buckets = memory.locks.length;
    this.words = memory.words;
    this.floats = new Float32Array(memory.words.buffer);
    this.octets = new Uint8Array(memory.words.buffer);
  }

  /**
   * Locks the row of a key, made anew (all zero but for its key) when there is none.
   *
   * @returns the index of its first word; NONE when the lock was not to be had. Otherwise `unlock`
   *   must follow.
   */
  lock(low: number, high: number, seconds: number): number {
    const bucket = this.#bucketOf(low);
    if (!this.#take(bucket)) return NONE;
    this.#locked = bucket;
    const { rowWords } = this.#memory;
    const first = bucket * WAYS * rowWords;
    const end = first + WAYS * rowWords;
    const { words } = this;
    for (let row = first; row < end; row += rowWords) {
      if (words[row + ROW_LOW] === low && words[row + ROW_HIGH] === high) return row;
    }
    const row = this.#leastWorth(first, end, seconds);
    if ((words[row + ROW_LOW]! | words[row + ROW_HIGH]!) !== 0) {
      Atomics.add(this.#memory.counts, COUNT_EVICTED, 1);
    }
    words.fill(0, row, row + rowWords);
    words[row + ROW_LOW] = low;
    words[row + ROW_HIGH] = high;
    words[row + ROW_SECONDS] = seconds;
    return row;
  }

  /** As `lock`, of a row that is there; NONE also when there is none, and nothing is locked. */
  lockKnown(low: number, high: number): number {
    const bucket = this.#bucketOf(low);
    if (!this.#take(bucket)) return NONE;
    this.#locked = bucket;
    const { rowWords } = this.#memory;
    const first = bucket * WAYS * rowWords;
    const end = first + WAYS * rowWords;
    for (let row = first; row < end; row += rowWords) {
      if (this.words[row + ROW_LOW] === low && this.words[row + ROW_HIGH] === high) return row;
    }
    this.unlock();
    return NONE;
  }

  /** Lets the worth of a locked row fade to what it is now; by a clock set back, not at all. */
  fade(row: number, seconds: number): void {
    const age = seconds - this.words[row + ROW_SECONDS]!;
    if (age > 0) this.floats[row + ROW_WORTH]! *= Math.exp(-age / FADE_SECONDS);
    this.words[row + ROW_SECONDS] = seconds;
  }

  unlock(): void {
    Atomics.store(this.#memory.locks, this.#locked, 0);
  }

  #bucketOf(low: number): number {
    return Math.floor((low >>> 0) * (this.#buckets / 2 ** 32));
  }

  #take(bucket: number): boolean {
    const { locks, counts } = this.#memory;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (Atomics.compareExchange(locks, bucket, 0, this.#owner) === 0) return true;
    }
    Atomics.add(counts, COUNT_CONTENDED, 1);
    return false;
  }

  /** A free row, or the one that has faded most. */
  #leastWorth(first: number, end: number, seconds: number): number {
    const { words, floats } = this;
    let least = first;
    let leastWorth = Number.POSITIVE_INFINITY;
    for (let row = first; row < end; row += this.#memory.rowWords) {
      if ((words[row + ROW_LOW]! | words[row + ROW_HIGH]!) === 0) return row;
      const age = Math.max(0, seconds - words[row + ROW_SECONDS]!);
      const worth = floats[row + ROW_WORTH]! * Math.exp(-age / FADE_SECONDS);
      if (worth >= leastWorth) continue;
      least = row;
      leastWorth = worth;
    }
    return least;
  }
}

/** Frees what a thread that died had locked; what it was writing stays as it is. */
export function freeLocks({ locks }: RowsMemory, owner: number): void {
  for (let bucket = 0; bucket < locks.length; bucket++) {
    Atomics.compareExchange(locks, bucket, owner, 0);
  }
}

/**
 * Slots: one of the ledger's two tables, rows of 128 octets behind an open-addressing index.
 *
 * A slot is a (workload, name) pair, where the name is a registrable domain or a full name. It only
 * ever grows until it is cleared whole; what a slot means is the ledger's business.
 *
 * A row lies in two cache lines, because that is what a query costs: as some thirty arrays, one for
 * each field, a query missed the cache that often. What it gave is in policy/recall.ts, which came
 * with it.
 *
 * ```
 * word  0 low   1 high  2 workload  3 link      key; for a name its pair, for a pair its names
 *       4 allowed  5 denied  6 would deny  7 failed  8 cached  9 folded    since the last record
 *      10 rule 11 qtype   12 f64 last ms  14 f64 first ms
 *      16 source, 16 octets   20 name at   21 s of the last record
 * octet 88 name length  89 registrable  90 reason  91 mode  92 feed  93 flags  94 state  95 answers
 * word 24 recalled: qtype, RECALL_*    25 rule    26 zone
 * octet 108 allowed  109 would deny  110 reason  111 feed  112 flags  113 label  114 action
 * word 29 of a pair: when its next new name is due   30 NXDOMAIN, since the last record
 * ```
 */

import { FLAG_FIRST } from './kinds.ts';

export const ROW_WORDS = 32;
export const ROW_OCTETS = 128;
/** Index of a row's first f64. */
export const ROW_TIMES = 16;

/** Words: the key, and what it belongs to. */
export const WORD_LOW = 0;
export const WORD_HIGH = 1;
export const WORD_WORKLOAD = 2;
/** For a name its pair; for a pair the number of its names. */
export const WORD_LINK = 3;
/** Counts since the last record, in one run of COUNTS words. */
export const WORD_COUNTS = 4;
export const COUNT_ALLOWED = 4;
export const COUNT_DENIED = 5;
export const COUNT_WOULD_DENY = 6;
export const COUNT_FAILED = 7;
export const COUNT_CACHED = 8;
export const COUNT_FOLDED = 9;
export const COUNTS = 6;
/** Facts of the query that the next record shows. */
export const WORD_RULE = 10;
export const WORD_QTYPE = 11;
/** Source address, 4 words in network order. */
export const WORD_SOURCE = 16;
/** Where the wire name stands in the arena, in octets. */
export const WORD_NAME_AT = 20;
/** Wall clock of the last record, whole seconds modulo 2^31; 0 before the first. */
export const WORD_HANDED = 21;

/** f64: wall clock ms of the last query, and of the first since the last record. */
export const TIME_LAST = 6;
export const TIME_FIRST = 7;

/** Octets. */
export const OCTET_NAME_LENGTH = 88;
/** Where the registrable domain starts in the name. */
export const OCTET_REGISTRABLE = 89;
export const OCTET_REASON = 90;
export const OCTET_MODE = 91;
export const OCTET_FEED = 92;
/** FLAG_* gathered since the last record. */
export const OCTET_FLAGS = 93;
/** IS_* below. */
export const OCTET_STATE = 94;
/** First answer addresses of a pair that wait for its next record, 0..4. */
export const OCTET_ANSWERS = 95;

/** The decision that was made about the name, for the next query; see `recall.ts`. */
export const WORD_RECALL = 24;
export const WORD_RECALL_RULE = 25;
export const WORD_RECALL_ZONE = 26;
export const OCTET_RECALL = 108;
/** Of a pair: until when the new names so far have used its share, monotonic ms modulo 2^32. */
export const WORD_DETAIL_MS = 29;

/** Beside the other counts there was no room. */
export const COUNT_NXDOMAIN = 30;

/** Waits for a record. */
export const IS_DIRTY = 1;
/** Stands in `urgent`, or in `queue`. */
export const IS_URGENT = 2;
export const IS_QUEUED = 4;
/** Part of what waits was handed over early; see the ledger. */
export const IS_SPLIT = 8;
/** The facts are of a query that somebody will want to know of. */
export const IS_NOTED = 16;
/** The pair's first answer addresses are known. */
export const IS_ANSWERED = 32;
/** `refused` holds an address. */
export const IS_REFUSED = 64;

/** No slot. */
export const NONE = -1;
/** Four addresses of 16 octets. */
export const ANSWER_OCTETS = 64;
/** Words of one place of the index. */
const PLACE_WORDS = 2;

export class Slots {
  readonly capacity: number;
  /** The rows, three views of one memory; little-endian, as every platform of ours is. */
  readonly words: Int32Array;
  readonly times: Float64Array;
  readonly octets: Uint8Array;
  /**
   * Two words a place: slot + 1, or 0 for free; and the high half of the hash, so that a probe for
   * a name that is new reads no row of another. Never more than half full.
   */
  readonly #index: Int32Array;
  readonly #mask: number;
  /** Slots that are handed over first: new ones, and those that somebody waits to hear of. */
  readonly urgent: Int32Array;
  urgentCount = 0;
  /** Slots that wait with counts, oldest first: a circle of `queueCount` from `queueHead`. */
  readonly queue: Int32Array;
  queueHead = 0;
  queueCount = 0;
  /** Slots that wait for a record. */
  dirtyCount = 0;
  used = 0;

  /** @param capacity a power of two */
  constructor(capacity: number) {
    this.capacity = capacity;
    const memory = new ArrayBuffer(capacity * ROW_OCTETS);
    this.words = new Int32Array(memory);
    this.times = new Float64Array(memory);
    this.octets = new Uint8Array(memory);
    this.#index = new Int32Array(capacity * 2 * PLACE_WORDS);
    this.#mask = this.#index.length - 1;
    this.urgent = new Int32Array(capacity);
    this.queue = new Int32Array(capacity);
  }

  /** The memory of the rows and of the index. */
  get slabs(): readonly Uint8Array[] {
    return [this.octets, new Uint8Array(this.#index.buffer)];
  }

  find(workload: number, low: number, high: number): number {
    const index = this.#index;
    let at = this.#placeOf(workload, low);
    for (;;) {
      const slot = index[at]! - 1;
      if (slot < 0) return NONE;
      if (index[at + 1] === high) {
        const row = slot * ROW_WORDS;
        if (this.words[row] === low && this.words[row + WORD_WORKLOAD] === workload) return slot;
      }
      at = (at + PLACE_WORDS) & this.#mask;
    }
  }

  /** What stands where the probes for a key begin: a slot + 1, or 0. See ahead.ts. */
  placeWord(workload: number, low: number): number {
    return this.#index[this.#placeOf(workload, low)]!;
  }

  /** The pair of a slot, -1 for none. */
  linkOf(slot: number): number {
    return slot < 0 ? NONE : this.words[slot * ROW_WORDS + WORD_LINK]!;
  }

  /** A word of each of the slot's two cache lines, in one. */
  linesOf(slot: number): number {
    if (slot < 0) return 0;
    return this.words[slot * ROW_WORDS]! ^ this.words[slot * ROW_WORDS + WORD_SOURCE]!;
  }

  /** A new slot for a key that is not there; the caller made sure of room. */
  add(workload: number, low: number, high: number): number {
    const index = this.#index;
    let at = this.#placeOf(workload, low);
    while (index[at] !== 0) at = (at + PLACE_WORDS) & this.#mask;
    const slot = this.used++;
    index[at] = slot + 1;
    index[at + 1] = high;
    const row = slot * ROW_WORDS;
    const { words } = this;
    for (let i = 0; i < ROW_WORDS; i++) words[row + i] = 0;
    words[row + WORD_LOW] = low;
    words[row + WORD_HIGH] = high;
    words[row + WORD_WORKLOAD] = workload;
    this.octets[slot * ROW_OCTETS + OCTET_FLAGS] = FLAG_FIRST;
    return slot;
  }

  /** Puts a slot among those that are handed over first. */
  hurry(slot: number): void {
    const at = slot * ROW_OCTETS + OCTET_STATE;
    this.#markDirty(at);
    if ((this.octets[at]! & IS_URGENT) !== 0) return;
    this.octets[at]! |= IS_URGENT;
    this.urgent[this.urgentCount++] = slot;
  }

  /** Puts a slot at the end of those that wait with counts. */
  enqueue(slot: number): void {
    const at = slot * ROW_OCTETS + OCTET_STATE;
    this.#markDirty(at);
    if ((this.octets[at]! & IS_QUEUED) !== 0) return;
    this.octets[at]! |= IS_QUEUED;
    this.queue[(this.queueHead + this.queueCount++) & (this.capacity - 1)] = slot;
  }

  /** Takes the first slot off the queue. */
  dequeue(): void {
    const slot = this.queue[this.queueHead]!;
    this.octets[slot * ROW_OCTETS + OCTET_STATE]! &= ~IS_QUEUED;
    this.queueHead = (this.queueHead + 1) & (this.capacity - 1);
    this.queueCount--;
  }

  /** Its record is written: counts and flags begin anew. */
  settle(slot: number, wallMs: number): void {
    const row = slot * ROW_WORDS;
    const { words, octets } = this;
    for (let i = 0; i < COUNTS; i++) words[row + WORD_COUNTS + i] = 0;
    words[row + COUNT_NXDOMAIN] = 0;
    words[row + WORD_HANDED] = secondsOf(wallMs);
    octets[slot * ROW_OCTETS + OCTET_FLAGS] = 0;
    octets[slot * ROW_OCTETS + OCTET_STATE]! &= ~(IS_DIRTY | IS_SPLIT | IS_NOTED);
    this.dirtyCount--;
  }

  clear(): void {
    this.#index.fill(0);
    this.used = 0;
    this.urgentCount = 0;
    this.queueHead = 0;
    this.queueCount = 0;
    this.dirtyCount = 0;
  }

  #markDirty(at: number): void {
    const state = this.octets[at]!;
    if ((state & IS_DIRTY) !== 0) return;
    this.octets[at] = state | IS_DIRTY;
    this.dirtyCount++;
  }

  #placeOf(workload: number, low: number): number {
    return ((low ^ Math.imul(workload, 0x9e3779b1)) << 1) & this.#mask;
  }
}

/** As WORD_HANDED holds it. */
export function secondsOf(wallMs: number): number {
  return Math.floor(wallMs / 1000) & 0x7fffffff;
}

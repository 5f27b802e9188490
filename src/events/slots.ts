/**
 * Slots: one of the ledger's two tables, as parallel arrays behind an open-addressing index.
 *
 * A slot is a (workload, name) pair, where the name is a registrable domain or a full name. It only
 * ever grows until it is cleared whole; what a slot means is the ledger's business.
 */

import { FLAG_FIRST } from './kinds.ts';

/** Counts of one slot, and where each stands. */
export const COUNTS = 6;
export const COUNT_ALLOWED = 0;
export const COUNT_DENIED = 1;
export const COUNT_WOULD_DENY = 2;
export const COUNT_FAILED = 3;
export const COUNT_CACHED = 4;
export const COUNT_FOLDED = 5;

/** No slot. */
export const NONE = -1;
/** Four addresses of 16 octets. */
export const ANSWER_OCTETS = 64;

export class Slots {
  readonly capacity: number;
  /** Hash index: slot number + 1, 0 for free; twice the capacity, a power of two. */
  readonly index: Int32Array;
  /** Key: workload and the 64-bit hash of the name. */
  readonly workload: Int32Array;
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** Six counts a slot since the last record, COUNT_*. */
  readonly counts: Uint32Array;
  /** Wall clock ms of the first query since the last record, and of the last. */
  readonly firstMs: Float64Array;
  readonly lastMs: Float64Array;
  /** Where the wire name stands in the arena, its length, where its registrable domain starts. */
  readonly nameAt: Int32Array;
  readonly nameLength: Uint8Array;
  readonly registrable: Uint8Array;
  /** Of the last query. */
  readonly revision: Uint32Array;
  readonly rule: Uint32Array;
  readonly qtype: Uint16Array;
  readonly reason: Uint8Array;
  readonly mode: Uint8Array;
  readonly feed: Uint8Array;
  /** FLAG_* gathered since the last record. */
  readonly flags: Uint8Array;
  /** Source address of the last query, 16 octets a slot. */
  readonly source: Uint8Array;
  /** The address that an answer was refused for (FLAG_REBINDING), 16 octets a slot. */
  readonly refused: Uint8Array;
  /** 1 where `refused` holds an address. */
  readonly hasRefused: Uint8Array;
  /** For a name its pair; for a pair the number of its names. */
  readonly link: Int32Array;
  /** 1 once the pair's first answer addresses are known. */
  readonly answered: Uint8Array;
  /** First answer addresses of a pair that wait for its next record: how many, and 64 octets. */
  readonly answerCount: Uint8Array;
  readonly answers: Uint8Array;
  /** 0 clean, 1 waiting in `fresh` or in `dirty`. */
  readonly isDirty: Uint8Array;
  /** 1 when part of what waits was handed over early; see the ledger. */
  readonly isSplit: Uint8Array;
  /** Slots that wait for their first record, or with first answer addresses. */
  readonly fresh: Int32Array;
  freshCount = 0;
  /** Slots that wait with counts. */
  readonly dirty: Int32Array;
  dirtyCount = 0;
  used = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.index = new Int32Array(capacity * 2);
    this.workload = new Int32Array(capacity);
    this.low = new Int32Array(capacity);
    this.high = new Int32Array(capacity);
    this.counts = new Uint32Array(capacity * COUNTS);
    this.firstMs = new Float64Array(capacity);
    this.lastMs = new Float64Array(capacity);
    this.nameAt = new Int32Array(capacity);
    this.nameLength = new Uint8Array(capacity);
    this.registrable = new Uint8Array(capacity);
    this.revision = new Uint32Array(capacity);
    this.rule = new Uint32Array(capacity);
    this.qtype = new Uint16Array(capacity);
    this.reason = new Uint8Array(capacity);
    this.mode = new Uint8Array(capacity);
    this.feed = new Uint8Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.source = new Uint8Array(capacity * 16);
    this.refused = new Uint8Array(capacity * 16);
    this.hasRefused = new Uint8Array(capacity);
    this.link = new Int32Array(capacity);
    this.answered = new Uint8Array(capacity);
    this.answerCount = new Uint8Array(capacity);
    this.answers = new Uint8Array(capacity * ANSWER_OCTETS);
    this.isDirty = new Uint8Array(capacity);
    this.isSplit = new Uint8Array(capacity);
    this.fresh = new Int32Array(capacity);
    this.dirty = new Int32Array(capacity);
  }

  find(workload: number, low: number, high: number): number {
    const mask = this.index.length - 1;
    let at = (low ^ Math.imul(workload, 0x9e3779b1)) & mask;
    for (;;) {
      const slot = this.index[at]! - 1;
      if (slot < 0) return NONE;
      if (this.low[slot] === low && this.high[slot] === high && this.workload[slot] === workload) {
        return slot;
      }
      at = (at + 1) & mask;
    }
  }

  /** A new slot for a key that is not there; the caller made sure of room. */
  add(workload: number, low: number, high: number): number {
    const mask = this.index.length - 1;
    let at = (low ^ Math.imul(workload, 0x9e3779b1)) & mask;
    while (this.index[at] !== 0) at = (at + 1) & mask;
    const slot = this.used++;
    this.index[at] = slot + 1;
    this.workload[slot] = workload;
    this.low[slot] = low;
    this.high[slot] = high;
    this.counts.fill(0, slot * COUNTS, slot * COUNTS + COUNTS);
    this.flags[slot] = FLAG_FIRST;
    this.link[slot] = 0;
    this.hasRefused[slot] = 0;
    this.answered[slot] = 0;
    this.answerCount[slot] = 0;
    this.isDirty[slot] = 0;
    this.isSplit[slot] = 0;
    return slot;
  }

  clear(): void {
    this.index.fill(0);
    this.used = 0;
    this.freshCount = 0;
    this.dirtyCount = 0;
  }
}

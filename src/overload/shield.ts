/**
 * Shield: which sources flood beyond the limit of their workload, and what share of their datagrams
 * is worth taking out of the kernel.
 *
 * Fast lane. To receive a datagram only to drop it costs 3 us, so that 300,000 a second leave no
 * time for anybody else. A source that sheds more than FLOOD_BEYOND_PER_MS gets a filter on the
 * socket, which lets just so much through that its workload still has what it may. A flood from
 * many addresses is not caught by it; that is for a firewall. Nor may one source alone have the
 * burst that its workload may: that is for many addresses that begin at once, and from one of them
 * it is a flood that has just begun.
 *
 * ```
 * row:  free -> noted -- many admitted, or some shed --> filtered, at a low share
 *         ^                                               | too much comes: less, every look
 *         '------ the share has grown to 1 ---------------' too little comes: twice, when calm
 * ```
 */

import { octetsHigh, octetsLow } from '../wire/hash.ts';
import { hashPrefix } from './prefix.ts';

/** A row of the filter: an address, and a share of 2^32 in network order. */
export const SHIELD_ROWS = 32;
export const SHIELD_ROW = 20;
const ADDRESS = 16;
/** Beyond the limit, of one source, in a ms, from where on it is filtered: 3 % of a core. */
const FLOOD_BEYOND_PER_MS = 10;
/**
 * So many at least are let through beyond it all the same, to see how the flood goes on: 0.3 % of
 * a core. The kernel draws lots, so that of n that shall come √n more or fewer do; who may ask much
 * is let through 2√n, or chance would look like the end of a flood.
 */
const KEPT_PER_MS = 1;
/** Between two looks, in a turn of the clock. */
const LOOK_MS = 20;
/** So many of a source since the last look are looked at at once: every ms fills the queue. */
const URGENT = 64;
/** Of one source in a turn of the clock (20 ms), while its workload lives on its burst. */
const BURST_OF_ONE = 1000;
/** The same for who may ask much: twice its limit for a turn. */
const BURST_MS = 40;
/**
 * What a flood is taken to be when it begins, in a millisecond: what came so far tells only how
 * fast it was read. If it is less, the share doubles with every look until it fits.
 */
const FLOOD_PER_MS = 400;
/** For so long after it began to be filtered a source has its share found. */
const FRESH_MS = 200;
/** For so long what it sent before is still in the queue, and says nothing. */
const DRAIN_MS = 60;
/** Looks without much before the share of another one grows: a flood that pauses is not over. */
const CALM_LOOKS = 5;
const SHARE_MIN = 1 / 4096;

export class Shield {
  /** Whether a source floods that is not filtered yet: `look` should not wait. */
  isUrgent = false;
  /** Sources in the filter. */
  count = 0;
  /** What the filter is made of: `count` rows. */
  readonly rows = new Uint8Array(SHIELD_ROWS * SHIELD_ROW);
  /** Whose row it is: its address, and the keyed hash of its prefix, which stands for it. */
  readonly #octets = new Uint8Array(SHIELD_ROWS * ADDRESS);
  readonly #low = new Int32Array(SHIELD_ROWS);
  readonly #high = new Int32Array(SHIELD_ROWS);
  /** Datagrams shed since the last look / count / 0 of an unfiltered source: the row is free. */
  readonly #shed = new Int32Array(SHIELD_ROWS);
  /** Datagrams of a burst since the last look, of an unfiltered source / count / as above. */
  readonly #admitted = new Int32Array(SHIELD_ROWS);
  /** Share that is let through / 0..1 / 1 for a source that is not filtered. */
  readonly #share = new Float64Array(SHIELD_ROWS).fill(1);
  /** The share that last was enough for it / 0..1 / 0: none is known; it may flood again. */
  readonly #steady = new Float64Array(SHIELD_ROWS);
  /** What its workload may ask, so far as it is known / queries a millisecond. */
  readonly #mayAsk = new Float64Array(SHIELD_ROWS);
  /** Since when it is filtered / monotonic ms. */
  readonly #sinceMs = new Float64Array(SHIELD_ROWS);
  /** Looks in a row at which less came than is worth a filter / count. */
  readonly #calm = new Int32Array(SHIELD_ROWS);
  #lookedMs = 0;
  /** When the first was shed since the last look; 0 for none. */
  #notedMs = 0;

  /**
   * A datagram was shed.
   *
   * @param at its source address; @param rate what its workload may ask in a second
   */
  note(octets: Uint8Array, at: number, rate: number, nowMs: number): void {
    if (this.#notedMs === 0) this.#notedMs = nowMs;
    const row = this.#rowOf(octets, at, rate);
    if (row === -1) return;
    this.#mayAsk[row] = rate / 1000;
    this.#shed[row]!++;
    if (this.#shed[row]! >= URGENT && this.#share[row] === 1) this.isUrgent = true;
  }

  /** A datagram was admitted from what its workload had saved for a burst. As above. */
  noteBurst(octets: Uint8Array, at: number, rate: number, nowMs: number): void {
    if (this.#notedMs === 0) this.#notedMs = nowMs;
    const row = this.#rowOf(octets, at, rate);
    if (row === -1 || this.#share[row] !== 1) return;
    this.#admitted[row]!++;
    if (this.#hasBurst(row)) this.isUrgent = true;
  }

  #hasBurst(row: number): boolean {
    return this.#admitted[row]! > Math.max(BURST_OF_ONE, this.#mayAsk[row]! * BURST_MS);
  }

  #isFree(row: number): boolean {
    return this.#share[row] === 1 && this.#shed[row] === 0 && this.#admitted[row] === 0;
  }

  /** The row of a source, or one that was free, or -1: then who sends more keeps its own. */
  #rowOf(octets: Uint8Array, at: number, rate: number): number {
    hashPrefix(octets, at, 4, 8);
    const first = octetsLow & (SHIELD_ROWS - 1);
    let free = -1;
    for (let i = 0; i < SHIELD_ROWS; i++) {
      const row = (first + i) & (SHIELD_ROWS - 1);
      if (this.#high[row] === octetsHigh && this.#low[row] === octetsLow) return row;
      if (free === -1 && this.#isFree(row)) free = row;
    }
    if (free === -1) {
      if (this.#share[first] !== 1) return -1;
      if (this.#shed[first]! > 0) this.#shed[first]!--;
      else if (this.#admitted[first]! > 0) this.#admitted[first]!--;
      return -1;
    }
    for (let i = 0; i < ADDRESS; i++) this.#octets[free * ADDRESS + i] = octets[at + i]!;
    this.#low[free] = octetsLow;
    this.#high[free] = octetsHigh;
    this.#mayAsk[free] = rate / 1000;
    this.#steady[free] = 0;
    return free;
  }

  /** Filters those that flood and are not filtered yet. @returns whether `rows` changed */
  lookAtNew(nowMs: number): boolean {
    return this.#lookAtNew(nowMs, false);
  }

  /** @param isTurn a turn of the clock has passed: bursts are counted anew */
  #lookAtNew(nowMs: number, isTurn: boolean): boolean {
    const passedMs = Math.max(1, nowMs - this.#notedMs);
    let hasChanged = false;
    for (let row = 0; row < SHIELD_ROWS; row++) {
      if (this.#share[row] !== 1) continue;
      const shed = this.#shed[row]!;
      const isFlood = shed >= URGENT && shed >= FLOOD_BEYOND_PER_MS * passedMs;
      const hasBurst = this.#hasBurst(row);
      this.#shed[row] = 0;
      if (hasBurst || isTurn) this.#admitted[row] = 0;
      if (!isFlood && !hasBurst) continue;
      this.#begin(row);
      this.#sinceMs[row] = nowMs;
      this.#calm[row] = 0;
      hasChanged = true;
    }
    this.isUrgent = false;
    this.#notedMs = 0;
    if (hasChanged) this.#write();
    return hasChanged;
  }

  /** Sets the shares by what was shed since the last look. @returns whether `rows` changed */
  look(nowMs: number): boolean {
    const passedMs = Math.max(1, nowMs - this.#lookedMs);
    this.#lookedMs = nowMs;
    if (this.#notedMs === 0 && this.count === 0) return false;
    let hasChanged = this.#lookAtNew(nowMs, true);
    for (let row = 0; row < SHIELD_ROWS; row++) {
      const before = this.#share[row]!;
      // One that is filtered just now has nothing to show yet.
      if (before === 1 || this.#sinceMs[row] === nowMs) continue;
      this.#share[row] = this.#next(row, before, passedMs, nowMs);
      this.#shed[row] = 0;
      if (this.#share[row] !== before) hasChanged = true;
    }
    if (hasChanged) this.#write();
    return hasChanged;
  }

  #begin(row: number): void {
    const enough = (this.#mayAsk[row]! + this.#kept(row, LOOK_MS) / LOOK_MS) / FLOOD_PER_MS;
    this.#share[row] = this.#steady[row] === 0 ? Math.min(1 / 2, enough) : this.#steady[row]!;
  }

  /** What is let through beyond the limit in so many ms. */
  #kept(row: number, passedMs: number): number {
    return Math.max(KEPT_PER_MS * passedMs, 2 * Math.sqrt(this.#mayAsk[row]! * passedMs));
  }

  #next(row: number, share: number, passedMs: number, nowMs: number): number {
    const shed = this.#shed[row]!;
    const kept = this.#kept(row, passedMs);
    this.#calm[row] = shed < kept / 2 ? this.#calm[row]! + 1 : 0;
    if (shed > 2 * kept) {
      if (nowMs - this.#sinceMs[row]! < DRAIN_MS) return share;
      // The part of what came through that is enough for the limit, and a few beyond it.
      const admitted = this.#mayAsk[row]! * passedMs;
      this.#steady[row] = Math.max(SHARE_MIN, (share * (admitted + kept)) / (admitted + shed));
      return this.#steady[row]!;
    }
    const isFresh = this.#steady[row] === 0 && nowMs - this.#sinceMs[row]! < FRESH_MS;
    if (this.#calm[row]! < (isFresh ? 1 : CALM_LOOKS)) return share;
    this.#calm[row] = 0;
    if (share < 1 / 2) return share * 2;
    if (this.#steady[row] === 0) this.#steady[row] = share;
    return 1;
  }

  #write(): void {
    let at = 0;
    for (let row = 0; row < SHIELD_ROWS; row++) {
      if (this.#share[row]! === 1) continue;
      const share = Math.floor(this.#share[row]! * 65536);
      for (let i = 0; i < ADDRESS; i++) this.rows[at + i] = this.#octets[row * ADDRESS + i]!;
      this.rows[at + ADDRESS] = share >>> 8;
      this.rows[at + ADDRESS + 1] = share & 0xff;
      this.rows[at + ADDRESS + 2] = 0;
      this.rows[at + ADDRESS + 3] = 0;
      at += SHIELD_ROW;
    }
    this.count = at / SHIELD_ROW;
  }
}

/**
 * Shield: which sources flood beyond the limit of their workload, and what share of their datagrams
 * is worth taking out of the kernel.
 *
 * Fast lane. To receive a datagram only to drop it costs 3 us, so that 300,000 a second leave no
 * time for anybody else. A source that sheds more than KEPT_PER_MS gets a filter on the socket that
 * lets just so much through that its workload still has what it may. A flood from many addresses
 * is not caught by it; that is for a firewall.
 */

import { octetsLow } from '../wire/hash.ts';
import { hashPrefix, isV4 } from './prefix.ts';

/** A row of the filter: an address, and a share of 2^32 in network order. */
export const SHIELD_ROWS = 32;
export const SHIELD_ROW = 20;
const ADDRESS = 16;
/** Beyond the limit, of one source, in a millisecond: 1.5 % of a core. */
const KEPT_PER_MS = 5;
/** So many since the last look are looked at at once. */
const URGENT = 256;
/** A full queue is worked off in about this time. */
const DRAIN_MS = 50;
const SHARE_MIN = 1 / 4096;

export class Shield {
  /** Shed since the last look, all sources. */
  noted = 0;
  /** Sources in the filter. */
  count = 0;
  /** What the filter is made of: `count` rows. */
  readonly rows = new Uint8Array(SHIELD_ROWS * SHIELD_ROW);
  readonly #octets = new Uint8Array(SHIELD_ROWS * ADDRESS);
  readonly #shed = new Int32Array(SHIELD_ROWS);
  /** Share that is let through / 0..1 / 1 for a source that is not filtered. */
  readonly #share = new Float64Array(SHIELD_ROWS).fill(1);
  /** What its workload may ask, so far as it is known / queries a millisecond. */
  readonly #mayAsk = new Float64Array(SHIELD_ROWS);
  #lookedMs = 0;

  /**
   * A datagram was shed.
   *
   * @param at its source address; @param rate what its workload may ask in a second
   */
  note(octets: Uint8Array, at: number, rate: number): void {
    this.noted++;
    hashPrefix(octets, at, 4, 8);
    const row = octetsLow & (SHIELD_ROWS - 1);
    if (this.#isOf(row, octets, at)) {
      this.#shed[row]!++;
    } else if (this.#shed[row]! > 0 || this.#share[row]! < 1) {
      // Another has the row: who sheds more keeps it.
      if (this.#shed[row]! > 0) this.#shed[row]!--;
    } else {
      for (let i = 0; i < ADDRESS; i++) this.#octets[row * ADDRESS + i] = octets[at + i]!;
      this.#shed[row] = 1;
      this.#mayAsk[row] = rate / 1000;
    }
  }

  /** A flood that is new need not wait for the next look; one that is known is still queued. */
  isUrgent(nowMs: number): boolean {
    return this.noted > URGENT && (this.count === 0 || nowMs - this.#lookedMs >= DRAIN_MS);
  }

  /** Sets the shares by what was shed since the last look. @returns whether `rows` changed */
  look(nowMs: number): boolean {
    const passedMs = Math.max(1, nowMs - this.#lookedMs);
    const kept = KEPT_PER_MS * passedMs;
    this.#lookedMs = nowMs;
    if (this.noted === 0 && this.count === 0) return false;
    this.noted = 0;
    let hasChanged = false;
    for (let row = 0; row < SHIELD_ROWS; row++) {
      const before = this.#share[row]!;
      const shed = this.#shed[row]!;
      this.#shed[row] = 0;
      if (shed > 2 * kept)
        this.#share[row] = Math.max(SHARE_MIN, before * this.#less(row, shed, passedMs));
      else if (shed < kept / 2 && before < 1) this.#share[row] = Math.min(1, before * 2);
      if (this.#share[row] !== before) hasChanged = true;
    }
    if (hasChanged) this.#write();
    return hasChanged;
  }

  /** The part of what came through that is enough for the limit, and a few beyond it. */
  #less(row: number, shed: number, passedMs: number): number {
    const admitted = this.#mayAsk[row]! * passedMs;
    return (admitted + KEPT_PER_MS * passedMs) / (admitted + shed);
  }

  #isOf(row: number, octets: Uint8Array, at: number): boolean {
    const length = isV4(octets, at) ? ADDRESS : ADDRESS / 2;
    for (let i = 0; i < length; i++) {
      if (this.#octets[row * ADDRESS + i] !== octets[at + i]) return false;
    }
    return true;
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

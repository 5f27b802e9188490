/**
 * Connections: what is known of each TCP client, by slot, in typed arrays allocated at the start;
 * and which of them has been without a query longest.
 */

/** A ticket is a slot and how often it was used before, in 31 bits: they fit a waiter's channel. */
const SLOT_BITS = 14;
const SLOT_MASK = (1 << SLOT_BITS) - 1;

export const CONNECTIONS_MAX = 1 << SLOT_BITS;

const NONE = -1;

export class Connections {
  count = 0;
  /** Least recently active connection, or -1. */
  oldest = NONE;
  /** 1 from open to close. */
  readonly isOpen: Uint8Array;
  /** Queries that wait for an upstream. */
  readonly pending: Uint16Array;
  /** 1 when the client sends nothing more, 2 when we do not either. */
  readonly ending: Uint8Array;
  /** How its forwarder says whose it is (identity/forwarded.ts); DIRECT once that is known. */
  readonly relay: Uint8Array;
  /** WATCH_ flags in force. */
  readonly watched: Uint8Array;
  /** Monotonic ms of the last whole query, or of the opening. */
  readonly lastMs: Float64Array;
  readonly #use: Uint32Array;
  /**
   * Slots are reused in turn, so this many uses of one take longer than any answer comes late: with
   * one slot only and 31 bits, a new connection every 40 microseconds would be needed.
   */
  readonly #useMask: number;
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  #newest = NONE;

  /** @param ticketBits of a ticket, 20..31 */
  constructor(capacity: number, ticketBits = 31) {
    this.#useMask = (1 << (ticketBits - SLOT_BITS)) - 1;
    this.isOpen = new Uint8Array(capacity);
    this.pending = new Uint16Array(capacity);
    this.ending = new Uint8Array(capacity);
    this.relay = new Uint8Array(capacity);
    this.watched = new Uint8Array(capacity);
    this.lastMs = new Float64Array(capacity);
    this.#use = new Uint32Array(capacity);
    this.#older = new Int32Array(capacity);
    this.#newer = new Int32Array(capacity);
  }

  open(slot: number, watched: number, nowMs: number): void {
    this.isOpen[slot] = 1;
    this.pending[slot] = 0;
    this.ending[slot] = 0;
    this.watched[slot] = watched;
    this.lastMs[slot] = nowMs;
    this.#use[slot] = (this.#use[slot]! + 1) & this.#useMask;
    this.count++;
    this.#link(slot);
  }

  close(slot: number): void {
    this.isOpen[slot] = 0;
    this.count--;
    this.#unlink(slot);
  }

  /** Whether one has been without a query since then: the oldest. */
  isIdleSince(limitMs: number): boolean {
    return this.oldest !== NONE && this.lastMs[this.oldest]! <= limitMs;
  }

  /** It is the most recently active one now. */
  touch(slot: number, nowMs: number): void {
    this.lastMs[slot] = nowMs;
    if (slot === this.#newest) return;
    this.#unlink(slot);
    this.#link(slot);
  }

  /** A number for this connection that no later one of its slot has: 0..2^31-1. */
  ticket(slot: number): number {
    return (this.#use[slot]! << SLOT_BITS) | slot;
  }

  /** The slot of a ticket whose connection is still open, or -1. */
  find(ticket: number): number {
    const slot = ticket & SLOT_MASK;
    return this.isOpen[slot] === 1 && this.#use[slot] === ticket >>> SLOT_BITS ? slot : NONE;
  }

  #link(slot: number): void {
    this.#older[slot] = this.#newest;
    this.#newer[slot] = NONE;
    if (this.#newest === NONE) this.oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }

  #unlink(slot: number): void {
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older === NONE) this.oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }
}

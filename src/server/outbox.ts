/**
 * Outbox: answers on their way to TCP clients. They are written into one slab, gathered per
 * connection, and leave by one call; what a client's socket has no room for is kept in order.
 */

import type { TcpStreams } from '../native/tcp.ts';
import {
  LENGTH,
  ROW,
  SEGMENTS_MAX,
  SLOT,
  START,
  TAKEN,
  type TcpBatch,
  TX_SIZE,
} from '../native/tcp-batch.ts';
import type { Query } from '../query.ts';
import { MESSAGE_MAX } from '../wire/constants.ts';
import { copyOctets } from '../wire/octets.ts';
import { FRAME, Kept } from './kept.ts';

/** Octets of a rest that are tried at once. */
const RESUMED = 1 << 16;

/**
 * Told that the socket of a slot had no room for all, or that the connection is lost: broken, or
 * more is unread than all may leave.
 */
type OnShort = (slot: number, isLost: boolean) => void;

/** Whether `more` octets may wait for a client beside those in `rest`. */
type MayKeep = (slot: number, more: number, rest: Kept) => boolean;

export class Outbox {
  readonly #batch: TcpBatch;
  readonly #streams: TcpStreams;
  readonly #rest: Kept;
  readonly #mayKeep: MayKeep;
  readonly #onShort: OnShort;
  #count = 0;
  /** Octets of tx in use, and the slot of the last segment or -1. */
  #used = 0;
  #lastSlot = -1;

  constructor(batch: TcpBatch, streams: TcpStreams, mayKeep: MayKeep, onShort: OnShort) {
    this.#batch = batch;
    this.#streams = streams;
    this.#rest = new Kept(batch.capacity);
    this.#mayKeep = mayKeep;
    this.#onShort = onShort;
  }

  /** Octets of answers that the client's socket had no room for. */
  unread(slot: number): number {
    return this.#rest.length[slot]!;
  }

  /** Points the query at room for the largest answer; may send what is there to make it. */
  prepare(query: Query): void {
    if (this.#used > TX_SIZE - FRAME - MESSAGE_MAX || this.#count === SEGMENTS_MAX) this.send();
    query.out = this.#batch.tx;
    query.outStart = this.#used + FRAME;
    query.outRoom = MESSAGE_MAX;
  }

  /** Takes the answer that was written there. */
  commit(slot: number, length: number): void {
    const { tx } = this.#batch;
    const at = this.#used;
    // Length and message in one write (RFC 7766 8).
    tx[at] = length >>> 8;
    tx[at + 1] = length;
    if (this.#rest.length[slot] === 0) this.#add(slot, FRAME + length);
    else this.#keep(slot, at, FRAME + length);
  }

  /** Sends everything; what is left over is kept, and `onShort` is told of it. */
  send(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    this.#used = 0;
    this.#lastSlot = -1;
    if (this.#streams.send(count) === 0) return;
    const { segments } = this.#batch;
    for (let at = 0; at < count * ROW; at += ROW) {
      if (segments[at + TAKEN] !== segments[at + LENGTH]) this.#settle(at);
    }
  }

  /** Tries the rest of a connection again, as much of it as its socket takes. */
  resume(slot: number): void {
    const rest = this.#rest;
    while (rest.length[slot]! > 0) {
      this.send();
      const length = Math.min(rest.length[slot]!, RESUMED);
      copyOctets(rest.octets(slot), rest.start[slot]!, this.#batch.tx, 0, length);
      this.#add(slot, length);
      this.#count = 0;
      this.#used = 0;
      this.#lastSlot = -1;
      this.#streams.send(1);
      const taken = this.#batch.segments[TAKEN]!;
      if (taken > 0) rest.consume(slot, taken);
      if (taken < 0) this.#onShort(slot, true);
      if (taken !== length) return;
    }
  }

  /** The connection is gone: nothing of it leaves any more, and its slot may mean another. */
  forget(slot: number): void {
    const { segments } = this.#batch;
    this.#rest.clear(slot);
    for (let at = 0; at < this.#count * ROW; at += ROW) {
      if (segments[at + SLOT] === slot) segments[at + SLOT] = -1;
    }
    if (this.#lastSlot === slot) this.#lastSlot = -1;
  }

  #add(slot: number, length: number): void {
    const { segments } = this.#batch;
    if (slot === this.#lastSlot) {
      segments[(this.#count - 1) * ROW + LENGTH]! += length;
    } else {
      const at = this.#count++ * ROW;
      segments[at + SLOT] = slot;
      segments[at + START] = this.#used;
      segments[at + LENGTH] = length;
      this.#lastSlot = slot;
    }
    this.#used += length;
  }

  /** A segment that was not taken whole. */
  #settle(at: number): void {
    const { segments } = this.#batch;
    const slot = segments[at + SLOT]!;
    const taken = segments[at + TAKEN]!;
    if (slot === -1) return;
    if (taken < 0) this.#onShort(slot, true);
    else this.#keep(slot, segments[at + START]! + taken, segments[at + LENGTH]! - taken);
  }

  #keep(slot: number, at: number, length: number): void {
    const isKept = this.#mayKeep(slot, length, this.#rest);
    if (isKept) this.#rest.append(slot, this.#batch.tx, at, length);
    this.#onShort(slot, !isKept);
  }
}

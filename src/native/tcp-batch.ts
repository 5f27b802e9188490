/**
 * TcpBatch: what many TCP connections brought in one round and what they are given. One slab each
 * way and rows of four numbers, allocated once. The backend fills events and empties segments;
 * nothing here knows DNS.
 */

import { PEER_SIZE } from '../batch.ts';

/** Octets that one connection may bring per round, so that busy ones share it fairly. */
export const RX_CHUNK = 8192;
/** Sixteen full chunks, or the queries of as many connections as a round has events. */
const RX_SIZE = 16 * RX_CHUNK;
/** Answers of one round: small ones of all connections, or two of the largest messages. */
export const TX_SIZE = 192 * 1024;
/** Connections that one round may tell of. */
export const EVENTS_MAX = 64;
export const SEGMENTS_MAX = 64;

/**
 * Event: `slot, EV_ flags, start, length`, the last two of octets in `rx`.
 * Segment: `slot, start, length, taken`: octets of `tx` for one connection, and how many of them
 * the kernel took, or a negative errno. A slot of -1 is passed over. Segments of one slot keep
 * their order.
 */
export const ROW = 4;
export const SLOT = 0;
export const FLAGS = 1;
export const EVENT_START = 2;
export const EVENT_LENGTH = 3;
export const START = 1;
export const LENGTH = 2;
export const TAKEN = 3;

/** A new connection; its peer record is written. May come with EV_DATA. */
export const EV_OPENED = 1;
export const EV_DATA = 2;
/** The client sends nothing more; it may still read. */
export const EV_ENDED = 4;
/** The connection is broken; the slot is held until it is dropped. */
export const EV_FAILED = 8;
/** There is room to send again. */
export const EV_WRITABLE = 16;
/** Slot -1: a listener found no descriptor, memory or slot, and rests until `resume`. */
export const EV_REFUSED = 32;

export const WATCH_READ = 1;
export const WATCH_WRITE = 2;

export class TcpBatch {
  /** Slots, and with that connections, at most. */
  readonly capacity: number;
  readonly rx = new Uint8Array(RX_SIZE);
  readonly events = new Int32Array(EVENTS_MAX * ROW);
  readonly tx = new Uint8Array(TX_SIZE);
  readonly segments = new Int32Array(SEGMENTS_MAX * ROW);
  /** Peer records (see batch.ts) by slot; written when a connection opens, kept until the next. */
  readonly peers: Uint8Array;

  /** @param capacity 1..16384 */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.peers = new Uint8Array(capacity * PEER_SIZE);
  }
}

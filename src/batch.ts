/**
 * Batch: datagrams that arrived together and the answers that leave together.
 *
 * One slab each way and parallel arrays, allocated once and used for the life of a socket. The I/O
 * backend fills the rx side and empties the tx side; nothing here knows DNS or sockets.
 *
 * Answers are compacted as Knot's UDP handler does it: answer `j` belongs to datagram `txPeer[j]`,
 * so a dropped query costs nothing but not advancing `j`.
 */

/** Octets of one slot. Larger datagrams are cut by the kernel and marked by a negative length. */
export const SLOT_SIZE = 4096;

/**
 * From one slot to the next. Not a multiple of 4096: at that distance all slots begin in the same
 * few sets of a cache, and a batch of 64 throws itself out. A hit took 7.5 us with 4096, 6.8 so.
 */
export const SLOT_STRIDE = SLOT_SIZE + 128;

/** Datagrams that one system call may move. 64 is where recvmmsg stops getting cheaper. */
export const BATCH_CAPACITY = 64;

/**
 * Peer record: who sent a datagram, and to which of our addresses. Both backends write this layout.
 *
 * ```
 *  0..15  source address as IPv6 octets (IPv4 as ::ffff:a.b.c.d)
 * 16..17  source port, network order
 * 18      socket family: 4 or 6 (which kind of socket address to send to)
 * 19      1 when the local address below is known
 * 20..23  IPv6 scope id, little-endian
 * 24..39  local address that was asked, same form as the source
 * 40..43  interface index, little-endian
 * 44      1 when a forwarder has said already who the source is, and what is here is that
 * 45..47  zero
 * ```
 */
export const PEER_SIZE = 48;
export const PEER_PORT = 16;
export const PEER_FAMILY = 18;
export const PEER_HAS_LOCAL = 19;
export const PEER_SCOPE = 20;
export const PEER_LOCAL = 24;
export const PEER_INTERFACE = 40;
export const PEER_SAID = 44;

export class Batch {
  readonly capacity: number;
  /** Received octets; datagram `i` starts at `i * SLOT_STRIDE`. */
  readonly rx: Uint8Array;
  /** Octets received per datagram; negative: the datagram was longer than a slot. */
  readonly rxLength: Int32Array;
  /** Octets to send; answer `j` starts at `j * SLOT_STRIDE`. */
  readonly tx: Uint8Array;
  /** Octets of answer `j`, 0..SLOT_SIZE. */
  readonly txLength: Int32Array;
  /** Index into `peer` of the receiver of answer `j`, 0..capacity-1. */
  readonly txPeer: Int32Array;
  /** Peer records, `PEER_SIZE` octets each. */
  readonly peer: Uint8Array;

  constructor(capacity: number = BATCH_CAPACITY) {
    this.capacity = capacity;
    this.rx = new Uint8Array(capacity * SLOT_STRIDE);
    this.rxLength = new Int32Array(capacity);
    this.tx = new Uint8Array(capacity * SLOT_STRIDE);
    this.txLength = new Int32Array(capacity);
    this.txPeer = new Int32Array(capacity);
    this.peer = new Uint8Array(capacity * PEER_SIZE);
  }
}

/**
 * TCP listeners of one worker (RFC 7766): pipelined queries, answers as they come, in any order.
 *
 * Each message is decided by the same `decide` as a datagram. Connections are bounded in number, in
 * what they may have waiting, and in what they may leave unread; idle ones go, the oldest first.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { PEER_FAMILY, PEER_SIZE } from '../batch.ts';
import type { Clock } from '../clock.ts';
import type { SocketAddress } from '../config/types.ts';
import { QUERIES_TCP } from '../counters.ts';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { Memory } from '../memory.ts';
import { addressToBytes } from '../native/addresses.ts';
import { decideSafely } from '../pipeline.ts';
import { DROP, FORWARD, Query, RESPOND } from '../query.ts';
import { MESSAGE_MAX } from '../wire/constants.ts';
import type { Forwarder } from './forwarder.ts';

export interface TcpLimits {
  /** Connections of this worker; one more closes the one that has been idle longest. */
  readonly connectionsMax: number;
  /** A connection without a whole query for this long is closed (RFC 7766 6.2.3). */
  readonly idleMs: number;
  /** Queries of one connection that may wait for an upstream; reading pauses beyond. */
  readonly pendingMax: number;
  /** Octets a client may leave unread; reading pauses beyond, and idle time then closes it. */
  readonly unreadMax: number;
}

export const TCP_LIMITS: TcpLimits = {
  connectionsMax: 12_000,
  idleMs: 10_000,
  pendingMax: 256,
  unreadMax: 1 << 18,
};

const FRAME = 2;
const EMPTY = Buffer.alloc(0);

interface Connection {
  readonly socket: Socket;
  readonly slot: number;
  readonly peer: Uint8Array;
  /** Octets of a frame that has not arrived whole, and how many of `partial` are used. */
  partial: Buffer;
  partialLength: number;
  pending: number;
  lastMs: number;
  hasEnded: boolean;
}

export class TcpServer {
  readonly #servers: Server[] = [];
  /** Oldest activity first: a connection moves to the end when a query arrives. */
  readonly #connections = new Map<number, Connection>();
  #nextSlot = 0;
  readonly #query = new Query();
  readonly #out = new Uint8Array(FRAME + MESSAGE_MAX);
  readonly #memory: Memory;
  readonly #clock: Clock;
  readonly #limits: TcpLimits;
  forwarder: Forwarder | null = null;

  constructor(memory: Memory, clock: Clock, limits: TcpLimits) {
    this.#memory = memory;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Opens a listener; rejects with a DnsvalveError that names the address. */
  async listen(address: SocketAddress): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onConnection(socket, address.family),
    );
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        const place = address.family === 6 ? `[${address.address}]` : address.address;
        const text = `opening TCP ${place}:${address.port}: ${messageOf(error)}`;
        reject(new DnsvalveError('SYSTEM', text, error));
      });
      server.listen(
        {
          host: address.address,
          port: address.port,
          ipv6Only: address.family === 6,
          reusePort: true,
          backlog: 1024,
        },
        resolve,
      );
    });
    // Running out of descriptors is reported here; the listener goes on when some are free again.
    server.on('error', () => {});
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Closes what has been idle too long. Called about once a second. */
  sweep(): void {
    const limit = this.#clock.nowMs - this.#limits.idleMs;
    for (const connection of this.#connections.values()) {
      if (connection.lastMs > limit) return;
      connection.socket.destroy();
      this.#connections.delete(connection.slot);
    }
  }

  /** Takes no more connections; those that are open get the answers they wait for. */
  stopListening(): void {
    for (const server of this.#servers) server.close();
  }

  close(): void {
    this.stopListening();
    for (const { socket } of this.#connections.values()) socket.destroy();
    this.#connections.clear();
  }

  // --- the outlet: responses that come later

  prepare(query: Query, channel: number): boolean {
    const connection = this.#connections.get(channel);
    if (connection === undefined) return false;
    connection.pending--;
    query.out = this.#out;
    query.outStart = FRAME;
    query.outRoom = MESSAGE_MAX;
    return true;
  }

  commit(query: Query, channel: number): void {
    const connection = this.#connections.get(channel);
    if (connection === undefined) return;
    this.#write(connection, query);
    if (connection.hasEnded && connection.pending === 0) connection.socket.end();
    this.#resume(connection);
  }

  #onConnection(socket: Socket, family: 4 | 6): void {
    if (this.#connections.size >= this.#limits.connectionsMax) this.#closeOldest();
    const peer = new Uint8Array(PEER_SIZE);
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    addressToBytes(socket.remoteAddress, peer, 0);
    peer[PEER_FAMILY] = family;
    const connection: Connection = {
      socket,
      slot: this.#nextSlot++,
      peer,
      partial: EMPTY,
      partialLength: 0,
      pending: 0,
      lastMs: this.#clock.nowMs,
      hasEnded: false,
    };
    this.#connections.set(connection.slot, connection);
    socket.on('data', (chunk) => this.#onData(connection, chunk));
    socket.on('drain', () => this.#resume(connection));
    socket.on('end', () => {
      connection.hasEnded = true;
      // A half-closed client still gets the answers that it waits for (RFC 7766 6.2.4).
      if (connection.pending === 0) socket.end();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(connection.slot));
  }

  #closeOldest(): void {
    for (const connection of this.#connections.values()) {
      connection.socket.destroy();
      this.#connections.delete(connection.slot);
      return;
    }
  }

  /**
   * Takes whole frames out of what arrived; a rest waits for its other part. A client that does not
   * read its answers is not asked for more: frames are left while it is busy, since one chunk of
   * them can ask for a hundred megabytes.
   */
  #onData(connection: Connection, chunk: Buffer): void {
    const octets = connection.partialLength === 0 ? chunk : append(connection, chunk);
    let at = 0;
    this.#clock.update();
    while (at + FRAME <= octets.length && !this.#isBusy(connection)) {
      const length = octets.readUInt16BE(at);
      if (at + FRAME + length > octets.length) break;
      this.#onMessage(connection, octets, at + FRAME, at + FRAME + length);
      at += FRAME + length;
    }
    this.forwarder?.upstreams?.flush();
    if (this.#isBusy(connection)) giveBack(connection, octets.subarray(at));
    else keepRest(connection, octets, at);
  }

  #onMessage(connection: Connection, octets: Uint8Array, start: number, end: number): void {
    const { forwarder } = this;
    if (forwarder === null) return;
    this.#memory.counters[QUERIES_TCP]!++;
    this.#touch(connection);
    const query = this.#query;
    query.octets = octets;
    query.start = start;
    query.end = end;
    query.out = this.#out;
    query.outStart = FRAME;
    query.outRoom = MESSAGE_MAX;
    query.peer = connection.peer;
    query.peerAt = 0;
    query.overTcp = 1;
    query.nowSeconds = this.#clock.nowSeconds;
    query.nowMs = this.#clock.nowMs;
    query.wallMs = this.#clock.wallMs;
    const verdict = decideSafely(query, forwarder.tables, this.#memory, forwarder.onFault);
    if (verdict === RESPOND) {
      this.#write(connection, query);
    } else if (verdict === FORWARD) {
      connection.pending++;
      forwarder.ask(query, -1 - connection.slot);
    } else if (verdict === DROP && end - start < 12) {
      // Not a message at all: whoever is there does not speak DNS.
      connection.socket.destroy();
    }
  }

  #touch(connection: Connection): void {
    connection.lastMs = this.#clock.nowMs;
    this.#connections.delete(connection.slot);
    this.#connections.set(connection.slot, connection);
  }

  /** Length and message in one write (RFC 7766 8); copied, because the kernel may take it later. */
  #write(connection: Connection, query: Query): void {
    const length = query.outLength;
    this.#out[0] = length >>> 8;
    this.#out[1] = length;
    connection.socket.write(Buffer.from(this.#out.subarray(0, FRAME + length)));
  }

  #isBusy(connection: Connection): boolean {
    return (
      connection.pending >= this.#limits.pendingMax ||
      connection.socket.writableLength > this.#limits.unreadMax
    );
  }

  #resume(connection: Connection): void {
    if (connection.socket.isPaused() && !this.#isBusy(connection)) connection.socket.resume();
  }
}

/** Puts what arrived behind the part of a frame; room doubles, so that single octets stay cheap. */
function append(connection: Connection, chunk: Buffer): Buffer {
  const used = connection.partialLength;
  const length = used + chunk.length;
  if (length > connection.partial.length) {
    const larger = Buffer.alloc(Math.max(length, 2 * connection.partial.length));
    connection.partial.copy(larger, 0, 0, used);
    connection.partial = larger;
  }
  chunk.copy(connection.partial, used);
  connection.partialLength = length;
  return connection.partial.subarray(0, length);
}

/**
 * Stops reading. What was read and not taken comes again when the socket is resumed, before the
 * end of the stream.
 */
function giveBack(connection: Connection, rest: Buffer): void {
  const { socket } = connection;
  socket.pause();
  if (rest.length > 0 && !socket.destroyed) socket.unshift(Buffer.from(rest));
  connection.partial = EMPTY;
  connection.partialLength = 0;
}

/** @param at where in `octets` the first frame begins that is not whole */
function keepRest(connection: Connection, octets: Buffer, at: number): void {
  const isInPlace = at === 0 && connection.partialLength > 0;
  if (!isInPlace)
    connection.partial = at === octets.length ? EMPTY : Buffer.from(octets.subarray(at));
  connection.partialLength = octets.length - at;
}

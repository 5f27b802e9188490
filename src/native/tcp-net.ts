/**
 * The node:net backend of tcp.ts: the same interface where the addon cannot be built or loaded.
 * Correct before fast: one connection per round, and an object or more per write.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { PEER_FAMILY, PEER_SIZE } from '../batch.ts';
import type { SocketAddress } from '../config/types.ts';
import { addressToBytes } from './addresses.ts';
import { endpointText, errnoOf, openError } from './open-error.ts';
import { BACKLOG, type TcpOptions, type TcpStreams } from './tcp.ts';
import {
  EV_DATA,
  EV_ENDED,
  EV_FAILED,
  EV_OPENED,
  EV_WRITABLE,
  EVENT_LENGTH,
  EVENT_START,
  FLAGS,
  LENGTH,
  ROW,
  SLOT,
  START,
  TAKEN,
  type TcpBatch,
  WATCH_READ,
  WATCH_WRITE,
} from './tcp-batch.ts';

export class NetStreams implements TcpStreams {
  readonly #servers: Server[] = [];
  readonly #options: TcpOptions;
  readonly #batch: TcpBatch;
  readonly #sockets: (Socket | null)[];
  readonly #watched: Uint8Array;
  /** First in, first out, as the native backend does it. */
  readonly #free: number[];

  constructor(options: TcpOptions) {
    const { capacity } = options.batch;
    this.#options = options;
    this.#batch = options.batch;
    this.#sockets = Array.from({ length: capacity }, () => null);
    this.#watched = new Uint8Array(capacity);
    this.#free = Array.from({ length: capacity }, (_, slot) => slot);
  }

  async listen({ address, port, family }: SocketAddress): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onConnection(socket, family),
    );
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(openError(`TCP ${endpointText(address, port)}`, errnoOf(error))),
      );
      const ipv6Only = family === 6;
      server.listen({ host: address, port, ipv6Only, reusePort: true, backlog: BACKLOG }, resolve);
    });
    // Running out of descriptors is reported here; the listener goes on when some are free again.
    server.on('error', () => {});
    const bound = server.address();
    return bound !== null && typeof bound === 'object' ? bound.port : port;
  }

  send(count: number): number {
    const { segments } = this.#batch;
    let left = 0;
    for (let at = 0; at < count * ROW; at += ROW) {
      const taken = this.#sendSegment(at);
      segments[at + TAKEN] = taken;
      if (taken !== segments[at + LENGTH]) left++;
    }
    return left;
  }

  /** Copied, because the kernel may take it later. */
  #sendSegment(at: number): number {
    const { segments, tx } = this.#batch;
    const start = segments[at + START]!;
    const length = segments[at + LENGTH]!;
    if (segments[at + SLOT] === -1) return length;
    const socket = this.#sockets[segments[at + SLOT]!];
    if (!socket || socket.writableNeedDrain) return 0;
    socket.write(Buffer.from(tx.subarray(start, start + length)));
    return length;
  }

  watch(slot: number, watched: number): void {
    const socket = this.#sockets[slot];
    if (!socket) return;
    this.#watched[slot] = watched;
    if ((watched & WATCH_READ) === 0) socket.pause();
    else if (socket.isPaused()) socket.resume();
  }

  finish(slot: number): boolean {
    this.#sockets[slot]?.end();
    return false;
  }

  drop(slot: number): void {
    const socket = this.#sockets[slot];
    if (!socket) return;
    this.#sockets[slot] = null;
    this.#free.push(slot);
    socket.destroy();
  }

  /** Nothing rests: libuv accepts and closes what it has no descriptor for. */
  resume(): void {}

  stopListening(): void {
    for (const server of this.#servers) server.close();
    this.#servers.length = 0;
  }

  close(): void {
    this.stopListening();
    for (let slot = 0; slot < this.#sockets.length; slot++) this.drop(slot);
  }

  #onConnection(socket: Socket, family: 4 | 6): void {
    const [address = ''] = socket.remoteAddress?.split('%') ?? [];
    const record = new Uint8Array(PEER_SIZE);
    record[PEER_FAMILY] = family;
    if (addressToBytes(address, record, 0)) this.adopt(socket, record);
    else socket.destroy();
  }

  /** Takes a connection that is open. @param record its peer record */
  adopt(socket: Socket, record: Uint8Array): void {
    const slot = this.#free.shift();
    if (slot === undefined) {
      socket.destroy();
      return;
    }
    this.#batch.peers.set(record, slot * PEER_SIZE);
    this.#sockets[slot] = socket;
    this.#watched[slot] = WATCH_READ;
    socket.on('data', (chunk) => this.#onData(slot, socket, chunk));
    socket.on('drain', () => {
      if ((this.#watched[slot]! & WATCH_WRITE) !== 0) this.#tell(slot, socket, EV_WRITABLE);
    });
    socket.on('end', () => this.#tell(slot, socket, EV_ENDED));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#tell(slot, socket, EV_FAILED));
    this.#tell(slot, socket, EV_OPENED);
  }

  /**
   * Brings a chunk in pieces that fit. What is not wanted any more comes again when reading is
   * resumed, before the end of the stream.
   */
  #onData(slot: number, socket: Socket, chunk: Buffer): void {
    const { rx } = this.#batch;
    let at = 0;
    while (at < chunk.length && this.#isWanted(slot, socket)) {
      const piece = chunk.subarray(at, at + rx.length);
      rx.set(piece);
      at += piece.length;
      this.#tell(slot, socket, EV_DATA, piece.length);
    }
    if (at < chunk.length && !socket.destroyed) socket.unshift(Buffer.from(chunk.subarray(at)));
  }

  #isWanted(slot: number, socket: Socket): boolean {
    return this.#sockets[slot] === socket && (this.#watched[slot]! & WATCH_READ) !== 0;
  }

  /** One event is a round; a socket that was dropped has nothing to tell. */
  #tell(slot: number, socket: Socket, flags: number, length = 0): void {
    if (this.#sockets[slot] !== socket) return;
    const { events } = this.#batch;
    events[SLOT] = slot;
    events[FLAGS] = flags;
    events[EVENT_START] = 0;
    events[EVENT_LENGTH] = length;
    this.#options.onBatch(1);
  }
}

/** See `openTcp`. */
export function openNetTcp(options: TcpOptions): TcpStreams {
  return new NetStreams(options);
}

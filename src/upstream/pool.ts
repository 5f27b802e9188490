/**
 * SocketPool: the UDP sockets towards one server. Each is connected, so the kernel drops whatever
 * comes from another address or port, and each has a port that the kernel drew at random.
 *
 * What a forger must guess: a batch leaves by one of 16 sockets chosen at random, each of whose
 * ports is one of 28,232 (Linux: net.ipv4.ip_local_port_range 32768-60999, drawn by the kernel's
 * CSPRNG for port 0), and the id is one of 65,536: 14.8 + 16 = 30.8 bits, and a bit for each letter
 * of the name. A port is given up after 256 queries or 10 s of use, so one that was found out (SAD
 * DNS) is worth little. Replacements are opened ahead, because opening is asynchronous; while none
 * is ready, or too many old ones still wait for answers, a socket is used beyond its limit rather
 * than a query held up.
 */

import { messageOf } from '../errors.ts';
import type { UdpPort } from '../native/udp.ts';
import { randomBelow } from './random.ts';
import type { Server } from './servers.ts';

/** Open sockets that queries leave from. */
export const POOL_SOCKETS = 16;
/** Queries that leave from one port. */
export const SOCKET_QUERIES_MAX = 256;
const SOCKET_AGE_MAX_MS = 10_000;
/** Replacements that stand ready. */
const SPARES = 2;
/** Old sockets that still wait for answers; bounds the descriptors of a server to 64. */
const RETIRED_MAX = 64 - POOL_SOCKETS - SPARES;
/** After a socket could not be opened (no route, no descriptors). */
const REOPEN_MS = 1000;

/** One connected socket. Plain numbers, written by the pool and the dispatcher only. */
export class PoolSocket {
  /** Number in the socket table; what the tries of its queries hold. */
  readonly index: number;
  readonly pool: SocketPool;
  /** Null until it is open, and again once it is closed. */
  port: UdpPort | null = null;
  /** Queries that left from it. */
  used = 0;
  /** Queries that wait for an answer on it. */
  outstanding = 0;
  /** When its first query left; 0 before. Nobody knows the port of an unused socket. */
  firstUsedMs = 0;
  retired = false;

  constructor(index: number, pool: SocketPool) {
    this.index = index;
    this.pool = pool;
  }
}

/** All sockets of one worker by number; numbers are reused after a socket is closed. */
export class SocketTable {
  readonly #sockets: (PoolSocket | null)[] = [];
  readonly #free: number[] = [];

  add(pool: SocketPool): PoolSocket {
    const index = this.#free.pop() ?? this.#sockets.length;
    const socket = new PoolSocket(index, pool);
    this.#sockets[index] = socket;
    return socket;
  }

  at(index: number): PoolSocket | null {
    return this.#sockets[index] ?? null;
  }

  remove(socket: PoolSocket): void {
    this.#sockets[socket.index] = null;
    this.#free.push(socket.index);
  }
}

/** Opens one connected socket; the callbacks of the port belong to `socket`. */
export type OpenSocket = (socket: PoolSocket) => Promise<UdpPort>;

export class SocketPool {
  readonly server: Server;
  /** Why the last opening failed, or null. */
  lastError: string | null = null;

  readonly #table: SocketTable;
  readonly #open: OpenSocket;
  readonly #ready: PoolSocket[] = [];
  readonly #spares: PoolSocket[] = [];
  #opening = 0;
  #retired = 0;
  #reopenMs = 0;
  #closed = false;

  constructor(server: Server, table: SocketTable, open: OpenSocket) {
    this.server = server;
    this.#table = table;
    this.#open = open;
  }

  /** Opens the first sockets. Never rejects: a server without a route is a server that fails. */
  async fill(nowMs: number): Promise<void> {
    const opened: Promise<void>[] = [];
    while (this.#missing() > 0) opened.push(this.#openOne(nowMs));
    await Promise.all(opened);
  }

  /** Whether there is a socket to send from. */
  get usable(): boolean {
    return this.#ready.length > 0;
  }

  /** A random socket for the next batch, or null when there is none. */
  pick(): PoolSocket | null {
    const count = this.#ready.length;
    return count === 0 ? null : this.#ready[randomBelow(count)]!;
  }

  /** `count` queries left from `socket`; they are counted as outstanding already. */
  left(socket: PoolSocket, count: number, nowMs: number): void {
    if (socket.firstUsedMs === 0) socket.firstUsedMs = nowMs;
    socket.used += count;
    if (socket.used >= SOCKET_QUERIES_MAX) this.#replace(socket, nowMs);
  }

  /** A query of `socket` waits no more. */
  settled(socket: PoolSocket): void {
    socket.outstanding--;
    if (socket.retired && socket.outstanding === 0) {
      this.#retired--;
      this.#close(socket);
    }
  }

  /** Replaces what is too old, and opens what is missing. */
  tick(nowMs: number): void {
    for (let i = 0; i < this.#ready.length; i++) {
      const socket = this.#ready[i]!;
      const old = socket.used > 0 && nowMs - socket.firstUsedMs >= SOCKET_AGE_MAX_MS;
      if (old || socket.used >= SOCKET_QUERIES_MAX) this.#replace(socket, nowMs);
    }
    if (nowMs >= this.#reopenMs) this.#openMissing(nowMs);
  }

  close(): void {
    this.#closed = true;
    // Retired ones close when their last query ends, which the caller sees to.
    for (const socket of [...this.#ready, ...this.#spares]) this.#close(socket);
    this.#ready.length = 0;
    this.#spares.length = 0;
  }

  /** Open sockets, spares and retired ones included. */
  get size(): number {
    return this.#ready.length + this.#spares.length + this.#retired;
  }

  #missing(): number {
    const have = this.#ready.length + this.#spares.length + this.#opening;
    return POOL_SOCKETS + SPARES - have;
  }

  #replace(socket: PoolSocket, nowMs: number): void {
    if (this.#retired >= RETIRED_MAX) return;
    const spare = this.#spares.pop();
    if (spare === undefined) return;
    this.#ready[this.#ready.indexOf(socket)] = spare;
    socket.retired = true;
    this.#retired++;
    // Counted up and down, so that a socket without outstanding queries closes here and now.
    socket.outstanding++;
    this.settled(socket);
    if (nowMs >= this.#reopenMs) this.#openMissing(nowMs);
  }

  #openMissing(nowMs: number): void {
    while (!this.#closed && this.#missing() > 0) void this.#openOne(nowMs);
  }

  async #openOne(nowMs: number): Promise<void> {
    this.#opening++;
    const socket = this.#table.add(this);
    try {
      socket.port = await this.#open(socket);
      this.lastError = null;
    } catch (thrown) {
      this.lastError = messageOf(thrown);
      this.#reopenMs = nowMs + REOPEN_MS;
    }
    this.#opening--;
    if (socket.port === null || this.#closed) this.#close(socket);
    else if (this.#ready.length < POOL_SOCKETS) this.#ready.push(socket);
    else this.#spares.push(socket);
  }

  #close(socket: PoolSocket): void {
    socket.port?.close();
    socket.port = null;
    this.#table.remove(socket);
  }
}

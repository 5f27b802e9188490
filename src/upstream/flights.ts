/**
 * Flights: what the dispatcher remembers of each flight while it waits: its group, its tries, its
 * timer. The question itself is in inflight.ts, the queries on the wire in tries.ts; dispatch.ts
 * decides when whom to ask.
 */

import type { Inflight } from './inflight.ts';
import type { SocketTable } from './pool.ts';
import { chooseServer, countTry, type Group, type Server, TRIES_MAX, triesOf } from './servers.ts';
import type { Tries } from './tries.ts';

/** Where a flight is. */
export const IDLE = 0;
/** In the queue of its server, until the next flush. */
export const QUEUED = 1;
/** Its newest query left over UDP. */
export const WIRE = 2;
/** Its newest query went to the server's stream. */
export const STREAM = 3;
/** Nobody is left to ask; an answer to an earlier try may still come until the deadline. */
export const DRAINING = 4;

/**
 * Marks: the query goes without our OPT; it goes by stream; a server stayed silent, or babbled; it
 * was asked again with a new cookie.
 */
export const NO_EDNS = 1;
export const VIA_STREAM = 2;
export const SAW_TIMEOUT = 4;
export const SAW_UNFIT = 8;
/** A second server is due to be asked; two are being asked; two were. See hedge.ts. */
export const HEDGE_DUE = 16;
export const HEDGED = 32;
export const WAS_HEDGED = 64;
export const NEW_COOKIE = 128;

export class Flights {
  readonly inflight: Inflight;
  readonly tries: Tries;
  readonly sockets: SocketTable;

  /** Flights that are not IDLE / flight / first `activeCount` valid, in no order. */
  readonly active: Int32Array;
  activeCount = 0;
  /** Index of the flight in `active` / index / valid while not IDLE. */
  readonly #activeAt: Int32Array;
  /** Where the flight is / IDLE..DRAINING. */
  readonly place: Uint8Array;
  /** NO_EDNS to NEW_COOKIE / bits. */
  readonly marks: Uint8Array;
  /** Tries so far / 2 bits per position in the group / 0..3 each. */
  readonly counts: Uint32Array;
  /** Servers that failed this flight / bit per position. */
  readonly bad: Uint16Array;
  /** Server that was asked last / position in the group / 0..15. */
  readonly chosen: Uint8Array;
  /** Which of its two tries is the newest / 0 or 1. */
  readonly newest: Uint8Array;
  /** When the flight must be looked at / ms of the clock / at most the deadline. */
  readonly dueMs: Float64Array;
  /** When it fails / ms of the clock. */
  readonly deadlineMs: Float64Array;
  /** Servers whose stream holds the question / bit per position. */
  readonly streams: Uint16Array;
  /** What these streams know the flight by / token / valid while `streams` is not 0. */
  readonly token: Float64Array;
  /** When the question last went to a stream / ms of the clock. */
  readonly streamMs: Float64Array;
  /** Server that was asked before the second one / position / valid while WAS_HEDGED. */
  readonly hedgedFrom: Uint8Array;
  /** When that one was asked, and when its time is over / ms of the clock / as `hedgedFrom`. */
  readonly firstMs: Float64Array;
  readonly retryMs: Float64Array;
  /** Group of each flight that is not IDLE; outlives a reload that renumbers the groups. */
  readonly group: (Group | null)[];

  constructor(inflight: Inflight, tries: Tries, sockets: SocketTable) {
    const { capacity } = inflight;
    this.inflight = inflight;
    this.tries = tries;
    this.sockets = sockets;
    this.active = new Int32Array(capacity);
    this.#activeAt = new Int32Array(capacity);
    this.place = new Uint8Array(capacity);
    this.marks = new Uint8Array(capacity);
    this.counts = new Uint32Array(capacity);
    this.bad = new Uint16Array(capacity);
    this.chosen = new Uint8Array(capacity);
    this.newest = new Uint8Array(capacity);
    this.dueMs = new Float64Array(capacity);
    this.deadlineMs = new Float64Array(capacity);
    this.streams = new Uint16Array(capacity);
    this.token = new Float64Array(capacity);
    this.streamMs = new Float64Array(capacity);
    this.hedgedFrom = new Uint8Array(capacity);
    this.firstMs = new Float64Array(capacity);
    this.retryMs = new Float64Array(capacity);
    this.group = new Array<Group | null>(capacity).fill(null);
  }

  /** Makes an IDLE flight active: no tries, no marks, nobody chosen. */
  begin(flight: number, group: Group, deadlineMs: number): void {
    this.group[flight] = group;
    this.#activeAt[flight] = this.activeCount;
    this.active[this.activeCount++] = flight;
    this.place[flight] = DRAINING;
    this.marks[flight] = 0;
    this.counts[flight] = 0;
    this.bad[flight] = 0;
    this.streams[flight] = 0;
    this.deadlineMs[flight] = deadlineMs;
    this.dueMs[flight] = deadlineMs;
    this.tries.ask(this.inflight, flight, flight);
  }

  /** Forgets the flight: nothing that arrives later can find it. */
  end(flight: number): void {
    if (this.streams[flight] !== 0) this.leaveStreams(flight);
    this.drop(flight * 2);
    this.drop(flight * 2 + 1);
    this.place[flight] = IDLE;
    this.group[flight] = null;
    const last = this.active[--this.activeCount]!;
    const at = this.#activeAt[flight]!;
    this.active[at] = last;
    this.#activeAt[last] = at;
  }

  /** Chooses the server to ask next, and counts the try. @returns null when none is left */
  next(flight: number): Server | null {
    const group = this.group[flight]!;
    const position = chooseServer(group, this.counts[flight]!, this.bad[flight]!);
    if (position === -1) return null;
    this.again(flight, group.servers[position]!);
    return this.serverOf(flight);
  }

  /** Makes `server` the one that is asked, and counts the try as far as tries are counted. */
  again(flight: number, server: Server): void {
    this.chosen[flight] = server.position;
    const counts = this.counts[flight]!;
    if (triesOf(counts, server.position) === TRIES_MAX) return;
    this.counts[flight] = countTry(counts, server.position);
  }

  /** Sets the timer; never past the deadline. */
  wait(flight: number, untilMs: number): void {
    const deadlineMs = this.deadlineMs[flight]!;
    this.dueMs[flight] = Math.min(untilMs, deadlineMs);
  }

  /** Takes a try off the wire, if it is there. */
  drop(attempt: number): void {
    const index = this.tries.drop(attempt);
    if (index === -1) return;
    const socket = this.sockets.at(index);
    if (socket !== null) socket.pool.settled(socket);
  }

  /**
   * A reload: what was asked of servers in `removed` is forgotten; the rest goes on in `group`, at
   * positions that may be others, with its count of tries begun anew.
   *
   * @returns whether the server that was asked last is gone
   */
  move(flight: number, group: Group, removed: ReadonlySet<Server>): boolean {
    for (let attempt = flight * 2; attempt < flight * 2 + 2; attempt++) {
      const socket = this.sockets.at(this.tries.socket[attempt]!);
      if (socket !== null && removed.has(socket.pool.server)) this.drop(attempt);
    }
    const streams = this.streams[flight]!;
    this.streams[flight] = 0;
    for (const [before, server] of this.group[flight]!.servers.entries()) {
      const isHeld = (streams & (1 << before)) !== 0 && !removed.has(server);
      if (isHeld) this.streams[flight]! |= 1 << server.position;
    }
    const server = this.serverOf(flight);
    const isGone = removed.has(server);
    if (isGone && this.place[flight] === STREAM) this.place[flight] = DRAINING;
    this.group[flight] = group;
    this.bad[flight] = 0;
    this.marks[flight]! &= ~(HEDGE_DUE | HEDGED | WAS_HEDGED);
    this.counts[flight] = isGone ? 0 : countTry(0, server.position);
    this.chosen[flight] = isGone ? 0 : server.position;
    return isGone;
  }

  /** @returns the try of the flight that is on the wire of `server`, or -1 */
  tryAt(flight: number, server: Server): number {
    for (let attempt = flight * 2; attempt < flight * 2 + 2; attempt++) {
      const socket = this.sockets.at(this.tries.socket[attempt]!);
      if (socket !== null && socket.pool.server === server) return attempt;
    }
    return -1;
  }

  /** Whether an answer to any try may still come. */
  isWaiting(flight: number): boolean {
    const { socket } = this.tries;
    if (this.streams[flight] !== 0) return true;
    return socket[flight * 2] !== -1 || socket[flight * 2 + 1] !== -1;
  }

  /** The answer of the server's stream is not wanted any more. */
  leaveStream(flight: number, server: Server): void {
    if (!this.isOnStream(flight, server)) return;
    this.streams[flight]! &= ~(1 << server.position);
    server.stream.cancel(this.token[flight]!);
  }

  /** Like `leaveStream` for all of them. */
  leaveStreams(flight: number): void {
    const { servers } = this.group[flight]!;
    for (let position = 0; position < servers.length; position++) {
      this.leaveStream(flight, servers[position]!);
    }
  }

  isOnStream(flight: number, server: Server): boolean {
    return (this.streams[flight]! & (1 << server.position)) !== 0;
  }

  /** The server that was asked last. */
  serverOf(flight: number): Server {
    return this.group[flight]!.servers[this.chosen[flight]!]!;
  }

  /** The question goes to the stream of `server`. @returns its token, which no later flight has */
  enterStream(flight: number, server: Server, nowMs: number): number {
    const token = this.inflight.generation[flight]! * this.inflight.capacity + flight;
    this.leaveStream(flight, server);
    this.token[flight] = token;
    if (this.hedgedFrom[flight] === server.position) this.marks[flight]! &= ~WAS_HEDGED;
    this.streamMs[flight] = nowMs;
    this.streams[flight]! |= 1 << server.position;
    return token;
  }

  /** When the question went to the stream of `server`, ms of the clock. */
  streamedMs(flight: number, server: Server): number {
    const wasFirst = (this.marks[flight]! & WAS_HEDGED) !== 0;
    const isFirst = wasFirst && this.hedgedFrom[flight] === server.position;
    return isFirst ? this.firstMs[flight]! : this.streamMs[flight]!;
  }

  /** Takes the flight that waits for `token` off the stream of `server`. @returns it, or -1 */
  takeStream(server: Server, token: number): number {
    const flight = token % this.inflight.capacity;
    if (this.group[flight] === null || this.token[flight] !== token) return -1;
    const isHeld = this.group[flight]!.servers[server.position] === server;
    if (!isHeld || !this.isOnStream(flight, server)) return -1;
    this.streams[flight]! &= ~(1 << server.position);
    return flight;
  }
}

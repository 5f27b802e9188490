/**
 * Sender: queries on their way out. Queues them per server, so that what one client batch asks
 * leaves by one call per server, and writes them when they leave. It decides nothing about servers.
 */

import { BATCH_CAPACITY, Batch, SLOT_STRIDE } from '../batch.ts';
import { AT_ID } from '../wire/constants.ts';
import { writeU16 } from '../wire/octets.ts';
import { DRAINING, type Flights, NO_EDNS, QUEUED, STREAM, WIRE } from './flights.ts';
import { buildQuery, PADDED_MAX, PLAIN, padQuery } from './forward.ts';
import type { PoolSocket } from './pool.ts';
import { type Server, triesOf } from './servers.ts';

/** A connection, a question and an answer over a stream. */
const STREAM_MS = 2000;

/** What the stream of `server` knows its probe by; flights have tokens from 0. */
export function probeToken(server: Server): number {
  return -1 - server.probe;
}

export class Sender {
  /** Shared by all sockets of the worker: callbacks run one after the other. */
  readonly batch = new Batch(BATCH_CAPACITY);
  /** A socket call is under way: what it reports must wait until it returns. */
  sending = false;
  readonly #flights: Flights;

  constructor(flights: Flights) {
    this.#flights = flights;
  }

  /** Queues the flight for `server`, whose try is counted already. */
  enqueue(flight: number, server: Server, nowMs: number): void {
    const flights = this.#flights;
    if (server.queued === BATCH_CAPACITY) this.send(server, nowMs);
    server.queue[server.queued++] = flight;
    flights.place[flight] = QUEUED;
    const tries = triesOf(flights.counts[flight]!, server.position);
    flights.wait(flight, nowMs + server.retryAfterMs(tries));
  }

  /** Sends the queue of `server`, all of it by one random socket. */
  send(server: Server, nowMs: number): void {
    const flights = this.#flights;
    const queued = server.queued;
    server.queued = 0;
    const socket = server.pool?.pick() ?? null;
    // Without a socket the flights run into their timers, which choose again.
    if (socket === null) return;
    let count = 0;
    for (let i = 0; i < queued; i++) {
      const flight = server.queue[i]!;
      // The flight may have ended since it was queued, or been queued again elsewhere.
      if (flights.place[flight] !== QUEUED || flights.serverOf(flight) !== server) continue;
      flights.place[flight] = WIRE;
      const newest = flights.newest[flight]! ^ 1;
      flights.newest[flight] = newest;
      const attempt = flight * 2 + newest;
      flights.drop(attempt);
      const id = flights.tries.open(attempt, socket.index, nowMs);
      // No free id: its timer sends it again, by another socket.
      if (id !== -1) this.#write(server, flight, flight, id, count++);
    }
    this.#leave(server, socket, count, nowMs);
  }

  /** Sends a copy of the flight's question to `server`, as a probe; see `probeCandidate`. */
  probe(server: Server, flight: number, nowMs: number): void {
    const { tries, inflight } = this.#flights;
    const attempt = tries.probe(server.probe);
    if (!server.usable) return;
    this.#flights.drop(attempt);
    const wasPending = server.probePending;
    server.probed(nowMs);
    const row = tries.rowOf(attempt);
    if (server.pool === null) {
      const token = probeToken(server);
      if (wasPending) server.stream.giveUp(token);
      tries.ask(inflight, flight, row);
      tries.sentMs[attempt] = nowMs;
      if (server.stream.ask(this.#message(flight, row, server), token)) server.tcp++;
      return;
    }
    const socket = server.pool.pick();
    const id = socket === null ? -1 : tries.open(attempt, socket.index, nowMs);
    if (socket === null || id === -1) return;
    tries.ask(inflight, flight, row);
    this.#write(server, flight, row, id, 0);
    this.#leave(server, socket, 1, nowMs);
  }

  /** Asks `server` by its stream. When too many wait there the timer is due at once. */
  askStream(flight: number, server: Server, nowMs: number): void {
    const flights = this.#flights;
    const token = flights.enterStream(flight, server, nowMs);
    if (server.stream.ask(this.#message(flight, flight, server), token)) {
      server.tcp++;
      flights.place[flight] = STREAM;
      flights.wait(flight, nowMs + STREAM_MS);
    } else {
      flights.leaveStream(flight, server);
      flights.place[flight] = DRAINING;
      flights.wait(flight, nowMs);
    }
  }

  /** The question of `row`, with the flags of `flight`, for a stream; padded within TLS. */
  #message(flight: number, row: number, server: Server): Uint8Array {
    const message = new Uint8Array(PADDED_MAX);
    const length = this.#build(server, flight, row, message, 0);
    return message.subarray(0, server.isSecure ? padQuery(message, length) : length);
  }

  #flagsOf(flight: number): number {
    const plain = (this.#flights.marks[flight]! & NO_EDNS) === 0 ? 0 : PLAIN;
    return this.#flights.inflight.keyFlags[flight]! | plain;
  }

  /**
   * The question of `row`, with the flags of `flight` and, where others could forge an answer, our
   * cookie. @returns its length
   */
  #build(server: Server, flight: number, row: number, out: Uint8Array, at: number): number {
    const flags = this.#flagsOf(flight);
    const length = buildQuery(this.#flights.tries, row, flags, out, at);
    if ((flags & PLAIN) !== 0 || server.isSecure) return length;
    return server.cookie.append(out, at, length, server.streak);
  }

  /** Writes the question of `row`, with the flags of `flight`, as message `slot`. */
  #write(server: Server, flight: number, row: number, id: number, slot: number): void {
    const { batch } = this;
    const at = slot * SLOT_STRIDE;
    batch.txLength[slot] = this.#build(server, flight, row, batch.tx, at);
    batch.txPeer[slot] = 0;
    writeU16(batch.tx, at + AT_ID, id);
  }

  #leave(server: Server, socket: PoolSocket, count: number, nowMs: number): void {
    if (count === 0 || socket.port === null) return;
    server.sent += count;
    // Counted before, so that an error which the call reports finds them outstanding.
    socket.outstanding += count;
    this.sending = true;
    socket.port.send(this.batch, count);
    this.sending = false;
    socket.pool.left(socket, count, nowMs);
  }
}

/**
 * Streams: what comes from the streams of servers, matched with the flights and probes that wait
 * for it. What it leads to is the dispatcher's to decide.
 */

import { TC } from '../wire/constants.ts';
import { messageFlags } from '../wire/header.ts';
import { COOKIE_FINE } from './cookies.ts';
import { DRAINING, type Flights, NO_EDNS, STREAM } from './flights.ts';
import { MATCH_CASE, MATCH_OK, matchMessage } from './match.ts';
import type { Server } from './servers.ts';

/** What the dispatcher does with what came. */
export interface StreamsHost {
  /** An event begins. @returns ms of the clock */
  enter(): number;
  /** A message answers the question. */
  onResponse(flight: number, server: Server, octets: Uint8Array, start: number, end: number): void;
  /** Nothing usable will come from `server`. */
  onFailed(flight: number, server: Server): void;
  /** The event is over. */
  leave(): void;
}

export class Streams {
  readonly #flights: Flights;
  readonly #host: StreamsHost;

  constructor(flights: Flights, host: StreamsHost) {
    this.#flights = flights;
    this.#host = host;
  }

  /** @param token of a flight, or under 0 for the server's probe */
  onMessage(server: Server, token: number, octets: Uint8Array, start: number, end: number): void {
    if (token < 0) {
      this.#onProbe(server, octets, start, end);
      return;
    }
    const flights = this.#flights;
    const flight = flights.takeStream(server, token);
    if (flight === -1) return;
    const nowMs = this.#host.enter();
    const matches = this.#matches(server, flight, octets, start, end);
    if (matches && server.isSecure) server.heard(nowMs - flights.streamedMs(flight, server));
    this.#settleNewest(flight, server);
    const isWhole = (messageFlags(octets, start) & TC) === 0;
    const isAnswer = matches && isWhole && this.#isFine(server, flight, octets, start, end);
    if (isAnswer) this.#host.onResponse(flight, server, octets, start, end);
    else this.#host.onFailed(flight, server);
    this.#host.leave();
  }

  onBroken(server: Server, token: number): void {
    if (server.isSecure) server.broke();
    else server.networkErrors++;
    if (token < 0) {
      server.probePending = false;
      return;
    }
    const flight = this.#flights.takeStream(server, token);
    if (flight === -1) return;
    this.#host.enter();
    this.#settleNewest(flight, server);
    this.#host.onFailed(flight, server);
    this.#host.leave();
  }

  /** The flight has waited long enough for the stream of `server`. */
  giveUp(flight: number, server: Server): void {
    const flights = this.#flights;
    if (!flights.isOnStream(flight, server)) return;
    flights.streams[flight]! &= ~(1 << server.position);
    server.stream.giveUp(flights.token[flight]!);
  }

  #onProbe(server: Server, octets: Uint8Array, start: number, end: number): void {
    const { tries } = this.#flights;
    const probe = tries.probe(server.probe);
    const nowMs = this.#host.enter();
    server.probePending = false;
    if (this.#matches(server, tries.rowOf(probe), octets, start, end)) {
      server.heard(nowMs - tries.sentMs[probe]!);
    }
  }

  /** Case proves nothing on a stream, where nobody off the path can forge; some servers fold it. */
  #matches(server: Server, row: number, octets: Uint8Array, start: number, end: number): boolean {
    const match = matchMessage(this.#flights.tries, row, octets, start, end);
    if (match === MATCH_OK || match === MATCH_CASE) return true;
    server.mismatches++;
    return false;
  }

  /** What went within TLS, or without our OPT record, had no cookie. */
  #isFine(server: Server, flight: number, octets: Uint8Array, start: number, end: number): boolean {
    if (server.isSecure || (this.#flights.marks[flight]! & NO_EDNS) !== 0) return true;
    return server.cookie.judgeStream(octets, start, end) === COOKIE_FINE;
  }

  /** The newest query of the flight is no longer on a stream, if it was on this one. */
  #settleNewest(flight: number, server: Server): void {
    const flights = this.#flights;
    const isNewest = flights.place[flight] === STREAM && flights.serverOf(flight) === server;
    if (isNewest) flights.place[flight] = DRAINING;
  }
}

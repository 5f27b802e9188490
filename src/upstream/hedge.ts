/**
 * Hedging: a second server is asked when the first takes longer than nearly all its answers did,
 * and whichever answers first counts. It is for the answer that one server lost, not for servers
 * that are slow or down: for those the share of queries that may be asked twice is too small, and
 * the timers of dispatch.ts go on as if nothing else had been asked.
 */

import { type Flights, HEDGE_DUE, HEDGED, STREAM, WAS_HEDGED, WIRE } from './flights.ts';
import { chooseServer, countTry, type Server } from './servers.ts';
import type { Streams } from './streams.ts';

/** Sooner than this is never asked twice: the timer has 20 ms, and a lost datagram is dearer. */
const HEDGE_MIN_MS = 20;
/** Queries for each that may be asked twice: 5 %. */
const QUERIES_PER_HEDGE = 20;
/** So many in a row, after a while without. */
const BURST = 20;

export class Hedging {
  readonly #flights: Flights;
  readonly #streams: Streams;
  /** Queries that were not used for a second one yet. */
  #credit = 0;

  constructor(flights: Flights, streams: Streams) {
    this.#flights = flights;
    this.#streams = streams;
  }

  /** A question came. */
  earn(): void {
    if (this.#credit < QUERIES_PER_HEDGE * BURST) this.#credit++;
  }

  /** `server` was asked: has the flight looked at sooner, if this was its first try. */
  arm(flight: number, server: Server, nowMs: number): void {
    const flights = this.#flights;
    const { hedge, servers } = flights.group[flight]!;
    const isFirst = flights.counts[flight] === countTry(0, server.position);
    if (!hedge || !isFirst || servers.length < 2 || server.tail.ms === 0) return;
    const retryMs = flights.dueMs[flight]!;
    const hedgeMs = nowMs + Math.max(HEDGE_MIN_MS, server.tail.ms);
    if (hedgeMs >= retryMs) return;
    flights.marks[flight]! |= HEDGE_DUE;
    flights.retryMs[flight] = retryMs;
    flights.firstMs[flight] = nowMs;
    flights.dueMs[flight] = hedgeMs;
  }

  /** Whether the timer that ran out is that for a second server. It is not looked at again. */
  isDue(flight: number, nowMs: number): boolean {
    const flights = this.#flights;
    if ((flights.marks[flight]! & HEDGE_DUE) === 0) return false;
    flights.marks[flight]! &= ~HEDGE_DUE;
    return nowMs < flights.retryMs[flight]!;
  }

  /**
   * The server that is to be asked beside the first, its try counted; null when none is well or
   * too many were asked twice. The flight's timer is that of the first again.
   */
  second(flight: number): Server | null {
    const flights = this.#flights;
    flights.dueMs[flight] = flights.retryMs[flight]!;
    const place = flights.place[flight]!;
    if (this.#credit < QUERIES_PER_HEDGE || (place !== WIRE && place !== STREAM)) return null;
    const group = flights.group[flight]!;
    const first = flights.chosen[flight]!;
    const position = chooseServer(
      group,
      flights.counts[flight]!,
      flights.bad[flight]! | (1 << first),
    );
    const server = position === -1 ? null : group.servers[position]!;
    if (server === null || !server.isWell) return null;
    this.#credit -= QUERIES_PER_HEDGE;
    flights.hedgedFrom[flight] = first;
    flights.marks[flight]! |= HEDGED | WAS_HEDGED;
    flights.again(flight, server);
    server.hedges++;
    return server;
  }

  /**
   * The second server is of no more use. Goes back to waiting for the first, as long as it has
   * time. @returns false when there is nothing to wait for
   */
  resume(flight: number, nowMs: number): boolean {
    const flights = this.#flights;
    if ((flights.marks[flight]! & HEDGED) === 0) return false;
    flights.marks[flight]! &= ~HEDGED;
    const position = flights.hedgedFrom[flight]!;
    const first = flights.group[flight]!.servers[position]!;
    const onStream = flights.isOnStream(flight, first);
    const attempt = flights.tryAt(flight, first);
    if ((flights.bad[flight]! & (1 << position)) !== 0 || (!onStream && attempt === -1)) {
      return false;
    }
    if (nowMs >= flights.retryMs[flight]!) {
      first.timedOut();
      this.#streams.giveUp(flight, first);
      return false;
    }
    flights.chosen[flight] = position;
    flights.place[flight] = onStream ? STREAM : WIRE;
    if (attempt !== -1) flights.newest[flight] = attempt & 1;
    flights.dueMs[flight] = flights.retryMs[flight]!;
    return true;
  }

  /** `server` answered. What is known of the first: it took longer than this. */
  settled(flight: number, server: Server, nowMs: number): void {
    const flights = this.#flights;
    if ((flights.marks[flight]! & HEDGED) === 0) return;
    const first = flights.group[flight]!.servers[flights.hedgedFrom[flight]!]!;
    if (first === server) return;
    server.hedgesWon++;
    first.outrun(nowMs - flights.firstMs[flight]!);
  }
}

/**
 * Servers: what is known about each server of a group, and which one is asked next.
 *
 * Only silence opens a circuit. Wrong ids, wrong questions and unparsable messages are what a
 * forger sends, so they are counted and change nothing (CVE-2023-26437: spoofing that marks servers
 * down).
 * Sockets and timers are elsewhere; everything here is numbers.
 */

import { BATCH_CAPACITY } from '../batch.ts';
import { LATENCY_CELLS, microseconds, observe } from '../metrics/latency.ts';
import { UpstreamCookie } from './cookies.ts';
import type { PlannedServer } from './plan.ts';
import type { SocketPool } from './pool.ts';
import { Tail } from './tail.ts';
import type { StreamFailure, StreamTransport } from './transport.ts';

/** Servers of one group: the tries of a flight are counted in 2 bits each of one word. */
export const SERVERS_MAX = 16;
/** Tries of one flight at one server (RFC 9520 3.1). */
export const TRIES_MAX = 3;
/** Timeouts in a row that open the circuit. */
export const STREAK_MAX = 8;

/** Questions in a row that an encrypted server may fail before others are asked first. */
const BREAKS_MAX = 4;

/** How long a server that nothing is known about is taken to need, in ms. */
const SRTT_START_MS = 50;
/** RFC 6298 2: a new sample counts for an eighth. */
const SRTT_GAIN = 0.125;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 1000;

/** Probes: how often a server that is not asked anyway gets a copy of a live question. */
const PROBE_AILING_MS = 1000;
const PROBE_WELL_MS = 10_000;

/** Costs in ms, only to compare: who is silent, refusing or was asked already comes later. */
const COST_STREAK = 250;
const COST_REFUSING = 1000;
const COST_TRY = 1e6;
const COST_OPEN = 1e9;

export type CircuitState = 'closed' | 'open' | 'half-open';

/** One server in one group. */
export class Server {
  readonly address: PlannedServer;
  /** Name of the group. */
  readonly group: string;
  /** Number of its probe in the Tries table. */
  readonly probe: number;
  /** Index in its group; changes with a reload. */
  position = 0;
  /** Null for an encrypted server: there is no socket by which it could be asked in the open. */
  readonly pool: SocketPool | null;
  readonly stream: StreamTransport;
  readonly cookie: UpstreamCookie;

  /** Flights that wait for the next flush / flight / first `queued` valid. */
  readonly queue = new Int32Array(BATCH_CAPACITY);
  queued = 0;

  /** Within what time nearly all recent answers came. */
  readonly tail = new Tail();
  /** Smoothed round trip in ms. */
  srttMs = SRTT_START_MS;
  /** Timeouts since the last answer. */
  streak = 0;
  circuitOpen = false;
  /** The last that was heard is an ICMP error. */
  refusing = false;
  /** Questions that broke since the last answer. */
  #breaks = 0;
  probePending = false;
  probeDueMs: number;

  sent = 0;
  answered = 0;
  timeouts = 0;
  /** Known id, but not the question that was asked, or not a response. */
  mismatches = 0;
  /** The question was right, the rest unfit. */
  malformed = 0;
  /** No query waits for it: late, or forged. */
  strays = 0;
  /** ICMP errors and the like. */
  networkErrors = 0;
  /** Queries by its stream: over TCP, in the open or within TLS. */
  tcp = 0;
  /** Questions that it got beside another server, and how often it was the first to answer. */
  hedges = 0;
  hedgesWon = 0;
  /** Why the last connection to an encrypted server could not be had; null since one could. */
  failure: StreamFailure | null = null;
  /** Round trips, as metrics/latency.ts lays them out. */
  readonly latency = new Float64Array(LATENCY_CELLS);

  constructor(
    identity: { address: PlannedServer; group: string; probe: number },
    make: { pool(server: Server): SocketPool | null; stream(server: Server): StreamTransport },
    nowMs: number,
  ) {
    this.address = identity.address;
    this.group = identity.group;
    this.probe = identity.probe;
    this.probeDueMs = nowMs + PROBE_AILING_MS;
    this.cookie = new UpstreamCookie(nowMs);
    this.pool = make.pool(this);
    this.stream = make.stream(this);
  }

  /** An answer to a query of ours arrived, whatever it says. */
  heard(rttMs: number): void {
    this.answered++;
    observe(this.latency, 0, microseconds(rttMs), 1);
    this.srttMs += (rttMs - this.srttMs) * SRTT_GAIN;
    this.tail.add(rttMs);
    this.streak = 0;
    this.circuitOpen = false;
    this.refusing = false;
    this.#breaks = 0;
  }

  /** Another server answered first; this one takes more than `rttMs`, if it answers at all. */
  outrun(rttMs: number): void {
    if (rttMs > this.srttMs) this.srttMs += (rttMs - this.srttMs) * SRTT_GAIN;
    this.tail.add(rttMs);
  }

  timedOut(): void {
    this.timeouts++;
    if (++this.streak >= STREAK_MAX) this.circuitOpen = true;
  }

  /**
   * A question to an encrypted server broke, and says nothing about the next one: whoever knows a
   * name that does so must not be able to turn everybody away. Several in a row do.
   */
  broke(): void {
    this.networkErrors++;
    if (++this.#breaks >= BREAKS_MAX) this.refusing = true;
  }

  refused(): void {
    this.networkErrors++;
    this.refusing = true;
  }

  /** Questions go by the stream and by nothing else. */
  get isSecure(): boolean {
    return this.pool === null;
  }

  /** Nothing speaks against it. */
  get isWell(): boolean {
    return this.streak === 0 && !this.refusing && !this.circuitOpen;
  }

  /** Whether there is something to ask by. */
  get usable(): boolean {
    return this.pool === null ? this.stream.usable : this.pool.usable;
  }

  /**
   * An encrypted server could not be connected to. One whose certificate is refused is not the
   * server at all, so it is out of use at once.
   */
  unreachable(failure: StreamFailure): void {
    this.failure = failure;
    this.refused();
    if (++this.streak >= STREAK_MAX || failure.certificate) this.circuitOpen = true;
  }

  get state(): CircuitState {
    if (!this.circuitOpen) return 'closed';
    return this.probePending ? 'half-open' : 'open';
  }

  /**
   * A probe leaves now. One that is still pending has not been answered for a whole interval.
   */
  probed(nowMs: number): void {
    if (this.probePending) this.timedOut();
    this.probePending = true;
    const ailing = this.streak > 0 || this.refusing;
    this.probeDueMs = nowMs + (ailing ? PROBE_AILING_MS : PROBE_WELL_MS);
  }

  /** How long to wait for an answer to try number `tries` (1..3) before the next one leaves. */
  retryAfterMs(tries: number): number {
    const first = Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, 2 * this.srttMs));
    return first * 2 ** (tries - 1);
  }
}

/** Servers that are asked for the same suffixes. */
export interface Group {
  readonly name: string;
  /** Whether a second server is asked when the first is slow. */
  readonly hedge: boolean;
  /** At most SERVERS_MAX; `servers[i].position === i`. */
  readonly servers: readonly Server[];
}

/** Tries of server `position` in a word of counts. */
export function triesOf(counts: number, position: number): number {
  return (counts >>> (position * 2)) & 3;
}

/** The word with one try more for server `position`, which has had under three. */
export function countTry(counts: number, position: number): number {
  return counts + 2 ** (position * 2);
}

/**
 * The server to ask next: not one in `bad`, or without a socket, or that had its three tries; of
 * the rest the one with a closed circuit, then with the fewest tries (so a retry goes to the other
 * server), then the fastest. When all circuits are open the best of them is tried anyway.
 *
 * @param counts tries so far, 2 bits a server; @param bad bit per server that failed this flight
 * @returns its position, or -1
 */
export function chooseServer(group: Group, counts: number, bad: number): number {
  const { servers } = group;
  let best = -1;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let position = 0; position < servers.length; position++) {
    const tries = triesOf(counts, position);
    if ((bad & (1 << position)) !== 0 || tries === TRIES_MAX) continue;
    const server = servers[position]!;
    if (!server.usable) continue;
    const cost = costOf(server) + tries * COST_TRY;
    if (cost < bestCost) {
      best = position;
      bestCost = cost;
    }
  }
  return best;
}

function costOf(server: Server): number {
  return (
    server.srttMs +
    server.streak * COST_STREAK +
    (server.refusing ? COST_REFUSING : 0) +
    (server.circuitOpen ? COST_OPEN : 0)
  );
}

/**
 * A server other than `chosen` that is due for a probe, or null. A copy of a live question costs no
 * client any time, and a server that is ill costs nobody a try.
 */
export function probeCandidate(group: Group, chosen: number, nowMs: number): Server | null {
  const { servers } = group;
  for (let position = 0; position < servers.length; position++) {
    const server = servers[position]!;
    if (position !== chosen && nowMs >= server.probeDueMs) return server;
  }
  return null;
}

/**
 * Dispatcher: the life of a flight between `submit` and its one event: which server, how long to
 * wait, and what an answer, a silence or an error leads to.
 *
 * ```
 * submit -> QUEUED -flush-> WIRE --answer--------------------------> onAnswer
 *              ^              | timeout, SERVFAIL, ICMP: next server
 *              +--------------+ no server left: DRAINING, then ----> onFailure
 *                             | TC, wrong case
 *                             +-> STREAM --answer------------------> onAnswer
 * ```
 *
 * Nothing is allocated per query over UDP. Opening and closing of servers is upstreams.ts.
 */

import { SLOT_SIZE, SLOT_STRIDE } from '../batch.ts';
import {
  EDE_NETWORK_ERROR,
  EDE_NO_REACHABLE_AUTHORITY,
  FORMERR,
  NOTIMP,
  REFUSED,
  SERVFAIL,
  TC,
} from '../wire/constants.ts';
import { messageFlags, rcodeOf } from '../wire/header.ts';
import type { UpstreamEvents } from './events.ts';
import {
  DRAINING,
  type Flights,
  HEDGE_DUE,
  NEW_COOKIE,
  NO_EDNS,
  QUEUED,
  SAW_TIMEOUT,
  SAW_UNFIT,
  STREAM,
  VIA_STREAM,
  WIRE,
} from './flights.ts';
import { Hedging } from './hedge.ts';
import { KEY_DO } from './inflight.ts';
import type { PoolSocket } from './pool.ts';
import { BAD_COOKIE, DOUBTFUL, NOTHING, receive, receivedTry } from './receive.ts';
import { Sender } from './sender.ts';
import { type Group, probeCandidate, type Server } from './servers.ts';
import { Streams } from './streams.ts';

/** Clients give up at 5 s, so an answer after that is waste. */
const DEADLINE_MS = 5000;
/** Rounds of sending in one flush: an error that a call reports queues once more. */
const ROUNDS_MAX = 2;

export class Dispatcher {
  groups: readonly Group[] = [];
  readonly flights: Flights;
  readonly sender: Sender;
  readonly streams: Streams;
  readonly #hedging: Hedging;
  readonly #events: UpstreamEvents;
  readonly #clock: () => number;
  /** Read once per call from outside. */
  #nowMs = 0;
  /** Try that the message at hand answers, or -1 for a stream's. */
  #attempt = -1;
  /** Flight whose answer is with the events now, or -1. */
  #settling = -1;
  /** Errors of sockets that are still to be handled. */
  #errors: PoolSocket[] = [];

  constructor(flights: Flights, events: UpstreamEvents, clock: () => number) {
    this.flights = flights;
    this.sender = new Sender(flights);
    this.streams = new Streams(flights, {
      enter: () => {
        this.#attempt = -1;
        this.#nowMs = this.#clock();
        return this.#nowMs;
      },
      onResponse: (flight, server, octets, start, end) =>
        this.#response(flight, server, octets, start, end),
      onFailed: (flight, server) => this.#failServer(flight, server),
      leave: () => this.#settle(),
    });
    this.#hedging = new Hedging(flights, this.streams);
    this.#events = events;
    this.#clock = clock;
  }

  /** Queues a flight. Fails it at once when its group has no server with a socket. */
  submit(flight: number): void {
    const { flights } = this;
    const group = this.groups[flights.inflight.group[flight]!];
    if (group === undefined || group.servers.length === 0) {
      this.#events.onFailure(flight, EDE_NETWORK_ERROR);
      return;
    }
    // Read by the caller for the whole of a batch.
    this.#nowMs = flights.inflight.startedMs[flight]!;
    // Released and taken again by the very call that its answer led to.
    if (flight === this.#settling) this.#endSettling();
    this.#hedging.earn();
    flights.begin(flight, group, this.#nowMs + DEADLINE_MS);
    if (!this.#advance(flight)) {
      this.#fail(flight);
      return;
    }
    const server = probeCandidate(group, flights.chosen[flight]!, this.#nowMs);
    if (server !== null) this.sender.probe(server, flight, this.#nowMs);
  }

  /** Sends what is queued. */
  flush(): void {
    this.#nowMs = this.#clock();
    this.#flush();
  }

  /** Runs the timers of the flights. */
  tick(nowMs: number): void {
    const { flights } = this;
    this.#nowMs = nowMs;
    // Backwards: a flight that ends is replaced by the last one, which was looked at already. One
    // timeout may break a connection and end several, hence the second condition.
    for (let i = flights.activeCount - 1; i >= 0; i--) {
      if (i >= flights.activeCount) continue;
      const flight = flights.active[i]!;
      if (nowMs >= flights.dueMs[flight]!) this.#timeOut(flight);
    }
    this.#settle();
  }

  /** Datagrams on a socket of `server`. Returns 0: nothing is to be sent in return. */
  onBatch(server: Server, socket: PoolSocket, count: number): number {
    this.#nowMs = this.#clock();
    for (let i = 0; i < count; i++) this.#datagram(server, socket, i);
    this.#settle();
    return 0;
  }

  /** An ICMP error arrived for something that left from `socket`; it does not say for what. */
  onSocketError(socket: PoolSocket): void {
    if (socket.outstanding === 0) return;
    this.#errors.push(socket);
    if (this.sender.sending) return;
    this.#nowMs = this.#clock();
    this.#settle();
  }

  /**
   * A reload: the groups are these from now on. A flight goes on where its server is kept, else it
   * starts over in the group of the same name, else it fails.
   *
   * @param removed servers that are about to be closed
   */
  regroup(groups: readonly Group[], removed: ReadonlySet<Server>): void {
    const { flights } = this;
    this.#nowMs = this.#clock();
    const before = this.groups;
    this.groups = groups;
    for (let i = flights.activeCount - 1; i >= 0; i--) {
      const flight = flights.active[i]!;
      const number = flights.inflight.group[flight]!;
      // The number may mean other servers now: nobody who asks from now on may share this flight.
      if (before[number]?.name !== groups[number]?.name) flights.inflight.detach(flight);
      this.#regroupFlight(flight, removed);
    }
    this.#settle();
  }

  #regroupFlight(flight: number, removed: ReadonlySet<Server>): void {
    const { flights } = this;
    const { name } = flights.group[flight]!;
    const group = this.groups.find((candidate) => candidate.name === name);
    if (group === undefined) this.#fail(flight);
    else if (flights.move(flight, group, removed) && !this.#advance(flight)) this.#fail(flight);
  }

  #flush(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      for (let g = 0; g < this.groups.length; g++) {
        const { servers } = this.groups[g]!;
        for (let s = 0; s < servers.length; s++) {
          if (servers[s]!.queued > 0) this.sender.send(servers[s]!, this.#nowMs);
        }
      }
      if (this.#errors.length === 0) return;
      this.#handleErrors();
    }
  }

  #settle(): void {
    if (this.#errors.length > 0) this.#handleErrors();
    this.#flush();
    this.#events.onSettled?.();
  }

  /** Asks the next server. @returns false when there is none; the flight is as before then */
  #advance(flight: number): boolean {
    if (this.#hedging.resume(flight, this.#nowMs)) return true;
    const server = this.flights.next(flight);
    if (server === null) return false;
    this.#ask(flight, server);
    return true;
  }

  #ask(flight: number, server: Server): void {
    this.flights.marks[flight]! &= ~HEDGE_DUE;
    const viaStream = (this.flights.marks[flight]! & VIA_STREAM) !== 0;
    if (viaStream || server.isSecure) this.sender.askStream(flight, server, this.#nowMs);
    else this.sender.enqueue(flight, server, this.#nowMs);
    this.#hedging.arm(flight, server, this.#nowMs);
  }

  #datagram(server: Server, socket: PoolSocket, index: number): void {
    const { flights } = this;
    const { rx, rxLength } = this.sender.batch;
    const start = index * SLOT_STRIDE;
    const length = rxLength[index]!;
    const end = start + (length < 0 ? SLOT_SIZE : length);
    const received = receive(flights, server, socket.index, rx, start, end);
    const attempt = receivedTry;
    const flight = attempt >>> 1;
    if (received === DOUBTFUL) this.#upgrade(flight, server);
    if (received === NOTHING || received === DOUBTFUL) return;
    const isProbe = flights.tries.isProbe(attempt);
    server.heard(this.#nowMs - flights.tries.sentMs[attempt]!);
    const isCut = length < 0 || (messageFlags(rx, start) & TC) !== 0;
    this.#attempt = attempt;
    if (isProbe || isCut || received === BAD_COOKIE) flights.drop(attempt);
    if (isProbe) server.probePending = false;
    else if (isCut) this.#upgrade(flight, server);
    else if (received === BAD_COOKIE) this.#askWithCookie(flight, server);
    else this.#response(flight, server, rx, start, end);
  }

  /** BADCOOKIE: once more with the cookie that came with it, then over TCP (RFC 7873 5.3). */
  #askWithCookie(flight: number, server: Server): void {
    const { flights } = this;
    const waits = flights.place[flight] !== DRAINING;
    if (waits && flights.chosen[flight] !== server.position) return;
    if ((flights.marks[flight]! & NEW_COOKIE) !== 0) {
      this.#upgrade(flight, server);
      return;
    }
    if (flights.place[flight] === STREAM) return;
    flights.marks[flight]! |= NEW_COOKIE;
    flights.again(flight, server);
    this.#ask(flight, server);
  }

  /** Asks the same server again over TCP, and whoever is asked after it. */
  #upgrade(flight: number, server: Server): void {
    const { flights } = this;
    if (flights.place[flight] === STREAM) return;
    flights.marks[flight]! |= VIA_STREAM;
    flights.again(flight, server);
    this.#ask(flight, server);
  }

  /** A message that answers the question: pass it on, unless another server may do better. */
  #response(flight: number, server: Server, octets: Uint8Array, start: number, end: number): void {
    const { flights } = this;
    const rcode = rcodeOf(messageFlags(octets, start));
    if (rcode === SERVFAIL || rcode === REFUSED || rcode === NOTIMP || rcode === FORMERR) {
      if (this.#attempt !== -1) flights.drop(this.#attempt);
      if (rcode === FORMERR && this.#retryPlain(flight, server)) return;
      flights.bad[flight]! |= 1 << server.position;
      const place = flights.place[flight]!;
      const waits = place === QUEUED || place === WIRE || place === STREAM;
      if (waits && flights.chosen[flight] !== server.position) return;
      if (place === STREAM) {
        flights.leaveStream(flight, flights.serverOf(flight));
        flights.place[flight] = DRAINING;
      }
      if (this.#advance(flight)) return;
    }
    this.#hedging.settled(flight, server, this.#nowMs);
    this.#settling = flight;
    const isUsed = this.#events.onAnswer(flight, octets, start, end);
    if (isUsed) this.#endSettling();
    else this.#goOn(flight, server);
    this.#settling = -1;
  }

  #endSettling(): void {
    if (this.#settling !== -1) this.flights.end(this.#settling);
    this.#settling = -1;
  }

  /**
   * The message was unfit. Another server is asked at once; the try stays on the wire, so that if
   * this was forged, the honest answer is still used.
   */
  #goOn(flight: number, server: Server): void {
    const { flights } = this;
    server.malformed++;
    const isNew = (flights.bad[flight]! & (1 << server.position)) === 0;
    flights.bad[flight]! |= 1 << server.position;
    flights.marks[flight]! |= SAW_UNFIT;
    const waits = flights.place[flight] !== DRAINING;
    if (waits && flights.chosen[flight] !== server.position) return;
    if (isNew && this.#advance(flight)) return;
    if (!waits) this.#drain(flight);
  }

  /**
   * RFC 6891 7: a server that does not know EDNS may say FORMERR; ask it once without. Not when the
   * client wants DNSSEC, which cannot be had without.
   */
  #retryPlain(flight: number, server: Server): boolean {
    const { flights } = this;
    const marks = flights.marks[flight]!;
    if (flights.place[flight] !== STREAM && server.cookie.giveUp()) {
      flights.again(flight, server);
      this.#ask(flight, server);
      return true;
    }
    if ((marks & NO_EDNS) !== 0 || (flights.inflight.keyFlags[flight]! & KEY_DO) !== 0)
      return false;
    if (flights.place[flight] === STREAM) return true;
    flights.marks[flight] = marks | NO_EDNS;
    flights.again(flight, server);
    this.#ask(flight, server);
    return true;
  }

  /** The server cannot answer this flight, which says nothing about others. */
  #failServer(flight: number, server: Server): void {
    const { flights } = this;
    flights.bad[flight]! |= 1 << server.position;
    if (flights.serverOf(flight) === server && !this.#advance(flight)) this.#drain(flight);
  }

  #timeOut(flight: number): void {
    const { flights } = this;
    if (this.#hedging.isDue(flight, this.#nowMs)) {
      const second = this.#hedging.second(flight);
      if (second !== null) this.#ask(flight, second);
      return;
    }
    const place = flights.place[flight]!;
    const server = flights.serverOf(flight);
    flights.marks[flight]! |= SAW_TIMEOUT;
    flights.place[flight] = DRAINING;
    if (place === STREAM) this.streams.giveUp(flight, server);
    if (place === WIRE || (place === STREAM && server.isSecure)) server.timedOut();
    if (this.#nowMs >= flights.deadlineMs[flight]!) this.#fail(flight);
    else if (!this.#advance(flight)) this.#drain(flight);
  }

  /**
   * No server is left to ask: wait for what is still on the wire, if anything. Not when something
   * unfit came already: the honest answer has had its time since.
   */
  #drain(flight: number): void {
    const { flights } = this;
    if (!flights.isWaiting(flight) || (flights.marks[flight]! & SAW_UNFIT) !== 0) {
      this.#fail(flight);
      return;
    }
    flights.place[flight] = DRAINING;
    flights.dueMs[flight] = flights.deadlineMs[flight]!;
  }

  #fail(flight: number): void {
    const silent = (this.flights.marks[flight]! & SAW_TIMEOUT) !== 0;
    this.flights.end(flight);
    this.#events.onFailure(flight, silent ? EDE_NO_REACHABLE_AUTHORITY : EDE_NETWORK_ERROR);
  }

  #handleErrors(): void {
    const errors = this.#errors;
    this.#errors = [];
    for (const socket of errors) this.#leaveSocket(socket.pool.server, socket);
  }

  /** Takes every query off a socket whose peer cannot be reached. */
  #leaveSocket(server: Server, socket: PoolSocket): void {
    const { flights } = this;
    const { tries } = flights;
    server.refused();
    const probe = tries.probe(server.probe);
    if (tries.socket[probe] === socket.index) {
      flights.drop(probe);
      server.probePending = false;
    }
    for (let i = flights.activeCount - 1; i >= 0; i--) {
      const flight = flights.active[i]!;
      const newest = flight * 2 + flights.newest[flight]!;
      if (tries.socket[newest ^ 1] === socket.index) flights.drop(newest ^ 1);
      if (tries.socket[newest] !== socket.index) continue;
      flights.drop(newest);
      const place = flights.place[flight]!;
      if (place === WIRE || place === DRAINING) this.#failServer(flight, server);
    }
  }
}

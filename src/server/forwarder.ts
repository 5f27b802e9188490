/**
 * Forwarder: between the straight line and the upstreams. It shares flights between identical
 * questions, keeps who waits for them, and hands every waiter its own response when one settles.
 */

import { rememberFailure, serveStale } from '../cache/failures.ts';
import { keyFlagsOf } from '../cache/lookup.ts';
import type { Clock } from '../clock.ts';
import { COALESCED, DROPPED_OVERLOAD, FORWARDED, PREFETCHES, YIELDED } from '../counters.ts';
import type { Memory } from '../memory.ts';
import { decideSafely } from '../pipeline.ts';
import { Query, RESPOND, type Verdict } from '../query.ts';
import { mayRefresh } from '../refresh.ts';
import {
  respondFailure,
  respondOverloaded,
  respondToWaiter,
  respondUnanswered,
  settle,
  takeIn,
} from '../settle.ts';
import type { Tables } from '../tables.ts';
import { KEY_NO_RD } from '../upstream/inflight.ts';
import type { UpstreamEvents, Upstreams } from '../upstream/upstreams.ts';
import { EDE_NETWORK_ERROR, EDE_NO_REACHABLE_AUTHORITY, RD } from '../wire/constants.ts';
import type { WireName } from '../wire/name.ts';
import { NO_CLIENT } from './channels.ts';

/** Where responses that come later leave. */
export interface Outlet {
  /** Points `query.out`, `outStart` and `outRoom` at room for one response. */
  prepare(query: Query, channel: number): boolean;
  /** Takes the response that was written there. */
  commit(query: Query, channel: number): void;
  /** Sends what was taken. */
  flush(): void;
}

export interface ForwarderHost {
  readonly clock: Clock;
  readonly outlet: Outlet;
  onFault(error: unknown, isOpen: boolean): void;
}

export class Forwarder implements UpstreamEvents {
  tables: Tables;
  upstreams: Upstreams | null = null;
  /** Told of a decision that failed by a defect. */
  readonly onFault: (error: unknown, isOpen: boolean) => void;
  readonly #memory: Memory;
  readonly #clock: Clock;
  readonly #outlet: Outlet;
  /** The question of a flight that settles, and the cursor of each of its waiters. */
  readonly #question = new Query();
  readonly #waiting = new Query();
  /** Generation of the store when the flight was asked, by flight. */
  readonly #generation: Uint32Array;
  /** Where the flight's registrable domain starts, -1 if unknown, and by which tables. */
  readonly #registrable: Int16Array;
  readonly #revision: Uint32Array;

  constructor(tables: Tables, memory: Memory, host: ForwarderHost) {
    this.tables = tables;
    this.#memory = memory;
    const { capacity } = memory.inflight;
    this.#generation = new Uint32Array(capacity);
    this.#registrable = new Int16Array(capacity);
    this.#revision = new Uint32Array(capacity);
    this.#clock = host.clock;
    this.#outlet = host.outlet;
    this.onFault = host.onFault;
  }

  /** Decides one query, and counts what is done with it. */
  decide(query: Query): Verdict {
    const verdict = decideSafely(query, this.tables, this.#memory, this.onFault);
    this.#memory.meter.answered(query, verdict, this.tables);
    return verdict;
  }

  /**
   * After the response was written: asks for what it was answered with anew, when that is due. No
   * client waits, but the query does, so that what comes is charged to its workload.
   */
  refresh(query: Query): void {
    if (query.isDue === 0 || this.upstreams === null) return;
    const { inflight, waiters, counters } = this.#memory;
    if (!mayRefresh(query, this.tables, this.#memory)) return;
    const { name, qtype } = query;
    this.tables.routes.find(name);
    const { group } = this.tables.routes;
    const keyFlags = keyFlagsOf(query);
    if (group === -1 || inflight.find(name, qtype, keyFlags, group) !== -1) return;
    const flight = inflight.acquire(name, qtype, keyFlags, group, query.nowMs);
    if (flight === -1) return;
    this.#begin(flight, name);
    if (!waiters.add(query, NO_CLIENT, flight, inflight)) {
      inflight.release(flight);
      return;
    }
    counters[PREFETCHES]!++;
    this.upstreams.submit(flight);
  }

  /**
   * Sends the question upstream, or joins one that is under way. The response comes through the
   * outlet, also when it is a failure.
   */
  ask(query: Query, channel: number): void {
    const { inflight, waiters, counters } = this.#memory;
    const name = query.isAlias === 0 ? query.name : this.#memory.aliasTarget;
    this.tables.routes.find(name);
    const { group } = this.tables.routes;
    const keyFlags = keyFlagsOf(query) | ((query.flags & RD) === 0 ? KEY_NO_RD : 0);
    let flight = inflight.find(name, query.qtype, keyFlags, Math.max(group, 0));
    const isNew = flight === -1;
    if (isNew && group !== -1 && this.upstreams !== null) {
      this.#makePlace(query.nowMs);
      flight = inflight.acquire(name, query.qtype, keyFlags, group, query.nowMs);
      if (flight !== -1) this.#begin(flight, name);
    }
    if (flight === -1 || !waiters.add(query, channel, flight, inflight)) {
      if (isNew && flight !== -1) inflight.release(flight);
      counters[DROPPED_OVERLOAD]!++;
      this.#fail(query, channel, group !== -1);
      return;
    }
    counters[isNew ? FORWARDED : COALESCED]!++;
    if (isNew) this.upstreams?.submit(flight);
  }

  onAnswer(flight: number, octets: Uint8Array, start: number, end: number): boolean {
    this.#readQuestion(flight);
    const keyFlags = this.#storeFlags(flight);
    const { tables } = this;
    if (!settle(octets, start, end, this.#question, keyFlags, tables, this.#memory)) return false;
    let waiter = this.#takeWaiters(flight);
    while (waiter !== -1) {
      const channel = this.#memory.waiters.channel[waiter]!;
      if (this.#restore(waiter, channel)) {
        respondToWaiter(this.#waiting, tables, this.#memory);
        this.#answered(waiter, channel);
      } else if (channel === NO_CLIENT) {
        takeIn(this.#waiting, tables, this.#memory);
      }
      waiter = this.#next(waiter);
    }
    return true;
  }

  onFailure(flight: number, ede: number): void {
    this.#readQuestion(flight);
    const { staleSeconds } = this.tables.limits;
    rememberFailure(this.#question, this.#storeFlags(flight), staleSeconds, this.#memory);
    let waiter = this.#takeWaiters(flight);
    while (waiter !== -1) {
      const channel = this.#memory.waiters.channel[waiter]!;
      if (this.#restore(waiter, channel)) {
        respondUnanswered(this.#waiting, ede, this.tables, this.#memory);
        this.#answered(waiter, channel);
      }
      waiter = this.#next(waiter);
    }
  }

  /**
   * Who waits for a question that nobody has answered for as long as clients should wait gets the
   * answer of before, where one may serve (RFC 8767 5). The question goes on, for the store.
   */
  answerLate(): void {
    const { staleSeconds, clientResponseMs } = this.tables.limits;
    if (staleSeconds === 0 || clientResponseMs === 0) return;
    const { inflight } = this.#memory;
    const limitMs = this.#clock.nowMs - clientResponseMs;
    for (let flight = inflight.late(limitMs); flight !== -1; flight = inflight.late(limitMs)) {
      this.#readQuestion(flight);
      const keyFlags = this.#storeFlags(flight);
      if (serveStale(this.#question, keyFlags, staleSeconds, this.#memory)) {
        this.#answerStale(flight);
      }
    }
  }

  /** One of those who are answered goes on waiting, as nobody: what comes is charged to it. */
  #answerStale(flight: number): void {
    const { inflight, waiters } = this.#memory;
    let waiter = inflight.firstWaiter[flight]!;
    inflight.firstWaiter[flight] = -1;
    let hasOne = false;
    while (waiter !== -1) {
      const channel = waiters.channel[waiter]!;
      const next = waiters.next[waiter]!;
      const isServed = channel !== NO_CLIENT && !waiters.isForAlias(waiter);
      if (isServed && this.#restore(waiter, channel)) {
        respondUnanswered(this.#waiting, EDE_NO_REACHABLE_AUTHORITY, this.tables, this.#memory);
        this.#answered(waiter, channel);
      }
      if (isServed && hasOne) {
        waiters.release(waiter);
        inflight.waiterCount[flight]!--;
      } else {
        if (isServed) waiters.channel[waiter] = NO_CLIENT;
        hasOne ||= isServed;
        waiters.next[waiter] = inflight.firstWaiter[flight]!;
        inflight.firstWaiter[flight] = waiter;
      }
      waiter = next;
    }
  }

  onSettled(): void {
    this.#outlet.flush();
  }

  /** Notes what the answer will be taken by. */
  #begin(flight: number, name: WireName): void {
    this.#generation[flight] = this.#memory.store.generation;
    this.#registrable[flight] = name.registrable;
    this.#revision[flight] = this.tables.revision;
  }

  /** When all places are taken, one that has waited long enough gives way. */
  #makePlace(nowMs: number): void {
    const { inflight, waiters, counters } = this.#memory;
    if (inflight.count < inflight.capacity && !waiters.isFull) return;
    const flight = inflight.victim(nowMs);
    if (flight === -1) return;
    this.upstreams?.abandon(flight);
    counters[YIELDED]!++;
    this.#readQuestion(flight);
    let waiter = this.#takeWaiters(flight);
    while (waiter !== -1) {
      const channel = this.#memory.waiters.channel[waiter]!;
      if (this.#restore(waiter, channel)) {
        respondOverloaded(this.#waiting, this.tables, this.#memory);
        this.#answered(waiter, channel);
      }
      waiter = this.#next(waiter);
    }
  }

  #fail(query: Query, channel: number, isOverload: boolean): void {
    const { out, outStart, outRoom } = query;
    if (this.#outlet.prepare(query, channel)) {
      if (isOverload) respondOverloaded(query, this.tables, this.#memory);
      else respondFailure(query, EDE_NETWORK_ERROR, this.tables, this.#memory);
      this.#memory.meter.answered(query, RESPOND, this.tables);
      this.#commit(query, channel);
    }
    query.out = out;
    query.outStart = outStart;
    query.outRoom = outRoom;
  }

  #readQuestion(flight: number): void {
    const { inflight } = this.#memory;
    const question = this.#question;
    inflight.readName(flight, question.name);
    // Another walk through the public suffixes, unless those may be others by now.
    if (this.#revision[flight] === this.tables.revision) {
      question.name.registrable = this.#registrable[flight]!;
    }
    question.qtype = inflight.qtype[flight]!;
    question.qclass = 1;
    question.nowSeconds = this.#clock.nowSeconds;
  }

  /**
   * The flight's key flags. When the store was emptied since it was asked, because names are asked
   * of other servers now, with the flag that keeps its answer out.
   */
  #storeFlags(flight: number): number {
    const { inflight, store } = this.#memory;
    const isOutdated = this.#generation[flight] !== store.generation;
    return inflight.keyFlags[flight]! | (isOutdated ? KEY_NO_RD : 0);
  }

  /** The first waiter; the flight is given back, so that the same question may be asked anew. */
  #takeWaiters(flight: number): number {
    const waiter = this.#memory.inflight.firstWaiter[flight]!;
    this.#memory.inflight.release(flight);
    return waiter;
  }

  #restore(waiter: number, channel: number): boolean {
    const waiting = this.#waiting;
    this.#memory.waiters.restore(waiter, this.#question, waiting);
    waiting.nowSeconds = this.#clock.nowSeconds;
    waiting.nowMs = this.#clock.nowMs;
    waiting.wallMs = this.#clock.wallMs;
    if (channel === NO_CLIENT) return false;
    if (this.#outlet.prepare(waiting, channel)) return true;
    // The client is gone; where its policy is too, nobody knows any more what it was.
    const { taps, revision } = this.tables;
    if (taps.isOn === 1 && waiting.revision === revision) {
      this.#memory.tap.noResponse(waiting, taps);
    }
    return false;
  }

  #commit(query: Query, channel: number): void {
    const { taps } = this.tables;
    if (taps.isOn === 1) this.#memory.tap.response(query, taps);
    this.#outlet.commit(query, channel);
  }

  #answered(waiter: number, channel: number): void {
    const { meter, waiters } = this.#memory;
    meter.later(this.#waiting, waiters.waitedUs(waiter, this.#clock.nowMs), this.tables);
    this.#commit(this.#waiting, channel);
  }

  #next(waiter: number): number {
    const next = this.#memory.waiters.next[waiter]!;
    this.#memory.waiters.release(waiter);
    return next;
  }
}

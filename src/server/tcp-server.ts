/**
 * TCP of one worker (RFC 7766): pipelined queries, answers as they come, in any order.
 *
 * Each message is decided by the same `decide` as a datagram, over the octets of the round they
 * came in; the answers of a round leave by one call, one write per connection. Connections are
 * bounded in number, in what they may have waiting, and in what they may leave unread; idle ones
 * go, the oldest first.
 */

import { PEER_SAID, PEER_SIZE } from '../batch.ts';
import type { Clock } from '../clock.ts';
import type { SocketAddress } from '../config/types.ts';
import { FORWARDER_REFUSED, QUERIES_TCP, QUERIES_TLS } from '../counters.ts';
import { BY_PROXY, DIRECT } from '../identity/forwarded.ts';
import type { Memory } from '../memory.ts';
import { microseconds } from '../metrics/latency.ts';
import type { TcpOptions, TcpStreams } from '../native/tcp.ts';
import {
  EV_DATA,
  EV_ENDED,
  EV_FAILED,
  EV_OPENED,
  EV_REFUSED,
  EV_WRITABLE,
  EVENT_LENGTH,
  EVENT_START,
  EVENTS_MAX,
  FLAGS,
  ROW,
  SLOT,
  TcpBatch,
  WATCH_READ,
  WATCH_WRITE,
} from '../native/tcp-batch.ts';
import { DROP, FORWARD, OVER_TLS, PLAIN, Query, RESPOND } from '../query.ts';
import { HEADER_SIZE } from '../wire/constants.ts';
import { readU16 } from '../wire/octets.ts';
import { padResponse } from '../wire/padding.ts';
import { PROXY_BAD, PROXY_MORE, readProxy } from '../wire/proxy.ts';
import { streamChannel, TICKET_BITS } from './channels.ts';
import { CONNECTIONS_MAX, Connections } from './connections.ts';
import { Due } from './due.ts';
import type { Forwarder } from './forwarder.ts';
import { FRAME, Kept } from './kept.ts';
import { Outbox } from './outbox.ts';
import { Shares } from './shares.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** No honest query is longer: what is kept up to here of a connection is not looked at. */
const SMALL = 4096;

/** What a round may open before the oldest go; a slot for each must be free. */
const SLOTS_MORE = EVENTS_MAX;

export class TcpServer {
  readonly #batch: TcpBatch;
  readonly #streams: TcpStreams;
  readonly #connections: Connections;
  readonly #shares: Shares;
  /** What was received and not taken: part of a frame, or more while the client is busy. */
  readonly #received: Kept;
  readonly #outbox: Outbox;
  readonly #query = new Query();
  readonly #memory: Memory;
  readonly #clock: Clock;
  readonly #limits: TcpLimits;
  /** Connections to be looked at when the round's answers have left. */
  readonly #due: Due;
  /** Answers are being decided: who flushes now only sends. */
  #isInRound = false;
  forwarder: Forwarder | null = null;

  /** @param open opens the backend; see `openTcp` */
  constructor(
    memory: Memory,
    clock: Clock,
    limits: TcpLimits,
    open: (options: TcpOptions) => TcpStreams,
  ) {
    const capacity = Math.min(limits.connectionsMax + SLOTS_MORE, CONNECTIONS_MAX);
    this.#memory = memory;
    this.#clock = clock;
    this.#limits = limits;
    this.#batch = new TcpBatch(capacity);
    const isOverTls = limits.overTls === 1;
    this.#connections = new Connections(capacity, isOverTls ? TICKET_BITS : 31);
    this.#shares = new Shares(capacity, limits, memory.counters);
    this.#received = new Kept(capacity);
    this.#due = new Due(capacity);
    this.#streams = open({ batch: this.#batch, onBatch: (count) => this.#onBatch(count) });
    this.#outbox = new Outbox(
      this.#batch,
      this.#streams,
      (slot, more, rest) => this.#shares.mayKeep(slot, more, rest),
      (slot, isLost) => {
        if (isLost) this.#drop(slot);
        else this.#due.add(slot);
      },
    );
    this.#query.overTcp = 1;
    this.#query.encryption = isOverTls ? OVER_TLS : PLAIN;
  }

  /** Opens a listener; rejects with a DnsvalveError that names the address. */
  listen(address: SocketAddress): Promise<number> {
    return this.#streams.listen(address);
  }

  get connectionCount(): number {
    return this.#connections.count;
  }

  get sourceCount(): number {
    return this.#shares.count;
  }

  /** Closes what has been idle too long, a few at a time. Called every turn of the clock. */
  sweep(): void {
    const connections = this.#connections;
    const limit = this.#clock.nowMs - this.#limits.idleMs;
    for (let i = this.#limits.closesPerTurn; i > 0 && connections.isIdleSince(limit); i--) {
      this.#drop(connections.oldest);
    }
    this.#streams.resume();
  }

  /** Takes no more connections; those that are open get the answers they wait for. */
  stopListening(): void {
    this.#streams.stopListening();
  }

  close(): void {
    while (this.#connections.oldest !== -1) this.#drop(this.#connections.oldest);
    this.#streams.close();
  }

  // --- the outlet: responses that come later

  prepare(query: Query, ticket: number): boolean {
    const slot = this.#connections.find(ticket);
    if (slot === -1) return false;
    this.#connections.pending[slot]!--;
    this.#outbox.prepare(query);
    return true;
  }

  commit(query: Query, ticket: number): void {
    const slot = this.#connections.find(ticket);
    if (slot === -1) return;
    padResponse(query);
    this.#outbox.commit(slot, query.outLength);
    // Whoever is not simply read waits for this: to be read again, or for the end.
    if (this.#connections.watched[slot] !== WATCH_READ || this.#connections.ending[slot] !== 0) {
      this.#due.add(slot);
    }
  }

  /** Sends what was decided, then goes on with those who had to wait for that. */
  flush(): void {
    this.#outbox.send();
    if (this.#isInRound) return;
    for (let slot = this.#due.take(); slot !== -1; slot = this.#due.take()) {
      if (this.#connections.isOpen[slot] === 1) this.#attend(slot);
    }
  }

  // --- a round

  #onBatch(count: number): void {
    const { forwarder } = this;
    if (forwarder === null) return;
    this.#clock.update();
    this.#begin();
    for (let i = 0; i < count; i++) this.#onEvent(i * ROW);
    forwarder.upstreams?.flush();
    this.#endRound();
    forwarder.onSettled();
  }

  #begin(): void {
    const query = this.#query;
    query.nowSeconds = this.#clock.nowSeconds;
    query.nowMs = this.#clock.nowMs;
    query.wallMs = this.#clock.wallMs;
    this.#isInRound = true;
  }

  #endRound(): void {
    this.#memory.meter.endBatch(microseconds(performance.now() - this.#query.nowMs));
    this.#isInRound = false;
  }

  #onEvent(at: number): void {
    const { events, rx } = this.#batch;
    const connections = this.#connections;
    const slot = events[at + SLOT]!;
    const flags = events[at + FLAGS]!;
    if ((flags & EV_REFUSED) !== 0) {
      this.#onRefused();
      return;
    }
    if ((flags & EV_OPENED) !== 0) this.#open(slot);
    // An earlier event of the round may have closed it.
    if (connections.isOpen[slot] === 0) return;
    if ((flags & EV_FAILED) !== 0) {
      this.#drop(slot);
      return;
    }
    if ((flags & EV_DATA) !== 0) {
      const start = events[at + EVENT_START]!;
      this.#onOctets(slot, rx, start, start + events[at + EVENT_LENGTH]!);
    }
    if ((flags & EV_ENDED) !== 0) connections.ending[slot] = 1;
    if ((flags & (EV_ENDED | EV_WRITABLE)) !== 0) this.#due.add(slot);
  }

  #open(slot: number): void {
    const connections = this.#connections;
    if (connections.count >= this.#limits.connectionsMax) this.#drop(connections.oldest);
    connections.open(slot, WATCH_READ, this.#clock.nowMs);
    const { peers } = this.#batch;
    const at = slot * PEER_SIZE;
    const isSaid = peers[at + PEER_SAID] === 1;
    const relay = isSaid ? DIRECT : this.forwarder!.tables.forwarders.find(peers, at);
    connections.relay[slot] = relay;
    const surplus = this.#shares.open(slot, peers, at, relay !== DIRECT);
    if (surplus !== -1) this.#drop(surplus);
  }

  /**
   * There was no descriptor for a connection: the oldest makes room. When none of them is ours the
   * listener rests until the next sweep.
   */
  #onRefused(): void {
    if (this.#connections.oldest === -1) return;
    this.#drop(this.#connections.oldest);
    this.#streams.resume();
  }

  #drop(slot: number): void {
    if (this.#connections.isOpen[slot] === 0) return;
    this.#forget(slot);
    this.#streams.drop(slot);
  }

  #forget(slot: number): void {
    this.#connections.close(slot);
    this.#shares.close(slot);
    this.#received.clear(slot);
    this.#outbox.forget(slot);
  }

  /** Takes the frames that arrived whole, and keeps the rest. */
  #onOctets(slot: number, octets: Uint8Array, start: number, end: number): void {
    const received = this.#received;
    let at = start;
    if (this.#connections.relay[slot] === BY_PROXY) {
      this.#onHeader(slot, octets, start, end);
      return;
    }
    if (received.length[slot] !== 0) at = this.#complete(slot, octets, at, end);
    at = this.#take(slot, octets, at, end);
    if (this.#connections.isOpen[slot] === 0) return;
    received.append(slot, octets, at, end - at);
    if (received.length[slot]! > SMALL && !this.#shares.mayKeep(slot, 0, received))
      this.#drop(slot);
    else if (this.#isBusy(slot)) this.#due.add(slot);
  }

  /** A forwarder's connection begins with the PROXY header, which may come octet by octet. */
  #onHeader(slot: number, octets: Uint8Array, start: number, end: number): void {
    const received = this.#received;
    received.append(slot, octets, start, end - start);
    const at = received.start[slot]!;
    const until = at + received.length[slot]!;
    const { peers } = this.#batch;
    const size = readProxy(received.octets(slot), at, until, peers, slot * PEER_SIZE);
    if (size === PROXY_MORE) return;
    if (size === PROXY_BAD) {
      this.#memory.counters[FORWARDER_REFUSED]!++;
      this.#drop(slot);
      return;
    }
    this.#connections.relay[slot] = DIRECT;
    received.consume(slot, size);
    this.#takeReceived(slot);
    if (this.#isBusy(slot)) this.#due.add(slot);
  }

  /** Takes the frame that was kept, once it is whole. @returns where those behind it start */
  #complete(slot: number, octets: Uint8Array, start: number, end: number): number {
    if (this.#isBusy(slot)) return start;
    const at = this.#received.complete(slot, octets, start, end);
    this.#takeReceived(slot);
    return at;
  }

  #takeReceived(slot: number): void {
    const received = this.#received;
    const start = received.start[slot]!;
    const octets = received.octets(slot);
    const at = this.#take(slot, octets, start, start + received.length[slot]!);
    if (this.#connections.isOpen[slot] === 1) received.consume(slot, at - start);
  }

  /**
   * Decides whole frames. A client that does not read its answers is not asked for more: frames are
   * left while it is busy, since one chunk of them can ask for ten megabytes.
   *
   * @returns where the first frame begins that was not taken
   */
  #take(slot: number, octets: Uint8Array, start: number, end: number): number {
    const connections = this.#connections;
    let at = start;
    while (at + FRAME <= end && !this.#isBusy(slot) && connections.isOpen[slot] === 1) {
      const next = at + FRAME + readU16(octets, at);
      if (next > end) break;
      this.#onMessage(slot, octets, at + FRAME, next);
      at = next;
    }
    if (at !== start && connections.isOpen[slot] === 1) this.#touch(slot);
    return at;
  }

  #touch(slot: number): void {
    this.#connections.touch(slot, this.#clock.nowMs);
    this.#shares.touch(slot);
  }

  #onMessage(slot: number, octets: Uint8Array, start: number, end: number): void {
    const forwarder = this.forwarder!;
    const query = this.#query;
    const { encryption } = query;
    this.#memory.counters[encryption === PLAIN ? QUERIES_TCP : QUERIES_TLS]!++;
    query.octets = octets;
    query.start = start;
    query.end = end;
    query.peer = this.#batch.peers;
    query.peerAt = slot * PEER_SIZE;
    query.relay = this.#connections.relay[slot]!;
    this.#outbox.prepare(query);
    const verdict = forwarder.decide(query);
    if (verdict === RESPOND) {
      padResponse(query);
      this.#outbox.commit(slot, query.outLength);
      forwarder.refresh(query);
    } else if (verdict === FORWARD) {
      this.#connections.pending[slot]!++;
      forwarder.ask(query, streamChannel(encryption, this.#connections.ticket(slot)));
    } else if (verdict === DROP && end - start < HEADER_SIZE) {
      // Not a message at all: whoever is there does not speak DNS.
      this.#drop(slot);
    }
  }

  #isBusy(slot: number): boolean {
    return (
      this.#connections.pending[slot]! >= this.#limits.pendingMax || this.#outbox.unread(slot) > 0
    );
  }

  // --- those who had to wait

  /** What was kept goes first, in both directions; then it is read again, or let go. */
  #attend(slot: number): void {
    const connections = this.#connections;
    this.#outbox.resume(slot);
    const mayGoOn = connections.isOpen[slot] === 1 && !this.#isBusy(slot);
    if (mayGoOn && this.#received.length[slot] !== 0) this.#catchUp(slot);
    if (connections.isOpen[slot] === 0 || connections.ending[slot] === 2) return;
    const isDone = connections.pending[slot] === 0 && this.#outbox.unread(slot) === 0;
    // A half-closed client still gets the answers that it waits for (RFC 7766 6.2.4).
    if (connections.ending[slot] === 1 && isDone) this.#finish(slot);
    else this.#watch(slot);
  }

  #catchUp(slot: number): void {
    this.#begin();
    this.#takeReceived(slot);
    this.forwarder?.upstreams?.flush();
    this.#endRound();
    this.#outbox.send();
  }

  #finish(slot: number): void {
    if (this.#streams.finish(slot)) this.#forget(slot);
    else this.#connections.ending[slot] = 2;
  }

  #watch(slot: number): void {
    const connections = this.#connections;
    const wantsMore = connections.ending[slot] === 0 && !this.#isBusy(slot);
    const hasRest = this.#outbox.unread(slot) > 0;
    const watched = (wantsMore ? WATCH_READ : 0) | (hasRest ? WATCH_WRITE : 0);
    if (watched === connections.watched[slot]) return;
    connections.watched[slot] = watched;
    this.#streams.watch(slot, watched);
  }
}

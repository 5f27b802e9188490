/**
 * UDP listeners of one worker: batches in, decisions, batches out.
 *
 * All ports of a worker share one batch, because a batch is finished before the next begins. What
 * is answered later (after an upstream spoke) leaves by a second batch per port.
 */

import { Ahead } from '../ahead.ts';
import { BATCH_CAPACITY, Batch, PEER_SIZE, SLOT_SIZE, SLOT_STRIDE } from '../batch.ts';
import type { Clock } from '../clock.ts';
import type { SocketAddress } from '../config/types.ts';
import {
  DROPPED_MALFORMED,
  DROPPED_OVERLOAD,
  FILTERED_SOURCES,
  QUERIES_UDP,
  RESPONSES_SLIPPED,
  RESPONSES_WITHHELD,
} from '../counters.ts';
import { BY_PROXY, unwrap } from '../identity/forwarded.ts';
import type { Memory } from '../memory.ts';
import { microseconds } from '../metrics/latency.ts';
import { type Backend, openUdp, type UdpPort } from '../native/udp.ts';
import { PASS, SLIP } from '../overload/responses.ts';
import { FORWARD, Query, RESPOND } from '../query.ts';
import type { Tables } from '../tables.ts';
import { NOERROR } from '../wire/constants.ts';
import { copyOctets } from '../wire/octets.ts';
import { respondTruncated } from '../wire/response.ts';
import type { Forwarder } from './forwarder.ts';
import { CHANNEL_MASK, Relayed, TICKET_SHIFT } from './relayed.ts';

export class UdpServer {
  readonly ports: UdpPort[] = [];
  readonly #batch = new Batch();
  readonly #query = new Query();
  readonly #ahead = new Ahead();
  readonly #later: Batch[] = [];
  readonly #laterCount: number[] = [];
  /** Where the answers go whose queries a forwarder passed on. */
  readonly #relayed = new Relayed();
  readonly #memory: Memory;
  readonly #clock: Clock;
  #isReceiving = true;
  /** Set once the forwarder exists; it needs this server as its outlet. */
  forwarder: Forwarder | null = null;

  constructor(memory: Memory, clock: Clock) {
    this.#memory = memory;
    this.#clock = clock;
  }

  async listen(address: SocketAddress, backend: Backend): Promise<void> {
    const channel = this.ports.length;
    this.#later.push(new Batch());
    this.#laterCount.push(0);
    const port = await openUdp(
      {
        ...address,
        reusePort: true,
        batch: this.#batch,
        onBatch: (count) => this.#onBatch(count, channel),
        // A listening socket hears of ICMP errors for answers sent earlier: nothing to be done.
        onError: () => {},
      },
      backend,
    );
    this.ports.push(port);
  }

  /**
   * The fast lane's loop: decides every datagram, compacts the answers, says how many there are.
   */
  #onBatch(count: number, channel: number): number {
    const { forwarder } = this;
    if (forwarder === null || !this.#isReceiving) return 0;
    const batch = this.#batch;
    const query = this.#query;
    const { counters, meter, shield } = this.#memory;
    this.#clock.update();
    query.octets = batch.rx;
    query.out = batch.tx;
    query.outRoom = SLOT_SIZE;
    query.overTcp = 0;
    query.nowSeconds = this.#clock.nowSeconds;
    query.nowMs = this.#clock.nowMs;
    query.wallMs = this.#clock.wallMs;
    counters[QUERIES_UDP]! += count;
    let answers = 0;
    this.#ahead.look(batch, count, forwarder.tables, this.#memory);
    for (let i = 0; i < count; i++) {
      const length = batch.rxLength[i]!;
      if (length < 0) {
        counters[DROPPED_MALFORMED]!++;
        continue;
      }
      query.start = i * SLOT_STRIDE;
      query.end = query.start + length;
      query.outStart = answers * SLOT_STRIDE;
      query.peer = batch.peer;
      query.peerAt = i * PEER_SIZE;
      query.relay = forwarder.tables.forwarders.find(batch.peer, query.peerAt);
      this.#ahead.hand(query, i);
      if (query.relay === BY_PROXY) {
        query.nameEnd = 0;
        unwrap(query);
      }
      const verdict = forwarder.decide(query);
      if (verdict === RESPOND) {
        if (!this.#mayLeave(query, forwarder.tables)) continue;
        batch.txLength[answers] = query.outLength;
        batch.txPeer[answers++] = i;
        forwarder.refresh(query);
      } else if (verdict === FORWARD) {
        this.#ask(query, channel, i * PEER_SIZE);
      }
    }
    if (shield.isUrgent && shield.lookAtNew(query.nowMs)) this.#filter();
    meter.endBatch(microseconds(performance.now() - query.nowMs));
    forwarder.upstreams?.flush();
    forwarder.onSettled();
    return answers;
  }

  /** @param from of the record in the batch that the answer goes to */
  #ask(query: Query, channel: number, from: number): void {
    const { peer } = this.#batch;
    const ticket = query.peer === peer ? 0 : this.#relayed.keep(peer, from);
    if (ticket === -1) this.#memory.counters[DROPPED_OVERLOAD]!++;
    else this.forwarder!.ask(query, channel | (ticket << TICKET_SHIFT));
  }

  prepare(query: Query, ticketed: number): boolean {
    const channel = ticketed & CHANNEL_MASK;
    if (this.#laterCount[channel] === BATCH_CAPACITY) this.#flushPort(channel);
    query.out = this.#later[channel]!.tx;
    query.outStart = this.#laterCount[channel]! * SLOT_STRIDE;
    query.outRoom = SLOT_SIZE;
    return true;
  }

  commit(query: Query, ticketed: number): void {
    const channel = ticketed & CHANNEL_MASK;
    const ticket = ticketed >>> TICKET_SHIFT;
    if (this.forwarder !== null && !this.#mayLeave(query, this.forwarder.tables)) {
      this.#relayed.release(ticket);
      return;
    }
    const later = this.#later[channel]!;
    const at = this.#laterCount[channel]!++;
    later.txLength[at] = query.outLength;
    later.txPeer[at] = at;
    if (ticket !== 0) this.#relayed.take(ticket, later.peer, at * PEER_SIZE);
    else copyOctets(query.peer, query.peerAt, later.peer, at * PEER_SIZE, PEER_SIZE);
  }

  flush(): void {
    for (let channel = 0; channel < this.ports.length; channel++) {
      if (this.#laterCount[channel] !== 0) this.#flushPort(channel);
    }
  }

  #flushPort(channel: number): void {
    this.ports[channel]!.send(this.#later[channel]!, this.#laterCount[channel]!);
    this.#laterCount[channel] = 0;
  }

  /** Whether the response may leave; it may have become another one. */
  #mayLeave(query: Query, { responseLimit }: Tables): boolean {
    const { responses, counters } = this.#memory;
    const judged = responses.judge(query, responseLimit);
    if (judged === PASS) return true;
    counters[judged === SLIP ? RESPONSES_SLIPPED : RESPONSES_WITHHELD]!++;
    if (judged === SLIP) respondTruncated(query, 0, NOERROR);
    return judged === SLIP;
  }

  /** Sets what the kernel drops of what floods beyond its limit. Called every turn of the clock. */
  lookAtFloods(): void {
    if (this.#memory.shield.look(this.#clock.nowMs)) this.#filter();
  }

  #filter(): void {
    const { shield, counters } = this.#memory;
    let isTaken = false;
    for (const port of this.ports) isTaken = port.filter(shield.rows, shield.count) || isTaken;
    counters[FILTERED_SOURCES] = isTaken ? shield.count : 0;
  }

  /**
   * Takes no new queries; answers that come later still leave. What is queued is answered where
   * the port can be closed to others alone; elsewhere it is not.
   */
  stopReceiving(): void {
    this.#isReceiving = this.ports.every((port) => port.deafen());
  }

  get kernelDrops(): number {
    return this.ports.reduce((sum, port) => sum + port.kernelDrops, 0);
  }

  get sendDrops(): number {
    return this.ports.reduce((sum, port) => sum + port.sendDrops, 0);
  }

  close(): void {
    for (const port of this.ports) port.close();
  }
}

/**
 * UDP listeners of one worker: batches in, decisions, batches out.
 *
 * All ports of a worker share one batch, because a batch is finished before the next begins. What
 * is answered later (after an upstream spoke) leaves by a second batch per port.
 */

import { BATCH_CAPACITY, Batch, PEER_SIZE, SLOT_SIZE, SLOT_STRIDE } from '../batch.ts';
import type { Clock } from '../clock.ts';
import type { SocketAddress } from '../config/types.ts';
import {
  DROPPED_MALFORMED,
  FILTERED_SOURCES,
  QUERIES_UDP,
  RESPONSES_SLIPPED,
  RESPONSES_WITHHELD,
} from '../counters.ts';
import type { Memory } from '../memory.ts';
import { microseconds } from '../metrics/latency.ts';
import { type Backend, openUdp, type UdpPort } from '../native/udp.ts';
import { PASS, SLIP } from '../overload/responses.ts';
import { decideSafely } from '../pipeline.ts';
import { FORWARD, Query, RESPOND } from '../query.ts';
import type { Tables } from '../tables.ts';
import { NOERROR } from '../wire/constants.ts';
import { respondTruncated } from '../wire/response.ts';
import type { Forwarder } from './forwarder.ts';

export class UdpServer {
  readonly ports: UdpPort[] = [];
  readonly #batch = new Batch();
  readonly #query = new Query();
  readonly #later: Batch[] = [];
  readonly #laterCount: number[] = [];
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
    query.peer = batch.peer;
    query.outRoom = SLOT_SIZE;
    query.overTcp = 0;
    query.nowSeconds = this.#clock.nowSeconds;
    query.nowMs = this.#clock.nowMs;
    query.wallMs = this.#clock.wallMs;
    counters[QUERIES_UDP]! += count;
    let answers = 0;
    for (let i = 0; i < count; i++) {
      const length = batch.rxLength[i]!;
      if (length < 0) {
        counters[DROPPED_MALFORMED]!++;
        continue;
      }
      query.start = i * SLOT_STRIDE;
      query.end = query.start + length;
      query.outStart = answers * SLOT_STRIDE;
      query.peerAt = i * PEER_SIZE;
      const verdict = decideSafely(query, forwarder.tables, this.#memory, forwarder.onFault);
      meter.answered(query, verdict, forwarder.tables);
      if (verdict === RESPOND) {
        if (!this.#mayLeave(query, forwarder.tables)) continue;
        batch.txLength[answers] = query.outLength;
        batch.txPeer[answers++] = i;
      } else if (verdict === FORWARD) {
        forwarder.ask(query, channel);
      }
    }
    if (shield.isUrgent(query.nowMs)) this.lookAtFloods();
    meter.endBatch(microseconds(performance.now() - query.nowMs));
    forwarder.upstreams?.flush();
    forwarder.onSettled();
    return answers;
  }

  prepare(query: Query, channel: number): boolean {
    if (this.#laterCount[channel] === BATCH_CAPACITY) this.#flushPort(channel);
    query.out = this.#later[channel]!.tx;
    query.outStart = this.#laterCount[channel]! * SLOT_STRIDE;
    query.outRoom = SLOT_SIZE;
    return true;
  }

  commit(query: Query, channel: number): void {
    if (this.forwarder !== null && !this.#mayLeave(query, this.forwarder.tables)) return;
    const later = this.#later[channel]!;
    const at = this.#laterCount[channel]!++;
    later.txLength[at] = query.outLength;
    later.txPeer[at] = at;
    for (let i = 0; i < PEER_SIZE; i++) {
      later.peer[at * PEER_SIZE + i] = query.peer[query.peerAt + i]!;
    }
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

  /** Has the kernel drop most of what floods beyond its limit. Also called ten times a second. */
  lookAtFloods(): void {
    const { shield, counters } = this.#memory;
    if (!shield.look(this.#clock.nowMs)) return;
    let isTaken = false;
    for (const port of this.ports) isTaken = port.filter(shield.rows, shield.count) || isTaken;
    counters[FILTERED_SOURCES] = isTaken ? shield.count : 0;
  }

  /** Takes no more queries; answers that come later still leave. */
  stopReceiving(): void {
    this.#isReceiving = false;
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

/**
 * A data-plane worker: its own sockets, its own memory, the shared tables. Entry of the thread.
 *
 * The order of a turn: I/O events decide batches; the timer drives upstream deadlines, hands the
 * ledger over and keeps the gauges; a message swaps the tables between two batches.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Clock } from '../clock.ts';
import type { Listener } from '../config/listeners.ts';
import {
  INFLIGHT,
  KERNEL_DROPS,
  LEDGER_PENDING,
  LEDGER_SHED,
  PROGRESS,
  SEND_DROPS,
  STORE_ENTRIES,
  STORE_EVICTIONS,
  STORE_OCTETS,
  TCP_CONNECTIONS,
  TCP_SOURCES,
} from '../counters.ts';
import { messageOf } from '../errors.ts';
import { RingWriter } from '../events/ring.ts';
import { Memory } from '../memory.ts';
import { useHugePages } from '../native/huge-pages.ts';
import { openTcp } from '../native/tcp.ts';
import type { Query } from '../query.ts';
import { Tables } from '../tables.ts';
import { Upstreams } from '../upstream/upstreams.ts';
import { setHashKey } from '../wire/hash.ts';
import { TLS_CHANNEL } from './channels.ts';
import { EncryptedServer } from './encrypted.ts';
import { Forwarder, type Outlet } from './forwarder.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.ts';
import { TCP_LIMITS } from './tcp-limits.ts';
import { TcpServer } from './tcp-server.ts';
import { UdpServer } from './udp-server.ts';

const TICK_MS = 20;
/**
 * What may be new, and denials, go to the recorder every 100 ms: with the 250 ms of its commits,
 * kill -9 costs less than a second of them, also where processors are short. Counts of what is
 * known gather for 2 s: as records every 400 ms they took a fifth of the processor time of a warm
 * cache.
 */
const TICKS_PER_HANDOVER = 5;
const TICKS_PER_GAUGE = 50;
const FAULT_QUIET_MS = 60_000;

/** Later responses go back the way their query came. */
class Outlets implements Outlet {
  readonly udp: UdpServer;
  readonly tcp: TcpServer;
  encrypted: EncryptedServer | null = null;

  constructor(udp: UdpServer, tcp: TcpServer) {
    this.udp = udp;
    this.tcp = tcp;
  }

  prepare(query: Query, channel: number): boolean {
    if (channel < 0) return this.tcp.prepare(query, -1 - channel);
    if (channel < TLS_CHANNEL) return this.udp.prepare(query, channel);
    return this.encrypted?.prepare(query, channel) ?? false;
  }

  commit(query: Query, channel: number): void {
    if (channel < 0) this.tcp.commit(query, -1 - channel);
    else if (channel < TLS_CHANNEL) this.udp.commit(query, channel);
    else this.encrypted?.commit(query, channel);
  }

  flush(): void {
    this.udp.flush();
    this.tcp.flush();
    this.encrypted?.flush();
  }
}

class DataPlane {
  readonly #settings: WorkerSettings;
  readonly #clock = new Clock();
  readonly #memory: Memory;
  readonly #udp: UdpServer;
  readonly #tcp: TcpServer;
  readonly #forwarder: Forwarder;
  readonly #outlets: Outlets;
  readonly #tell: (message: FromWorker) => void;
  #ticks = 0;
  #quietUntilMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(settings: WorkerSettings, tell: (message: FromWorker) => void) {
    setHashKey(settings.hashKey.k0, settings.hashKey.k1);
    this.#settings = settings;
    this.#tell = tell;
    const ring = new RingWriter(settings.ring);
    this.#memory = new Memory({ ...settings, ring, owner: settings.index + 1 });
    if (settings.backend === 'native') useHugePages(this.#memory.slabs);
    this.#udp = new UdpServer(this.#memory, this.#clock);
    this.#tcp = new TcpServer(this.#memory, this.#clock, TCP_LIMITS, (options) =>
      openTcp(options, settings.backend),
    );
    this.#outlets = new Outlets(this.#udp, this.#tcp);
    this.#forwarder = new Forwarder(new Tables(settings.tables), this.#memory, {
      clock: this.#clock,
      outlet: this.#outlets,
      onFault: (error, isOpen) => this.#onFault(error, isOpen),
    });
  }

  async start(): Promise<void> {
    this.#forwarder.upstreams = await Upstreams.open(
      this.#settings.plan,
      this.#memory.inflight,
      this.#forwarder,
      { backend: this.#settings.backend, clock: () => this.#now() },
    );
    this.#udp.forwarder = this.#forwarder;
    this.#tcp.forwarder = this.#forwarder;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Read once for all answers of a batch, by whoever brings them. */
  #now(): number {
    this.#clock.update();
    return this.#clock.nowMs;
  }

  async listen({ addresses, certificates }: ToWorker & { kind: 'listen' }): Promise<void> {
    const opened: Listener[] = [];
    for (const [i, address] of addresses.entries()) {
      const pair = certificates[i] ?? null;
      if (pair !== null) {
        this.#outlets.encrypted ??= new EncryptedServer(this.#memory, this.#clock, this.#forwarder);
        opened.push({ ...address, port: await this.#outlets.encrypted.listen(address, pair) });
        continue;
      }
      await this.#udp.listen(address, this.#settings.backend);
      const port = this.#udp.ports.at(-1)?.port ?? address.port;
      await this.#tcp.listen({ ...address, port });
      opened.push({ ...address, port });
    }
    this.#tell({ kind: 'listening', addresses: opened });
  }

  certify({ certificates }: ToWorker & { kind: 'certify' }): void {
    this.#outlets.encrypted?.certify(certificates.filter((pair) => pair !== null));
    this.#tell({ kind: 'certified' });
  }

  async swap(message: ToWorker & { kind: 'tables' }): Promise<void> {
    const tables = new Tables(message.tables);
    const { plan } = message;
    const putInForce = plan === null ? null : await this.#forwarder.upstreams?.prepare(plan);
    // One turn of the loop: the batch before had the old tables and groups, the next has the new.
    this.#forwarder.tables = tables;
    putInForce?.();
    if (message.forgetAnswers) this.#memory.store.clear();
    this.#tell({ kind: 'swapped', revision: tables.revision });
  }

  stats(id: number): void {
    this.#tell({ kind: 'stats', id, upstreams: this.#forwarder.upstreams?.stats() ?? [] });
  }

  /** New queries are not taken; those under way get `graceMs` to be answered. */
  async stop(graceMs: number): Promise<void> {
    this.#udp.stopReceiving();
    this.#tcp.stopListening();
    this.#outlets.encrypted?.stopListening();
    const deadline = performance.now() + graceMs;
    // A turn of the loop at least: what was queued is read.
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    while (this.#memory.inflight.count > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#tcp.close();
    this.#outlets.encrypted?.close();
    this.#udp.close();
    this.#forwarder.upstreams?.close();
    await this.#handOverAll(deadline);
  }

  async #handOverAll(deadline: number): Promise<void> {
    const { ledger } = this.#memory;
    for (ledger.flush(); ledger.pending > 0 && performance.now() < deadline; ledger.flush()) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  /** Said once a minute: a defect met by every query must not fill the log. */
  #onFault(error: unknown, isOpen: boolean): void {
    if (this.#clock.nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = this.#clock.nowMs + FAULT_QUIET_MS;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#tell({ kind: 'fault', message: text, isOpen });
  }

  #tick(): void {
    this.#clock.update();
    this.#forwarder.upstreams?.tick(this.#clock.nowMs);
    this.#outlets.encrypted?.tick();
    this.#udp.lookAtFloods();
    this.#forwarder.answerLate();
    this.#forwarder.onSettled();
    this.#ticks++;
    this.#memory.counters[PROGRESS]!++;
    if (this.#ticks % TICKS_PER_HANDOVER === 0) {
      this.#memory.ledger.flushDue(this.#clock.wallMs);
    }
    this.#tcp.sweep();
    this.#outlets.encrypted?.sweep();
    if (this.#ticks % TICKS_PER_GAUGE === 0) this.#gauge();
  }

  #gauge(): void {
    const { counters, store, ledger, inflight } = this.#memory;
    counters[STORE_ENTRIES] = store.count;
    counters[STORE_OCTETS] = store.usedOctets;
    counters[STORE_EVICTIONS] = store.evictions;
    counters[LEDGER_PENDING] = ledger.pending;
    counters[LEDGER_SHED] = ledger.shedCount;
    counters[INFLIGHT] = inflight.count;
    counters[TCP_CONNECTIONS] = this.#tcp.connectionCount;
    counters[TCP_SOURCES] = this.#tcp.sourceCount;
    counters[KERNEL_DROPS] = this.#udp.kernelDrops;
    counters[SEND_DROPS] = this.#udp.sendDrops;
  }
}

const port = parentPort;
if (port === null) throw new Error('worker.ts is the entry of a worker thread');
const tell = (message: FromWorker): void => port.postMessage(message);
const plane = new DataPlane(workerData as WorkerSettings, tell);
/** One message after the other: main counts on it that answers come in the order of questions. */
let turn = plane.start();

port.on('message', (message: ToWorker) => {
  turn = turn.then(async () => {
    try {
      if (message.kind === 'listen') await plane.listen(message);
      else if (message.kind === 'tables') await plane.swap(message);
      else if (message.kind === 'certify') plane.certify(message);
      else if (message.kind === 'stats') plane.stats(message.id);
      else {
        await plane.stop(message.graceMs);
        port.close();
      }
    } catch (error) {
      tell({ kind: 'refused', message: messageOf(error) });
    }
  });
});

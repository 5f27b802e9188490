/**
 * Workers: main's handle on the data-plane threads. Starts them, gives them tables, listeners and
 * an end, and starts one anew that died.
 */

import { Worker } from 'node:worker_threads';
import type { Listener } from '../config/listeners.ts';
import { createCounters } from '../counters.ts';
import { freeAccountLocks } from '../detect/accounts.ts';
import { createDetectMemory } from '../detect/create.ts';
import type { DetectMemory } from '../detect/memory.ts';
import { freeLocks } from '../detect/rows.ts';
import { DnsvalveError, messageOf } from '../errors.ts';
import { type ByteRingMemory, createByteRing } from '../events/byte-ring.ts';
import { createRing, type RingMemory } from '../events/ring.ts';
import { Meters } from '../metrics/meters.ts';
import type { Backend } from '../native/udp.ts';
import type { HashKey } from '../reputation/loader.ts';
import type { ServerStats, UpstreamPlan } from '../upstream/upstreams.ts';
import { type Pair, readCertificates } from './certificates.ts';
import { CookieSecrets } from './cookie-secrets.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.ts';
import type { Snapshot } from './snapshot.ts';

/** Records in flight from a worker to the recorder; 13.6 MB each. */
const RING_RECORDS = 32_768;
/**
 * Octets of a worker's records for the query log and dnstap: 10,000 small responses. Memory that
 * nobody writes to costs none.
 */
const TAP_OCTETS = 1 << 22;
/** A worker that dies at once again and again is not started more often than this. */
const RESTART_MS = 1000;

/** Rings of a worker that was started anew, and of the one before it. */
export interface WorkerRings {
  readonly ring: RingMemory;
  readonly oldTap: ByteRingMemory;
  readonly tap: ByteRingMemory;
}

export interface WorkersOptions {
  readonly backend: Backend;
  readonly hashKey: HashKey;
  /** A worker died; it is started anew with a new ring in its slot. */
  onDeath(index: number, reason: string, rings: WorkerRings): void;

  /** A decision failed by a defect; said at most once a minute and worker. */
  onFault(stack: string, isOpen: boolean): void;
}

interface Slot {
  worker: Worker;
  counters: Float64Array;
  ring: RingMemory;
  tap: ByteRingMemory;
  waiting: ((message: FromWorker) => void)[];
  isGone: boolean;
  /** Why it ended, once it has. */
  reason: string;
  /** The upstreams that it has for sure. */
  plan: UpstreamPlan;
}

export class Workers {
  readonly #options: WorkersOptions;
  readonly #slots: Slot[] = [];
  /** Counts of workers that died, so that totals never go back. */
  readonly #buried = new Float64Array(createCounters().length);
  readonly #detect: DetectMemory;
  readonly #cookieSecrets = new CookieSecrets();
  readonly meters = new Meters();
  #snapshot: Snapshot;
  #addresses: readonly Listener[] = [];
  #certificates: readonly (Pair | null)[] = [];
  #isStopping = false;

  constructor(snapshot: Snapshot, options: WorkersOptions) {
    this.#snapshot = snapshot;
    this.#options = options;
    this.#detect = createDetectMemory(snapshot.config.detect.memoryBytes);
    this.meters.assign(snapshot.memory.workloads);
    for (let index = 0; index < snapshot.config.workers; index++) {
      this.#slots.push(this.#spawn(index));
    }
  }

  get rings(): readonly RingMemory[] {
    return this.#slots.map(({ ring }) => ring);
  }

  /** What the query log and dnstap read. */
  get taps(): readonly ByteRingMemory[] {
    return this.#slots.map(({ tap }) => tap);
  }

  /** The detectors' rows, which all workers share. */
  get detect(): DetectMemory {
    return this.#detect;
  }

  /** Cells of counters.ts, summed over the workers. */
  totals(): Float64Array {
    const totals = Float64Array.from(this.#buried);
    for (const { counters } of this.#slots) {
      for (const [cell, count] of counters.entries()) totals[cell] = (totals[cell] ?? 0) + count;
    }
    return totals;
  }

  /** One cell of every worker. */
  each(cell: number): readonly number[] {
    return this.#slots.map(({ counters }) => counters[cell] ?? 0);
  }

  /**
   * @returns the addresses with the ports that the kernel gave
   * @throws DnsvalveError for an address or a certificate that cannot be used
   */
  async listen(addresses: readonly Listener[]): Promise<readonly Listener[]> {
    this.#addresses = addresses;
    this.#certificates = readCertificates(addresses);
    for (const slot of this.#slots) {
      const answer = await this.#ask(slot, this.#toListen());
      if (answer.kind === 'listening') this.#addresses = answer.addresses;
    }
    return this.#addresses;
  }

  /** Puts other certificates in force for the listeners that are open. */
  async certify(certificates: readonly (Pair | null)[]): Promise<void> {
    this.#certificates = certificates;
    if (certificates.every((pair) => pair === null)) return;
    await Promise.allSettled(
      this.#slots.map((slot) => this.#ask(slot, { kind: 'certify', certificates })),
    );
  }

  #toListen(): ToWorker {
    return { kind: 'listen', addresses: this.#addresses, certificates: this.#certificates };
  }

  /**
   * Publishes a snapshot; resolves when every worker decides by it. Of two calls the later one is
   * in force in the end. A worker that is gone decides nothing, and the next one is born with it.
   */
  async publish(snapshot: Snapshot, forgetAnswers: boolean): Promise<void> {
    this.#snapshot = snapshot;
    this.meters.assign(snapshot.memory.workloads);
    const { memory: tables } = snapshot;
    await Promise.all(
      this.#slots.map(async (slot) => {
        const plan = slot.plan === snapshot.plan ? null : snapshot.plan;
        try {
          await this.#ask(slot, { kind: 'tables', tables, plan, forgetAnswers });
          slot.plan = snapshot.plan;
        } catch (error) {
          if (!slot.isGone) throw error;
        }
      }),
    );
  }

  async upstreams(): Promise<readonly (readonly ServerStats[])[]> {
    const answers = await Promise.all(
      this.#slots.map((slot) => this.#ask(slot, { kind: 'stats', id: 0 })),
    );
    return answers.map((answer) => (answer.kind === 'stats' ? answer.upstreams : []));
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#cookieSecrets.close();
    await Promise.all(
      this.#slots.map(async ({ worker, isGone }) => {
        if (isGone) return;
        const gone = new Promise((resolve) => worker.once('exit', resolve));
        worker.postMessage({ kind: 'stop', graceMs } satisfies ToWorker);
        const late = setTimeout(() => void worker.terminate(), graceMs * 2);
        await gone;
        clearTimeout(late);
      }),
    );
  }

  #spawn(index: number): Slot {
    const { config, memory, plan } = this.#snapshot;
    const ring = createRing(RING_RECORDS);
    const tap = createByteRing(TAP_OCTETS);
    const counters = createCounters();
    const settings: WorkerSettings = {
      index,
      backend: this.#options.backend,
      hashKey: this.#options.hashKey,
      tables: memory,
      plan,
      ring,
      counters,
      meter: this.meters.open(index),
      storeOctets: config.cache.sizeBytes,
      namesPerPair: config.history.namesPerDomain,
      detect: this.#detect,
      tapRing: tap,
      cookieSecrets: this.#cookieSecrets.words,
    };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: settings,
      name: `dnsvalve-worker-${index}`,
    });
    const state = { waiting: [], isGone: false, reason: 'ended', plan };
    const slot: Slot = { worker, counters, ring, tap, ...state };
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'fault') this.#options.onFault(message.message, message.isOpen);
      else slot.waiting.shift()?.(message);
    });
    worker.on('error', (error) => {
      slot.reason = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    });
    worker.once('exit', () => this.#onExit(index, slot));
    return slot;
  }

  #onExit(index: number, slot: Slot): void {
    slot.isGone = true;
    const { reason } = slot;
    for (const resolve of slot.waiting.splice(0)) resolve({ kind: 'refused', message: reason });
    if (this.#isStopping) return;
    for (const [cell, count] of slot.counters.entries()) {
      this.#buried[cell] = (this.#buried[cell] ?? 0) + count;
    }
    slot.counters.fill(0);
    freeLocks(this.#detect.channels, index + 1);
    freeAccountLocks(this.#detect.accounts, index + 1);
    freeLocks(this.#detect.generated, index + 1);
    setTimeout(() => {
      if (this.#isStopping) return;
      const next = this.#spawn(index);
      this.#slots[index] = next;
      const { ring, tap } = next;
      this.#options.onDeath(index, reason, { ring, oldTap: slot.tap, tap });
      if (this.#addresses.length > 0) this.#listenAgain(next);
    }, RESTART_MS).unref();
  }

  /** One that cannot listen hears nobody: it is started anew, until it can. */
  #listenAgain(slot: Slot): void {
    this.#ask(slot, this.#toListen()).catch((error: unknown) => {
      slot.reason = messageOf(error);
      if (!slot.isGone) void slot.worker.terminate();
    });
  }

  /** Answers come in the order of the questions. @throws DnsvalveError SYSTEM when refused */
  async #ask(slot: Slot, message: ToWorker): Promise<FromWorker> {
    const answer = await new Promise<FromWorker>((resolve) => {
      if (slot.isGone) return resolve({ kind: 'refused', message: 'the worker is gone' });
      slot.waiting.push(resolve);
      slot.worker.postMessage(message);
    });
    if (answer.kind === 'refused') throw new DnsvalveError('SYSTEM', answer.message);
    return answer;
  }
}

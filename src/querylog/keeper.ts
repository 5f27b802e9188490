/**
 * Main's handle on the thread of the query log and dnstap. The thread is started when one of them
 * is first switched on, and anew when it dies; until then there is none.
 */

import { Worker } from 'node:worker_threads';
import type { Config, SocketAddress } from '../config/types.ts';
import { type ByteRingMemory, shedOf } from '../events/byte-ring.ts';
import type { RevisionNames } from '../history/messages.ts';
import type { FromLogger, LoggerSettings, LoggerStats, Outputs, ToLogger } from './messages.ts';

const RESTART_MS = 1000;

export interface KeeperOptions {
  /** Of all workers, as they are now. */
  readonly rings: () => readonly ByteRingMemory[];
  /** Of the revisions that records may still be about, the oldest first. */
  readonly revisions: () => Iterable<RevisionNames>;
  readonly onDeath: (reason: string) => void;
}

/** The part of the status document. */
export interface QueryLogStatus extends LoggerStats {
  /** Records that the workers had no room for. */
  readonly shed: number;
}

type OutputConfig = Pick<Config, 'queryLog' | 'dnstap'>;

export class QueryLogKeeper {
  readonly #options: KeeperOptions;
  #worker: Worker | null = null;
  #gone: Promise<void> = Promise.resolve();
  #outputs: Outputs = { queryLog: null, dnstap: null, listen: [] };
  #stats: LoggerStats = { queryLog: null, dnstap: null };
  /** What workers shed whose rings are gone. */
  #buriedShed = 0;
  #isStopping = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** @param listen where clients ask */
  configure({ queryLog, dnstap }: OutputConfig, listen: readonly SocketAddress[]): void {
    this.#outputs = { queryLog, dnstap, listen };
    if (this.#worker !== null) this.#tell({ kind: 'outputs', ...this.#outputs });
    else if (queryLog !== null || dnstap !== null) this.#start();
  }

  /** Must come before a worker uses the snapshot. */
  revision(names: RevisionNames): void {
    this.#tell({ kind: 'revision', ...names });
  }

  /** A worker was started anew: the old ring is read to its end, then the new one. */
  addRing(slot: number, old: ByteRingMemory, ring: ByteRingMemory): void {
    this.#buriedShed += shedOf(old);
    this.#tell({ kind: 'addRing', slot, ring });
  }

  reopen(): void {
    this.#tell({ kind: 'reopen' });
  }

  /** Null while nothing is told to anybody. */
  status(): QueryLogStatus | null {
    const { queryLog, dnstap } = this.#outputs;
    if (queryLog === null && dnstap === null) return null;
    const shed = this.#options.rings().reduce((sum, ring) => sum + shedOf(ring), 0);
    return { shed: this.#buriedShed + shed, ...this.#stats };
  }

  /** After the workers have stopped: what they wrote is written out. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#tell({ kind: 'stop', graceMs });
    const late = setTimeout(() => void this.#worker?.terminate(), graceMs * 2);
    await this.#gone;
    clearTimeout(late);
  }

  #tell(message: ToLogger): void {
    this.#worker?.postMessage(message);
  }

  #start(): void {
    if (this.#isStopping) return;
    const workerData: LoggerSettings = { rings: this.#options.rings() };
    const worker = new Worker(new URL('./logger-worker.ts', import.meta.url), {
      workerData,
      name: 'dnsvalve-querylog',
    });
    let reason = 'ended';
    this.#worker = worker;
    worker.on('message', ({ kind: _, ...stats }: FromLogger) => {
      this.#stats = stats;
    });
    worker.on('error', (error) => {
      reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    this.#gone = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve();
        this.#onExit(reason);
      });
    });
    for (const names of this.#options.revisions()) this.revision(names);
    this.#tell({ kind: 'outputs', ...this.#outputs });
  }

  #onExit(reason: string): void {
    this.#worker = null;
    if (this.#isStopping) return;
    this.#options.onDeath(reason);
    setTimeout(() => this.#start(), RESTART_MS).unref();
  }
}

/**
 * Keeps the table of domains that this network has known for long: built in a thread of its own
 * soon after the start and once an hour, so that no start and no query waits for it.
 */

import { Worker } from 'node:worker_threads';
import type { HashKey } from '../reputation/loader.ts';
import type { KnownDomains } from '../reputation/standing-memory.ts';

/** After the start; until then nothing counts as new. */
const FIRST_MS = 10_000;
const REFRESH_MS = 3_600_000;

export interface LongKnownJob {
  readonly path: string;
  readonly days: number;
  readonly nowMs: number;
  readonly key: HashKey;
}

export interface LongKnownHost {
  /** What to look for now; null when nobody asks. */
  job(): LongKnownJob | null;
  /** A table that differs from the last; null where there is none. */
  onTable(known: KnownDomains | null): void;
  /** The history could not be read; the last table stays. */
  onTrouble(reason: string): void;
}

export class LongKnown {
  /** The last table. */
  table: KnownDomains | null = null;
  readonly #host: LongKnownHost;
  #timer: NodeJS.Timeout;
  #worker: Worker | null = null;

  constructor(host: LongKnownHost) {
    this.#host = host;
    this.#timer = setTimeout(() => this.#refresh(), FIRST_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    void this.#worker?.terminate();
  }

  #refresh(): void {
    this.#timer = setTimeout(() => this.#refresh(), REFRESH_MS).unref();
    const job = this.#host.job();
    if (job === null) this.#take(null);
    if (job === null || this.#worker !== null) return;
    const worker = new Worker(new URL('../history/long-known-worker.ts', import.meta.url), {
      workerData: job,
      name: 'dnsvalve-long-known',
    });
    this.#worker = worker;
    worker.unref();
    worker.once('message', (table: KnownDomains | null) => this.#take(table));
    worker.once('error', (error) => this.#host.onTrouble(String(error)));
    worker.once('exit', () => {
      this.#worker = null;
    });
  }

  /** Domains only ever join: a table of the same size is the same. */
  #take(table: KnownDomains | null): void {
    const { table: before } = this;
    const isSame = before?.days === table?.days && before?.domains.count === table?.domains.count;
    if (isSame) return;
    this.table = table;
    this.#host.onTable(table);
  }
}

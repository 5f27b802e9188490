/**
 * Looks in the history for what feeds gained, in a thread of its own, a moment after each change.
 * One hunt at a time: what changes meanwhile is taken together in the next.
 */

import { Worker } from 'node:worker_threads';
import type { Feed } from '../config/types.ts';
import type { RetroFound } from '../hunt/retro.ts';
import type { HashKey } from '../reputation/loader.ts';
import type { ReputationMemory } from '../reputation/memory.ts';

/** By then the history holds what was asked for before the lists changed: it stores each 500 ms. */
const WAIT_MS = 2000;
/** Of the thread: its bounds keep it far below. One that needs more ends, and nothing else does. */
const HEAP_MB = 512;

/** Where to look, by the configuration in force. */
export interface RetroPlace {
  readonly path: string;
  readonly stateDirectory: string;
  readonly key: HashKey;
  /** Those of the lists in force, in their order. */
  readonly feeds: readonly Feed[];
}

export interface RetroJob extends RetroPlace {
  readonly before: ReputationMemory;
  readonly after: ReputationMemory;
}

export interface RetroHost {
  /** Null while there is no history. */
  place(): RetroPlace | null;
  /** The lists in force. */
  lists(): ReputationMemory;
  onFound(found: RetroFound): void;
  /** The hunt did not come to its end. */
  onTrouble(reason: string): void;
}

export class Retro {
  readonly #host: RetroHost;
  /** The lists before the first change that was not hunted yet. */
  #before: ReputationMemory | null = null;
  #timer: NodeJS.Timeout | undefined;
  #worker: Worker | null = null;
  #isStopped = false;

  constructor(host: RetroHost) {
    this.#host = host;
  }

  /** The lists in force are others than `before`. */
  changed(before: ReputationMemory): void {
    if (this.#isStopped) return;
    this.#before ??= before;
    if (this.#timer !== undefined || this.#worker !== null) return;
    this.#timer = setTimeout(() => this.#start(), WAIT_MS).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    void this.#worker?.terminate();
  }

  #start(): void {
    this.#timer = undefined;
    const before = this.#before;
    const place = this.#host.place();
    this.#before = null;
    if (before === null || place === null) return;
    const job: RetroJob = { ...place, before, after: this.#host.lists() };
    const worker = new Worker(new URL('../hunt/retro-worker.ts', import.meta.url), {
      workerData: job,
      name: 'dnsvalve-retro-hunt',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    this.#worker = worker;
    worker.unref();
    worker.once('message', (found: RetroFound) => this.#host.onFound(found));
    worker.once('error', (error) => this.#host.onTrouble(String(error)));
    worker.once('exit', () => this.#ended());
  }

  #ended(): void {
    this.#worker = null;
    if (this.#before !== null) this.changed(this.#before);
  }
}

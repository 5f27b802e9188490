/**
 * Main's handle on the recorder thread. Imports no database: a program without history, or a fault
 * in the native package, costs main nothing but a notice.
 */

import { Worker } from 'node:worker_threads';
import type { RingMemory } from '../events/ring.ts';
import type {
  FromRecorder,
  RecorderSettings,
  RecorderStats,
  RevisionNames,
  ToRecorder,
} from './messages.ts';
import type { Observation } from './observation.ts';
import { unpackObservations } from './packed.ts';

export interface RecorderEvents {
  readonly onObservations: (list: readonly Observation[]) => void;
  readonly onStats: (stats: RecorderStats) => void;
  /** Something for the operational log, once per change of state. */
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** The thread ended without being asked to. It may be started again with the same rings. */
  readonly onExit: (reason: string) => void;
}

export interface RecorderHandle {
  /** Must come before a worker uses the snapshot. */
  revision(names: RevisionNames): void;
  /** Resolves when ledgers of earlier runs are in place, or never will be. */
  readonly ready: Promise<void>;
  /** A worker was started anew in `slot` with a new ring. */
  addRing(slot: number, ring: RingMemory): void;
  /** Resolves when all that was in the rings is committed; false when it could not be. */
  flush(): Promise<boolean>;
  /** Drains, commits, checkpoints, closes; resolves when the thread is gone. Same answer. */
  stop(): Promise<boolean>;
}

/**
 * What waits for a commit lives for half a second: with room for it the collector moves little.
 */
const YOUNG_MB = 96;

class Handle implements RecorderHandle {
  readonly #worker: Worker;
  readonly #events: RecorderEvents;
  readonly #waiting = new Map<number, (stored: boolean) => void>();
  readonly #gone: Promise<void>;
  readonly ready: Promise<void>;
  #isReady = (): void => {};
  #lastId = 0;
  #stopping = false;
  #fault = 'ended';

  constructor(settings: RecorderSettings, events: RecorderEvents) {
    this.#events = events;
    this.#worker = new Worker(new URL('./recorder.ts', import.meta.url), {
      workerData: settings,
      name: 'dnsvalve-recorder',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    this.#worker.on('message', (message: FromRecorder) => this.#take(message));
    this.#worker.on('error', (error) => {
      this.#fault = error instanceof Error ? error.message : String(error);
    });
    this.#gone = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#ended();
        resolve();
      });
    });
  }

  revision(names: RevisionNames): void {
    const { revision, workloads, rules, at } = names;
    this.#tell({ kind: 'revision', revision, workloads, rules, at });
  }

  addRing(slot: number, ring: RingMemory): void {
    this.#tell({ kind: 'addRing', slot, ring });
  }

  flush(): Promise<boolean> {
    return this.#ask('flush');
  }

  async stop(): Promise<boolean> {
    this.#stopping = true;
    const stored = await this.#ask('stop');
    await this.#gone;
    return stored;
  }

  #tell(message: ToRecorder): void {
    this.#worker.postMessage(message);
  }

  #ask(kind: 'flush' | 'stop'): Promise<boolean> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      // A thread that is gone will not answer.
      if (this.#worker.threadId === -1) return resolve(false);
      this.#waiting.set(id, resolve);
      this.#tell({ kind, id });
    });
  }

  #take(message: FromRecorder): void {
    if (message.kind === 'packed') this.#events.onObservations(unpackObservations(message));
    else if (message.kind === 'observations') this.#events.onObservations(message.list);
    else if (message.kind === 'ready') this.#isReady();
    else if (message.kind === 'stats') this.#events.onStats(message);
    else if (message.kind === 'notice') this.#events.onNotice(message.level, message.message);
    else this.#answer(message.id, message.stored);
  }

  #answer(id: number, stored: boolean): void {
    this.#waiting.get(id)?.(stored);
    this.#waiting.delete(id);
  }

  #ended(): void {
    this.#isReady();
    for (const resolve of this.#waiting.values()) resolve(false);
    this.#waiting.clear();
    if (!this.#stopping) this.#events.onExit(this.#fault);
  }
}

export function startRecorder(settings: RecorderSettings, events: RecorderEvents): RecorderHandle {
  return new Handle(settings, events);
}

/**
 * Recorder thread: the clockwork around `Recording`. The only thread that writes to the database.
 *
 * Started by `start.ts`. It waits for the disk so that nobody else has to; it never answers a query
 * and nobody on the query path waits for it.
 */

import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from 'node:worker_threads';
import { RECORDER_NICE, standBack } from '../priority.ts';
import type { FromRecorder, RecorderSettings, RecorderStats, ToRecorder } from './messages.ts';
import { packObservations } from './packed.ts';
import { Recording } from './recording.ts';

/** How often the rings are read, ms. */
const POLL_MS = 50;
/** How often counters are told when they changed, and the purge takes a step, ms. */
const STATS_MS = 1000;

class Recorder {
  readonly #port: MessagePort;
  readonly #recording: Recording;
  readonly #flushMs: number;
  #lastFlushAt = performance.now();
  #lastStatsAt = performance.now();
  #lastStats = '';
  readonly #inbox: ToRecorder[] = [];
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: RecorderSettings, port: MessagePort) {
    this.#port = port;
    this.#flushMs = settings.flushMs;
    this.#recording = new Recording(settings, {
      post: (message) => this.#post(message),
      now: Date.now,
      elapsed: () => performance.now(),
      catchUp: () => this.#catchUp(),
    });
    this.#post({ kind: 'ready' });
    port.on('message', (message: ToRecorder) => this.#take(message));
    this.#tick();
  }

  #post(message: FromRecorder): void {
    if (message.kind !== 'observations') this.#port.postMessage(message);
    else this.#port.postMessage({ kind: 'packed', ...packObservations(message.list) });
  }

  /** Messages that arrived but were not delivered yet: the names at once, the rest in its turn. */
  #catchUp(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      const message: ToRecorder = received.message;
      if (message.kind === 'revision') this.#recording.addRevision(message);
      else this.#inbox.push(message);
    }
  }

  #take(message: ToRecorder): void {
    this.#inbox.push(message);
    this.#settle();
  }

  /** Never called while the rings are being read: a flush inside a read would count twice. */
  #settle(): void {
    for (let message = this.#inbox.shift(); message !== undefined; message = this.#inbox.shift()) {
      if (message.kind === 'revision') this.#recording.addRevision(message);
      else if (message.kind === 'addRing') this.#recording.addRing(message.slot, message.ring);
      else if (message.kind === 'flush') this.#flush(message.id);
      else this.#stop(message.id);
    }
  }

  #tick(): void {
    this.#recording.poll();
    const now = performance.now();
    if (this.#recording.isDue || now - this.#lastFlushAt >= this.#flushMs) {
      this.#recording.flush();
      this.#lastFlushAt = performance.now();
    }
    if (now - this.#lastStatsAt >= STATS_MS) {
      this.#lastStatsAt = now;
      this.#recording.maintain();
      this.#tellStats(this.#recording.stats());
    }
    this.#settle();
    if (!this.#stopped) this.#timer = setTimeout(() => this.#tick(), POLL_MS);
  }

  #tellStats(stats: RecorderStats): void {
    const text = JSON.stringify(stats);
    if (text === this.#lastStats) return;
    this.#lastStats = text;
    this.#post({ kind: 'stats', ...stats });
  }

  #flush(id: number): void {
    this.#recording.poll();
    this.#post({ kind: 'done', id, stored: this.#recording.flush() });
  }

  #stop(id: number): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const stored = this.#recording.close();
    this.#tellStats(this.#recording.stats());
    this.#post({ kind: 'done', id, stored });
    this.#port.close();
  }
}

if (parentPort !== null) {
  standBack(RECORDER_NICE);
  new Recorder(workerData as RecorderSettings, parentPort);
}

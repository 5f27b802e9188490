/**
 * Alerts appended to a file, one per line. A file that was renamed or removed is left and its path
 * opened anew; what was half written is finished before the next line. No fsync: a power cut may
 * lose the newest lines, which the kernel still held.
 */

import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Alert } from '../alert.ts';
import { BACKOFF_DEFAULT, Backoff, type BackoffOptions } from './backoff.ts';
import { Queue } from './queue.ts';
import type { Encode, Report, Sink, SinkStats } from './sink.ts';

export interface FileSinkOptions {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly encode: Encode;
  readonly report: Report;
  readonly backoff?: BackoffOptions;
}

/** Alerts tell what people do: readable by the owner and the group only. */
const FILE_MODE = 0o640;
const NEWLINE = 10; // '\n'
const PAUSE_MAX_MS = 5_000;
/** Lines in one write: 10,000 queued lines took 2.9 s one by one, too long for a shutdown. */
const BATCH = 256;

export class FileSink implements Sink {
  readonly name: string;
  readonly #options: FileSinkOptions;
  readonly #queue: Queue;
  readonly #backoff: Backoff;
  #file: FileHandle | null = null;
  /** Set by reopen(): the next line goes to a fresh handle. */
  #stale = false;
  /** Lines taken from the queue, or what a short write left of them. */
  #batch: Uint8Array | null = null;
  /** Alerts in #batch; 0 when it is null. */
  #batchCount = 0;
  #working = false;
  #wake: (() => void) | null = null;
  #done: Promise<void> = Promise.resolve();
  #closed = false;
  #deadline = false;

  constructor(options: FileSinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queue = new Queue(options.name, options.report);
    const backoff = { ...BACKOFF_DEFAULT, maxMs: PAUSE_MAX_MS };
    this.#backoff = new Backoff(options.backoff ?? backoff);
  }

  push(alert: Alert): void {
    if (this.#closed) {
      this.#queue.drop(1, 'closed');
      return;
    }
    this.#queue.push(this.#options.encode(alert));
    this.#start();
  }

  stats(): SinkStats {
    const stats = this.#queue.stats();
    return { ...stats, queued: stats.queued + this.#batchCount };
  }

  reopen(): void {
    this.#stale = true;
    this.#wake?.();
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    const timer = setTimeout(() => {
      this.#deadline = true;
      this.#wake?.();
    }, deadlineMs);
    await this.#done;
    clearTimeout(timer);
    this.#queue.abandon(this.#batchCount, 'closed before the file took everything');
    this.#batchCount = 0;
    await this.#release();
  }

  #start(): void {
    if (this.#working) return;
    this.#working = true;
    this.#done = this.#work();
  }

  /** Writes until the queue is empty; the only place that touches the file. */
  async #work(): Promise<void> {
    while (!this.#deadline && (this.#batch !== null || this.#queue.length > 0)) {
      try {
        await this.#write();
        this.#backoff.reset();
      } catch (error) {
        this.#queue.failed(error);
        await this.#pause(this.#backoff.next());
      }
    }
    this.#working = false; // in the same turn as the last look at the queue
  }

  /** Writes the batch; what a short write or an error leaves is kept for the next call. */
  async #write(): Promise<void> {
    const file = await this.#current();
    // Taken only now that there is a file, and ours from here on: the queue's bound cannot drop a
    // line that is half written.
    const batch = this.#batch ?? this.#take();
    this.#batch = batch;
    const { bytesWritten } = await file.write(batch);
    this.#batch = batch.subarray(bytesWritten);
    if (this.#batch.length > 0) return;
    this.#batch = null;
    this.#queue.delivered(this.#batchCount);
    this.#batchCount = 0;
  }

  #take(): Uint8Array {
    const lines: Uint8Array[] = [];
    while (lines.length < BATCH) {
      const line = this.#queue.shift();
      if (line === undefined) break;
      lines.push(line);
    }
    this.#batchCount = lines.length;
    return Buffer.concat(lines);
  }

  /** The handle to write to: opened anew when the path leads elsewhere now. */
  async #current(): Promise<FileHandle> {
    if (this.#file !== null && this.#batch === null) {
      const moved = this.#stale || !(await isAt(this.#file, this.#options.path));
      if (moved) await this.#release();
    }
    this.#stale = false;
    this.#file ??= await openLines(this.#options.path);
    return this.#file;
  }

  async #release(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close().catch((error: unknown) => this.#queue.failed(error));
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    this.#wake = null;
    clearTimeout(timer);
  }
}

/** Opens for appending; ends a line that a crash left open, so that it spoils no other. */
async function openLines(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+', FILE_MODE);
  const { size } = await file.stat();
  const last = new Uint8Array(1);
  if (size > 0) await file.read(last, 0, 1, size - 1);
  if (size > 0 && last[0] !== NEWLINE) await file.write('\n');
  return file;
}

/** Whether `path` still leads to the file of `handle`. */
async function isAt(handle: FileHandle, path: string): Promise<boolean> {
  const there: Stats | null = await stat(path).catch(() => null);
  const here = await handle.stat();
  return there !== null && there.ino === here.ino && there.dev === here.dev;
}

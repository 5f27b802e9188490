/**
 * Alerts appended to a file, one per line. A file that was renamed or removed is left and its path
 * opened anew; a line that was half written is finished before the next. No fsync: a power cut may
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

export class FileSink implements Sink {
  readonly name: string;
  readonly #options: FileSinkOptions;
  readonly #queue: Queue;
  readonly #backoff: Backoff;
  #file: FileHandle | null = null;
  /** Set by reopen(): the next line goes to a fresh handle. */
  #stale = false;
  /** What is left of a line after a short write. */
  #rest: Uint8Array | null = null;
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
    return { ...stats, queued: stats.queued + (this.#rest === null ? 0 : 1) };
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
    this.#queue.abandon(this.#rest === null ? 0 : 1, 'closed before the file took everything');
    this.#rest = null;
    await this.#release();
  }

  #start(): void {
    if (this.#working) return;
    this.#working = true;
    this.#done = this.#work();
  }

  /** Writes until the queue is empty; the only place that touches the file. */
  async #work(): Promise<void> {
    for (;;) {
      const line = this.#rest ?? this.#queue.peek();
      if (line === undefined || this.#deadline) break;
      try {
        await this.#write(line);
        this.#backoff.reset();
      } catch (error) {
        this.#queue.failed(error);
        await this.#pause(this.#backoff.next());
      }
    }
    this.#working = false; // in the same turn as the last look at the queue
  }

  /** Writes a line or its rest; what a short write or an error leaves is kept for the next call. */
  async #write(line: Uint8Array): Promise<void> {
    const file = await this.#current();
    if (this.#rest === null) this.#queue.shift();
    // From here on the line is ours, so that the queue's bound cannot drop it half written.
    this.#rest = line;
    const { bytesWritten } = await file.write(line);
    this.#rest = bytesWritten < line.length ? line.subarray(bytesWritten) : null;
    if (this.#rest === null) this.#queue.delivered(1);
  }

  /** The handle to write to: opened anew when the path leads elsewhere now. */
  async #current(): Promise<FileHandle> {
    if (this.#file !== null && this.#rest === null) {
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

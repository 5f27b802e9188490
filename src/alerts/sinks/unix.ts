/**
 * Syslog over a unix datagram socket (/dev/log). Node cannot open one, so the opener is injected
 * (the native addon has it); without it the sink is unavailable, says so once, and drops. A full or
 * restarted receiver is tried again with growing pauses on a fresh handle.
 */

import type { Alert } from '../alert.ts';
import { BACKOFF_DEFAULT, Backoff, type BackoffOptions } from './backoff.ts';
import { Queue } from './queue.ts';
import type { Encode, Report, Sink, SinkStats } from './sink.ts';

export interface UnixDatagram {
  /** False when the kernel did not take the datagram. Never blocks. */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/** Null when this build cannot open unix datagram sockets at all; may throw for a bad path. */
export type OpenUnixDatagram = (path: string) => UnixDatagram | null;

export interface UnixSinkOptions {
  readonly name: string;
  readonly path: string;
  readonly open: OpenUnixDatagram;
  readonly encode: Encode;
  readonly report: Report;
  readonly backoff?: BackoffOptions;
}

/** A local daemon is back within a second or two; waiting longer only fills the queue. */
const PAUSE_MAX_MS = 2_000;
/** Datagrams in one turn of the event loop. */
const BURST = 200;

export class UnixSink implements Sink {
  readonly name: string;
  readonly #options: UnixSinkOptions;
  readonly #queue: Queue;
  readonly #backoff: Backoff;
  #handle: UnixDatagram | null = null;
  #available = true;
  #retry: NodeJS.Timeout | null = null;
  #closing: (() => void) | null = null;
  #closed = false;

  constructor(options: UnixSinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queue = new Queue(options.name, options.report);
    const backoff = { ...BACKOFF_DEFAULT, firstMs: 50, maxMs: PAUSE_MAX_MS };
    this.#backoff = new Backoff(options.backoff ?? backoff);
    this.#openHandle();
  }

  push(alert: Alert): void {
    if (this.#closed || !this.#available) {
      this.#queue.drop(1, this.#closed ? 'closed' : 'unavailable, dropping alerts');
      return;
    }
    this.#queue.push(this.#options.encode(alert));
    if (this.#retry === null) this.#pump();
  }

  stats(): SinkStats {
    return this.#queue.stats();
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    if (this.#queue.length > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#closing = resolve;
      const timer = setTimeout(resolve, deadlineMs);
      await promise;
      clearTimeout(timer);
    }
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#queue.abandon(0, 'closed before the receiver took everything');
    this.#handle?.close();
    this.#handle = null;
  }

  #openHandle(): void {
    this.#handle?.close();
    this.#handle = null;
    try {
      this.#handle = this.#options.open(this.#options.path);
    } catch (error) {
      this.#queue.failed(error);
      return;
    }
    if (this.#handle !== null) return;
    this.#available = false;
    this.#queue.failed('unix datagram sockets need the native addon, which is not loaded');
  }

  #pump(): void {
    this.#retry = null;
    for (let i = 0; i < BURST; i++) {
      const message = this.#queue.peek();
      if (message === undefined) {
        this.#closing?.();
        return;
      }
      if (this.#handle?.send(message) !== true) {
        this.#queue.failed(`${this.#options.path} takes no datagrams`);
        this.#openHandle(); // the receiver may have made its socket anew
        this.#retry = setTimeout(() => this.#pump(), this.#backoff.next());
        return;
      }
      this.#queue.shift();
      this.#queue.delivered(1);
      this.#backoff.reset();
    }
    this.#retry = setTimeout(() => this.#pump(), 0);
  }
}

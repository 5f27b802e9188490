/**
 * Syslog over TCP with octet counting (RFC 6587 3.4.1): `LENGTH SP MESSAGE`. Reconnects with
 * growing pauses for ever. Syslog has no acknowledgement, so when a connection breaks, what the
 * kernel had not taken is sent again, and so is what it took in the last seconds: a collector may
 * see an alert twice (same id), which at-least-once delivery allows.
 *
 * Known gap: a collector that vanishes without a word swallows what the kernel buffers for it
 * until TCP gives up; only what went in the last RECENT_MS before that is sent again.
 */

import { connect, type Socket } from 'node:net';
import type { Alert } from '../alert.ts';
import { BACKOFF_DEFAULT, Backoff, type BackoffOptions } from './backoff.ts';
import { Queue } from './queue.ts';
import type { Sink, SinkStats } from './sink.ts';
import type { SocketSinkOptions } from './udp.ts';

/** How long a message that the kernel took may still be sent again. */
const RECENT_MS = 10_000;
const RECENT_MAX = 1_000;
/** Octets that Node may hold for a socket before the sink waits for it to drain. */
const WRITE_AHEAD = 65_536;
const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_MS = 15_000;

export interface TcpSinkOptions extends SocketSinkOptions {
  readonly backoff?: BackoffOptions;
  /** Monotonic ms; injected for tests. */
  readonly now?: () => number;
}

export class TcpSink implements Sink {
  readonly name: string;
  readonly #options: TcpSinkOptions;
  readonly #queue: Queue;
  readonly #backoff: Backoff;
  readonly #now: () => number;
  #socket: Socket | null = null;
  #connected = false;
  #retry: NodeJS.Timeout | null = null;
  /** Written to the socket, not yet taken by the kernel; in order. */
  #unflushed: Uint8Array[] = [];
  /** Taken by the kernel in the last RECENT_MS; in order. */
  #recent: Uint8Array[] = [];
  /** When the kernel first took a frame; a collector that flaps does not make it young again. */
  readonly #takenMs = new WeakMap<Uint8Array, number>();
  #connectedMs = 0;
  /** Frames that will not be sent again. */
  #confirmed = 0;
  #closing: (() => void) | null = null;
  #closed = false;

  constructor(options: TcpSinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queue = new Queue(options.name, options.report);
    this.#backoff = new Backoff(options.backoff ?? BACKOFF_DEFAULT);
    this.#now = options.now ?? (() => performance.now());
    this.#connect();
  }

  push(alert: Alert): void {
    if (this.#closed) {
      this.#queue.drop(1, 'closed');
      return;
    }
    this.#queue.push(frame(this.#options.encode(alert)));
    this.#pump();
  }

  stats(): SinkStats {
    const stats = this.#queue.stats();
    this.#forgetOld();
    const queued = stats.queued + this.#unflushed.length;
    return { ...stats, queued, confirmed: this.#confirmed };
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    if (this.stats().queued > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#closing = resolve;
      const timer = setTimeout(resolve, deadlineMs);
      await promise;
      clearTimeout(timer);
    }
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#queue.abandon(this.#unflushed.length, 'closed before the collector took everything');
    const socket = this.#socket;
    this.#socket = null;
    if (this.#unflushed.length > 0) socket?.destroy();
    else socket?.destroySoon();
    this.#unflushed = [];
  }

  #connect(): void {
    this.#retry = null;
    const { host, port } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('connect timed out')));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.setKeepAlive(true, KEEPALIVE_MS);
      this.#connected = true;
      this.#connectedMs = this.#now();
      this.#pump();
    });
    socket.on('drain', () => this.#pump());
    // Collectors say nothing; reading only serves to notice the end of the stream.
    socket.on('data', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => this.#queue.failed(error));
    socket.on('close', (hadError) => {
      if (!hadError) this.#queue.failed(`${host} port ${port} closed the connection`);
      this.#broken(socket);
    });
  }

  #broken(socket: Socket): void {
    if (this.#socket !== socket) return; // closed by us
    // Only a connection that held makes the next pause short: some accept and close at once.
    if (this.#connected && this.#now() - this.#connectedMs >= RECENT_MS) this.#backoff.reset();
    this.#connected = false;
    this.#socket = null;
    this.#forgetOld();
    this.#queue.putBack([...this.#recent, ...this.#unflushed]);
    this.#recent = [];
    this.#unflushed = [];
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  #pump(): void {
    const socket = this.#socket;
    if (socket === null || !this.#connected) return;
    while (socket.writableLength < WRITE_AHEAD) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#unflushed.push(next);
      socket.write(next, (error) => {
        if (error == null && this.#socket === socket) this.#flushed();
      });
    }
  }

  /** Write callbacks come in order, so the oldest unflushed frame is the one that was taken. */
  #flushed(): void {
    const frame = this.#unflushed.shift();
    if (frame === undefined) return;
    if (!this.#takenMs.has(frame)) {
      this.#takenMs.set(frame, this.#now());
      this.#queue.delivered(1);
    }
    this.#recent.push(frame);
    if (this.#recent.length > RECENT_MAX * 2) this.#forgetOld();
    if (this.stats().queued === 0) this.#closing?.();
  }

  #forgetOld(): void {
    const oldest = this.#now() - RECENT_MS;
    const recent = this.#recent
      .slice(-RECENT_MAX)
      .filter((frame) => (this.#takenMs.get(frame) ?? 0) >= oldest);
    this.#confirmed += this.#recent.length - recent.length;
    this.#recent = recent;
  }
}

/** RFC 6587 3.4.1: MSG-LEN counts the octets of the message, not the length or the space. */
function frame(message: Uint8Array): Uint8Array {
  const length = Buffer.from(`${message.length} `, 'latin1');
  return Buffer.concat([length, message]);
}

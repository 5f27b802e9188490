/**
 * Syslog over a stream: TCP (RFC 6587) or TLS (RFC 5425). Reconnects with growing pauses for ever.
 * Syslog has no acknowledgement, so when a connection breaks, what the kernel had not taken is sent
 * again, and so is what it took lately (window.ts): a collector may see an alert twice (same id),
 * which at-least-once delivery allows. Where the peer closes in answer to our close, it has read
 * everything. So what is sent again gets a connection of its own that we close behind it (not over
 * TLS): a peer that closes in its turn has taken it, and the next break does not send it once more.
 * Without that a collector that reset every few seconds got each alert 25 times.
 *
 * Known gap: a collector that vanishes without a word swallows what the kernels buffer for it
 * until TCP gives up; only what went in the last RECENT_MS before that is sent again. One that is
 * away between two connections of ours, which takes a millisecond, is not seen to have been.
 */

import { connect, type Socket } from 'node:net';
import type { Framing } from '../../config/sink-types.ts';
import { isAcknowledged } from '../../native/peer.ts';
import type { Alert } from '../alert.ts';
import { BACKOFF_DEFAULT, Backoff, type BackoffOptions } from './backoff.ts';
import { frame } from './framing.ts';
import { Queue } from './queue.ts';
import type { Sink, SinkStats } from './sink.ts';
import { connectTls, type TlsIdentity } from './tls.ts';
import type { SocketSinkOptions } from './udp.ts';
import { type Frame, RECENT_MS, Window } from './window.ts';

/** Octets that Node may hold for a socket before the sink waits for it to drain. */
const WRITE_AHEAD = 65_536;
/** TLS handshake included. */
const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_MS = 15_000;
/** A write that waited longer shows that the peer is not reading. */
const STALL_MS = 1_000;
/** How long a peer may take to close after us. */
const FAREWELL_MS = 1_000;
/** So many times longer behind what was sent again: it may be much. */
const REPEATING = 5;
/** How often certificates are looked at. */
const LOOK_MS = 10_000;

export interface TcpSinkOptions extends SocketSinkOptions {
  readonly framing?: Framing;
  /** Over TLS, with this name or address in the peer's certificate; plain TCP when not given. */
  readonly tls?: { readonly peer: string; readonly identity: TlsIdentity };
  readonly backoff?: BackoffOptions;
  readonly farewellMs?: number;
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
  #connectedMs = 0;
  #retry: NodeJS.Timeout | null = null;
  readonly #look: NodeJS.Timeout | null;
  /** What a broken connection left, to be sent before the queue; the next one is the last. */
  #again: Frame[] = [];
  /** Written to the socket, not yet taken by the kernel; in order. */
  #unflushed: Frame[] = [];
  readonly #window = new Window();
  /** Frames that left the queue and do not count as sent yet. */
  #uncounted = 0;
  /** A break left something: the connection of now is for that, and ends behind it. */
  #isRepeating = false;
  /** Whether this peer closes after us, as far as it was seen to. */
  #answersClose = true;
  /** We have ended the connection of now and wait for the peer to do so. */
  #parting: NodeJS.Timeout | null = null;
  #closing: (() => void) | null = null;
  #closed = false;

  constructor(options: TcpSinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queue = new Queue(options.name, options.report);
    this.#backoff = new Backoff(options.backoff ?? BACKOFF_DEFAULT);
    this.#now = options.now ?? (() => performance.now());
    this.#look = options.tls === undefined ? null : setInterval(() => this.reopen(), LOOK_MS);
    this.#look?.unref();
    this.#connect();
  }

  push(alert: Alert): void {
    if (this.#closed) {
      this.#queue.drop(1, 'closed');
      return;
    }
    const { encode, framing } = this.#options;
    this.#queue.push(frame(encode(alert), framing ?? 'octet-counting'));
    this.#pump();
  }

  stats(): SinkStats {
    const stats = this.#queue.stats();
    const confirmed = this.#window.confirmed(this.#now());
    return { ...stats, queued: stats.queued + this.#uncounted, confirmed };
  }

  /** Looks at the certificates; where they are new, so is the connection. */
  reopen(): void {
    const { tls } = this.#options;
    if (tls === undefined || !this.#connected || this.#parting !== null) return;
    try {
      if (tls.identity.hasChanged()) this.#part();
    } catch (error) {
      // In the middle of being replaced, or wrong: the connection that holds is the better one.
      this.#queue.failed(error);
    }
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing = resolve;
    const timer = setTimeout(resolve, deadlineMs);
    if (this.#isDone()) this.#part();
    if (!this.#isDone() || this.#parting !== null) await promise;
    clearTimeout(timer);
    this.#release();
  }

  #release(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (this.#look !== null) clearInterval(this.#look);
    if (this.#parting !== null) clearTimeout(this.#parting);
    this.#queue.abandon(this.#uncounted, 'closed before the collector took everything');
    this.#uncounted = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (this.#unflushed.length > 0) socket?.destroy();
    else socket?.destroySoon();
    this.#unflushed = [];
    this.#again = [];
  }

  #isDone(): boolean {
    return this.#queue.length + this.#again.length + this.#unflushed.length === 0;
  }

  #connect(): void {
    this.#retry = null;
    let socket: Socket;
    try {
      socket = this.#dial();
    } catch (error) {
      this.#queue.failed(error);
      this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
      return;
    }
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('connect timed out')));
    socket.once(this.#options.tls === undefined ? 'connect' : 'secureConnect', () => {
      socket.setTimeout(0);
      socket.setKeepAlive(true, KEEPALIVE_MS);
      this.#connected = true;
      this.#connectedMs = this.#now();
      this.#pump();
    });
    socket.on('drain', () => this.#pump());
    // Collectors say nothing; reading only serves to notice the end of the stream.
    socket.on('data', () => {});
    let isEnded = false;
    socket.on('end', () => {
      isEnded = this.#parting !== null && this.#hasTakenAll(socket);
      socket.destroy();
    });
    let error: Error | null = null;
    socket.on('error', (cause) => {
      error = cause;
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return; // let go by us
      if (isEnded && error === null) this.#parted();
      else this.#broken(error);
    });
  }

  /** @throws Error when the certificates cannot be read */
  #dial(): Socket {
    const { host, port, tls } = this.#options;
    if (tls === undefined) return connect({ host, port });
    return connectTls({ host, port, peer: tls.peer }, tls.identity);
  }

  /** Ends the connection so that the peer can read all there is, and close in its turn. */
  #part(): void {
    const socket = this.#socket;
    if (socket === null || !this.#connected || this.#parting !== null) return;
    // A peer that does not close leaves it open what it has read; at the end there is no again.
    const giveUp = (): void => {
      this.#answersClose = false;
      if (this.#closed) this.#closing?.();
      else socket.destroy();
    };
    const { farewellMs = FAREWELL_MS } = this.#options;
    this.#parting = setTimeout(giveUp, this.#isRepeating ? farewellMs * REPEATING : farewellMs);
    socket.end();
  }

  /** The peer closed after us, without a complaint: it has read everything. */
  #parted(): void {
    this.#left();
    if (this.#isRepeating) this.#window.acknowledged(this.#now());
    else this.#window.clear();
    this.#isRepeating = false;
    this.#answersClose = true;
    if (this.#unflushed.length > 0) this.#broken(null);
    else if (this.#closed && this.#isDone()) this.#closing?.();
    else this.#connect();
  }

  /**
   * Whether the end that the peer sent answers ours: it read all there was. Not known without the
   * native part; over TLS the peer's last word comes before its end.
   */
  #hasTakenAll(socket: Socket): boolean {
    if (this.#options.tls !== undefined) return true;
    const isTaken = isAcknowledged(socket);
    if (isTaken === null) this.#answersClose = false;
    return isTaken ?? !this.#isRepeating;
  }

  #left(): void {
    if (this.#parting !== null) clearTimeout(this.#parting);
    this.#parting = null;
    this.#connected = false;
    this.#socket = null;
  }

  #broken(cause: Error | null): void {
    const { host, port } = this.#options;
    const now = this.#now();
    // Only a connection that held makes the next pause short: some accept and close at once.
    if (this.#connected && now - this.#connectedMs >= RECENT_MS) {
      this.#backoff.reset();
      this.#answersClose = true;
    }
    this.#left();
    this.#queue.failed(cause ?? `${host} port ${port} closed the connection`);
    const waiting = this.#unflushed[0];
    if (waiting !== undefined && now - waiting.writtenMs >= STALL_MS) this.#window.stalled(now);
    const frames = [...this.#window.take(now), ...this.#unflushed];
    this.#again = [...this.#again, ...frames.reverse()];
    this.#unflushed = [];
    const isPlain = this.#options.tls === undefined;
    this.#isRepeating = isPlain && this.#answersClose && this.#again.length > 0;
    if (this.#closed && this.#isDone()) this.#closing?.();
    else this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  #pump(): void {
    const socket = this.#socket;
    if (socket === null || !this.#connected || this.#parting !== null) return;
    while (socket.writableLength < WRITE_AHEAD) {
      const next = this.#next();
      if (next === null) return;
      next.writtenMs = this.#now();
      this.#unflushed.push(next);
      socket.write(next.octets, (error) => {
        if (error == null && this.#socket === socket) this.#flushed();
      });
    }
  }

  #next(): Frame | null {
    const left = this.#again.pop();
    if (left !== undefined) return left;
    if (this.#isRepeating) return null;
    const octets = this.#queue.shift();
    if (octets === undefined) return null;
    this.#uncounted++;
    return { octets, writtenMs: 0, takenMs: 0, isCounted: false };
  }

  /** Write callbacks come in order, so the oldest unflushed frame is the one that was taken. */
  #flushed(): void {
    const taken = this.#unflushed.shift();
    if (taken === undefined) return;
    taken.takenMs = this.#now();
    if (taken.takenMs - taken.writtenMs >= STALL_MS) this.#window.stalled(taken.takenMs);
    if (!taken.isCounted) {
      taken.isCounted = true;
      this.#uncounted--;
      this.#queue.delivered(1);
    }
    this.#window.add(taken);
    const isRepeated = this.#isRepeating && this.#again.length + this.#unflushed.length === 0;
    if (isRepeated || (this.#closed && this.#isDone())) this.#part();
  }
}

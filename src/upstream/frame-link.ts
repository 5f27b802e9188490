/**
 * FrameLink: messages behind their length on a socket, TCP (RFC 7766) or TLS (RFC 7858 3.3), each
 * with an id of its own.
 */

import { connect, type Socket } from 'node:net';
import type { SocketAddress } from '../config/types.ts';
import { messageId } from '../wire/header.ts';
import { writeU16 } from '../wire/octets.ts';
import { FrameReader } from './frames.ts';
import type { Link, LinkEvents, OpenLink } from './link.ts';
import { randomU16 } from './random.ts';
import { type Dialer, failureOf } from './tls.ts';

/** Octets that the server has not taken yet; beyond, nothing more is written. */
const UNSENT_MAX = 64 * 1024;
/** RFC 7766 6.2.3: idle connections are closed after seconds. */
const IDLE_MS = 10_000;
/** RFC 7858 3.4: a handshake is dear, and probes come every 10 s. */
const IDLE_TLS_MS = 30_000;

export function tcpLinks({ address, port }: SocketAddress): OpenLink {
  return (events) => {
    const socket = connect({ host: address, port, noDelay: true });
    socket.on('connect', () => events.onReady());
    return new FrameLink(socket, IDLE_MS, events);
  };
}

export function tlsLinks(dialer: Dialer): OpenLink {
  return (events) => {
    const socket = dialer.dial();
    socket.on('secureConnect', () => events.onReady());
    return new FrameLink(socket, IDLE_TLS_MS, events);
  };
}

class FrameLink implements Link {
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  readonly #reader = new FrameReader();
  /** Questions on the wire by their id, and the other way round. */
  readonly #tokens = new Map<number, number>();
  readonly #ids = new Map<number, number>();
  #error: Error | null = null;
  #over = false;

  constructor(socket: Socket, idleMs: number, events: LinkEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => this.#over || events.onRoom());
    // 'close' follows.
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    socket.setTimeout(idleMs, () => {
      if (!socket.connecting && this.#tokens.size === 0) socket.destroy();
    });
  }

  get hasRoom(): boolean {
    return this.#socket.writableLength < UNSENT_MAX;
  }

  send(message: Uint8Array, token: number): void {
    let id = randomU16();
    // At most 100 of 65,536 are taken.
    while (this.#tokens.has(id)) id = randomU16();
    this.#tokens.set(id, token);
    this.#ids.set(token, id);
    // RFC 7766 8: length and message in one write.
    const frame = new Uint8Array(2 + message.length);
    writeU16(frame, 0, message.length);
    frame.set(message, 2);
    writeU16(frame, 2, id);
    this.#cork();
    this.#socket.write(frame);
  }

  /** What one batch asks leaves by one write: one record of TLS, one segment or a few. */
  #cork(): void {
    if (this.#socket.writableCorked > 0) return;
    this.#socket.cork();
    process.nextTick(() => this.#socket.uncork());
  }

  forget(token: number): void {
    const id = this.#ids.get(token);
    if (id !== undefined) this.#tokens.delete(id);
    this.#ids.delete(token);
  }

  close(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    if (this.#over) return;
    const whole = this.#reader.push(chunk, (octets, start, end) => {
      // Of nobody: forged, or the answer to a question that was given up. The others go on.
      const token = this.#tokens.get(messageId(octets, start));
      if (token !== undefined) {
        this.forget(token);
        this.#events.onMessage(token, octets, start, end);
      }
      return !this.#over;
    });
    if (!whole) this.#end();
    else if (!this.#over) this.#events.onRoom();
  }

  #end(): void {
    if (this.#over) return;
    this.close();
    this.#events.onEnd(failureOf(this.#socket, this.#error));
  }
}

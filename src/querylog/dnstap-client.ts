/**
 * The sender of a dnstap stream: connects, shakes hands (READY, ACCEPT, START), sends frames, and
 * takes its leave (STOP, FINISH). Reconnects with growing pauses for ever. dnstap may lose: what
 * there is no room for is counted and gone.
 */

import { connect, type Socket } from 'node:net';
import { BACKOFF_DEFAULT, Backoff, type BackoffOptions } from '../alerts/sinks/backoff.ts';
import type { DnstapTarget } from '../config/sink-types.ts';
import { messageOf } from '../errors.ts';
import { CONTENT_TYPE } from './dnstap.ts';
import {
  CONTROL_ACCEPT,
  CONTROL_FINISH,
  CONTROL_READY,
  CONTROL_START,
  CONTROL_STOP,
  type Control,
  ControlReader,
  controlFrame,
} from './frames.ts';

/** Octets that wait for a receiver, here and in the socket together. */
export const WAITING_MAX = 4 << 20;
/** How long a receiver may take to answer a connection or a handshake. */
const HANDSHAKE_MS = 10_000;
const PAUSE_MAX_MS = 10_000;

export interface DnstapStats {
  readonly isConnected: boolean;
  /** Frames that the kernel took. */
  readonly sent: number;
  /** Frames for which there was no room, and those under way when a connection broke. */
  readonly lost: number;
  readonly lastError: string | null;
}

interface Waiting {
  readonly octets: Buffer;
  readonly frames: number;
}

export class DnstapClient {
  readonly #target: DnstapTarget;
  readonly #backoff: Backoff;
  #socket: Socket | null = null;
  /** The receiver has accepted, and START was said. */
  #isOpen = false;
  /** Not yet given to the socket; given to it and not taken by the kernel. */
  #waiting: Waiting[] = [];
  #waitingOctets = 0;
  #underWay = 0;
  #sent = 0;
  #lost = 0;
  #lastError: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closing: (() => void) | null = null;

  constructor(target: DnstapTarget, backoff?: BackoffOptions) {
    this.#target = target;
    this.#backoff = new Backoff(backoff ?? { ...BACKOFF_DEFAULT, maxMs: PAUSE_MAX_MS });
    this.#connect();
  }

  /** Sends frames, one behind the other in `octets`. */
  send(octets: Buffer, frames: number): void {
    const inSocket = this.#socket?.writableLength ?? 0;
    if (this.#waitingOctets + inSocket + octets.length > WAITING_MAX) {
      this.#lost += frames;
      return;
    }
    this.#waiting.push({ octets, frames });
    this.#waitingOctets += octets.length;
    if (this.#isOpen) this.#pump();
  }

  stats(): DnstapStats {
    return {
      isConnected: this.#isOpen,
      sent: this.#sent,
      lost: this.#lost,
      lastError: this.#lastError,
    };
  }

  /** Sends what waits and takes its leave, for at most `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket !== null && this.#isOpen) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#closing = resolve;
      socket.write(controlFrame(CONTROL_STOP, null));
      const timer = setTimeout(resolve, deadlineMs);
      await promise;
      clearTimeout(timer);
    }
    this.#closing ??= () => {};
    this.#isOpen = false;
    this.#socket = null;
    socket?.destroy();
    this.#forget();
  }

  #connect(): void {
    this.#retry = null;
    const { kind } = this.#target;
    const socket = kind === 'unix' ? connect(this.#target.path) : connect({ ...this.#target });
    const reader = new ControlReader();
    this.#socket = socket;
    socket.setTimeout(HANDSHAKE_MS, () => {
      if (!this.#isOpen) socket.destroy(new Error('the receiver does not answer'));
    });
    socket.once('connect', () => socket.write(controlFrame(CONTROL_READY, CONTENT_TYPE)));
    socket.on('data', (chunk) => {
      try {
        for (const control of reader.take(chunk)) this.#onControl(socket, control);
      } catch (error) {
        socket.destroy(new Error(messageOf(error)));
      }
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => {
      this.#lastError = error.message;
    });
    socket.on('close', (hadError) => this.#onClosed(socket, hadError));
  }

  #onControl(socket: Socket, { type, contentTypes }: Control): void {
    if (type === CONTROL_FINISH) {
      this.#closing?.();
    } else if (type === CONTROL_ACCEPT && !this.#isOpen) {
      if (!contentTypes.includes(CONTENT_TYPE)) throw new Error('the receiver takes no dnstap');
      socket.write(controlFrame(CONTROL_START, CONTENT_TYPE));
      this.#isOpen = true;
      this.#lastError = null;
      this.#backoff.reset();
      this.#pump();
    }
  }

  #pump(): void {
    const socket = this.#socket;
    if (socket === null) return;
    for (const { octets, frames } of this.#waiting.splice(0)) {
      this.#underWay += frames;
      socket.write(octets, (error) => {
        if (error != null || this.#socket !== socket) return;
        this.#underWay -= frames;
        this.#sent += frames;
      });
    }
    this.#waitingOctets = 0;
  }

  #onClosed(socket: Socket, hadError: boolean): void {
    if (this.#socket !== socket) return;
    if (!hadError && this.#isOpen) this.#lastError = 'the receiver closed the connection';
    this.#socket = null;
    this.#isOpen = false;
    this.#lost += this.#underWay;
    this.#underWay = 0;
    if (this.#closing === null) {
      this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
    } else {
      this.#closing();
    }
  }

  #forget(): void {
    this.#lost += this.#underWay;
    this.#underWay = 0;
    for (const { frames } of this.#waiting.splice(0)) this.#lost += frames;
    this.#waitingOctets = 0;
  }
}

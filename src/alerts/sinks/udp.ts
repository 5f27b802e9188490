/**
 * Syslog over UDP (RFC 5426): one message, one datagram. UDP loses silently: `sent` counts what
 * the kernel took, not what arrived. Nothing is queued here and nothing is tried again.
 */

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Alert } from '../alert.ts';
import { Queue } from './queue.ts';
import { type Encode, QUEUE_MAX, type Report, type Sink, type SinkStats } from './sink.ts';

export interface SocketSinkOptions {
  readonly name: string;
  /** An address; names are refused where the configuration is read. */
  readonly host: string;
  readonly port: number;
  readonly encode: Encode;
  readonly report: Report;
}

export class UdpSink implements Sink {
  readonly name: string;
  readonly #options: SocketSinkOptions;
  readonly #counts: Queue;
  readonly #socket: Socket;
  /** Datagrams that the kernel has not taken yet. */
  #pending = 0;
  #closed = false;
  #idle: (() => void) | null = null;

  constructor(options: SocketSinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#counts = new Queue(options.name, options.report);
    this.#socket = createSocket(isIPv6(options.host) ? 'udp6' : 'udp4');
    this.#socket.on('error', (error) => this.#counts.failed(error));
    this.#socket.unref();
  }

  push(alert: Alert): void {
    if (this.#closed || this.#pending >= QUEUE_MAX) {
      this.#counts.drop(1, this.#closed ? 'closed' : 'the kernel takes no more datagrams');
      return;
    }
    this.#pending++;
    const { host, port, encode } = this.#options;
    this.#socket.send(encode(alert), port, host, (error) => {
      this.#pending--;
      if (error === null) this.#counts.delivered(1);
      else {
        this.#counts.failed(error);
        this.#counts.drop(1, 'a datagram was not sent');
      }
      if (this.#pending === 0) this.#idle?.();
    });
  }

  stats(): SinkStats {
    return { ...this.#counts.stats(), queued: this.#pending };
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    if (this.#pending > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const timer = setTimeout(resolve, deadlineMs);
      await promise;
      clearTimeout(timer);
    }
    this.#socket.close();
  }
}

/** A syslog collector on loopback TCP that reads octet counting strictly (RFC 6587 3.4.1). */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';

export class Collector {
  readonly messages: string[] = [];
  connections = 0;
  /** What stood where a frame should begin, if ever; a test expects none. */
  readonly garbage: string[] = [];
  /** It accepts and reads nothing: the kernels take what they can. */
  isDeaf = false;
  /** So many connections are closed as soon as they are accepted. */
  refusals = 0;
  /** It reads to the end, and does not close in its turn. */
  keepsOpen = false;
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  get port(): number {
    return this.#port;
  }

  /** Listens on an ephemeral port the first time, and on the same port after that. */
  async start(): Promise<void> {
    const allowHalfOpen = this.keepsOpen;
    const server = createServer({ allowHalfOpen }, (socket) => this.#accept(socket));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.#port, '127.0.0.1', resolve);
    await promise;
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Breaks every connection with a reset and stops to listen. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const server = this.#server;
    if (server === null) return;
    server.close(() => resolve());
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await promise;
    this.#server = null;
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.refusals > 0) {
      this.refusals--;
      socket.destroy();
      return;
    }
    if (this.isDeaf) return;
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = this.#frames(Buffer.concat([rest, chunk]));
    });
  }

  #frames(octets: Buffer): Buffer<ArrayBuffer> {
    let at = 0;
    while (at < octets.length) {
      const space = octets.indexOf(32 /* ' ' */, at);
      if (space === -1) break;
      const digits = octets.toString('latin1', at, space);
      if (!/^[1-9]\d*$/.test(digits)) this.garbage.push(digits);
      const end = space + 1 + Number(digits);
      if (end > octets.length) break;
      this.messages.push(octets.toString('utf8', space + 1, end));
      at = end;
    }
    return Buffer.from(octets.subarray(at));
  }
}

/** The `d<n>` numbers of deniedAlert in `messages`, each once, ascending. */
export function numbersIn(messages: readonly string[]): number[] {
  const found = messages.flatMap((one) => /registrable_domain="d(\d+)\./.exec(one)?.[1] ?? []);
  return [...new Set(found.map(Number))].sort((a, b) => a - b);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

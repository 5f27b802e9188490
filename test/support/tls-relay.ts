/** Passes a TLS connection on and counts its records of application data (RFC 8446 5.1). */

import { connect, createServer, type Socket } from 'node:net';

const APPLICATION_DATA = 23;
const HEADER = 5;

/** Counts what goes one way. */
class Records {
  count = 0;
  #rest = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER) {
      const size = HEADER + this.#rest.readUInt16BE(3);
      if (this.#rest.length < size) return;
      if (this.#rest[0] === APPLICATION_DATA) this.count++;
      this.#rest = this.#rest.subarray(size);
    }
  }
}

export class TlsRelay {
  readonly fromClient = new Records();
  readonly fromServer = new Records();
  readonly #sockets = new Set<Socket>();
  readonly #server;
  port = 0;

  /** @param to port of 127.0.0.1; @param from address that it is spoken to from */
  constructor(to: number, from = '127.0.0.1') {
    this.#server = createServer({ noDelay: true }, (client) => {
      const server = connect({ host: '127.0.0.1', port: to, localAddress: from, noDelay: true });
      this.#pass(client, server, this.fromClient);
      this.#pass(server, client, this.fromServer);
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    this.port = address !== null && typeof address === 'object' ? address.port : 0;
    return this;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #pass(from: Socket, to: Socket, records: Records): void {
    this.#sockets.add(from);
    from.on('data', (chunk: Buffer) => {
      records.add(chunk);
      to.write(chunk);
    });
    from.on('error', () => {});
    from.on('close', () => to.destroy());
  }
}

/**
 * A DNS server for tests on one loopback port, over UDP and TCP, whose every answer the test
 * decides. It keeps what it was asked and lets tests wait for the n-th question.
 */

import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server as TcpServer, type Socket as TcpSocket } from 'node:net';
import { FrameReader } from '../../src/upstream/frames.ts';
import { HEADER_SIZE } from '../../src/wire/constants.ts';

/** One question as it came. */
export interface Asked {
  readonly message: Buffer;
  readonly id: number;
  /** Octets of name, type and class. */
  readonly question: Buffer;
  readonly name: string;
  readonly sourcePort: number;
  /** The connection, or null over UDP. */
  readonly connection: TcpSocket | null;
  /** Sends back, framed over TCP. */
  reply(message: Uint8Array): void;
  /** Sends to the asker from another UDP port of the same address. */
  replyFromElsewhere(message: Uint8Array): Promise<void>;
}

export type Handler = (asked: Asked, nth: number) => void;

/** Changes to a plain answer. */
export interface Shape {
  readonly id?: number;
  readonly flags?: number;
  readonly question?: Uint8Array;
  readonly count?: number;
  readonly answers?: readonly Uint8Array[];
}

export const QR_RD_RA = 0x8180;

/** The answer to `asked`: no records and NOERROR, unless `shape` says otherwise. */
export function answerTo(asked: Asked, shape: Shape = {}): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(shape.id ?? asked.id, 0);
  header.writeUInt16BE(shape.flags ?? QR_RD_RA, 2);
  header.writeUInt16BE(shape.count ?? 1, 4);
  header.writeUInt16BE(shape.answers?.length ?? 0, 6);
  return Buffer.concat([header, shape.question ?? asked.question, ...(shape.answers ?? [])]);
}

/** An A record that is owned by the qname. */
export function addressRecord(last: number): Buffer {
  return Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last]);
}

export function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(message.length, 0);
  return Buffer.concat([prefix, message]);
}

/** The question of a message, and its name in text. */
export function readQuestion(message: Buffer): { question: Buffer; name: string } {
  const labels: string[] = [];
  let at = 12;
  // Some servers relay what has no question at all.
  for (let size = message[at] ?? 0; size !== 0; size = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + size));
    at += 1 + size;
  }
  return { question: message.subarray(12, at + 5), name: labels.join('.') };
}

export class FakeServer {
  readonly asked: Asked[] = [];
  readonly address: string;
  port = 0;
  handler: Handler;
  connections = 0;
  readonly #udp: UdpSocket;
  readonly #tcp: TcpServer = createServer((socket) => this.#accept(socket));
  readonly #open = new Set<TcpSocket>();
  #waiters: { count: number; resolve: () => void }[] = [];

  private constructor(handler: Handler, address: string) {
    this.handler = handler;
    this.address = address;
    const type = address.includes(':') ? 'udp6' : 'udp4';
    this.#udp = createSocket({ type, recvBufferSize: 4 << 20 });
  }

  static async start(
    handler: Handler = () => undefined,
    address = '127.0.0.1',
  ): Promise<FakeServer> {
    for (let attempt = 0; ; attempt++) {
      const server = new FakeServer(handler, address);
      try {
        await server.#listen();
        return server;
      } catch (thrown) {
        server.stop();
        if (attempt === 10) throw thrown;
      }
    }
  }

  /** Resolves when `count` questions have come in all. */
  received(count: number): Promise<void> {
    if (this.asked.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  stop(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const socket of this.#open) socket.destroy();
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind(0, this.address, resolve);
    });
    this.port = this.#udp.address().port;
    this.#udp.on('message', (message, peer) => this.#onUdp(message, peer));
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen(this.port, this.address, resolve);
    });
  }

  #onUdp(message: Buffer, peer: RemoteInfo): void {
    this.#take(message, {
      sourcePort: peer.port,
      connection: null,
      reply: (answer) => this.#udp.send(answer, peer.port, peer.address),
      replyFromElsewhere: (answer) =>
        new Promise((resolve) => {
          const other = createSocket('udp4');
          other.send(answer, peer.port, peer.address, () => other.close(() => resolve()));
        }),
    });
  }

  #accept(socket: TcpSocket): void {
    this.connections++;
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => undefined);
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      reader.push(chunk, (octets, start, end) => {
        this.#take(Buffer.from(octets.slice(start, end)), {
          sourcePort: socket.remotePort ?? 0,
          connection: socket,
          reply: (answer) => socket.write(framed(answer)),
          replyFromElsewhere: () => Promise.reject(new Error('not over TCP')),
        });
        return true;
      });
    });
  }

  #take(
    message: Buffer,
    rest: Pick<Asked, 'sourcePort' | 'connection' | 'reply' | 'replyFromElsewhere'>,
  ): void {
    // What is no message comes from others on this machine.
    if (message.length < HEADER_SIZE) return;
    const asked = { message, id: message.readUInt16BE(0), ...readQuestion(message), ...rest };
    this.asked.push(asked);
    this.handler(asked, this.asked.length);
    const due = this.#waiters.filter(({ count }) => count <= this.asked.length);
    this.#waiters = this.#waiters.filter(({ count }) => count > this.asked.length);
    for (const { resolve } of due) resolve();
  }
}

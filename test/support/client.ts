/**
 * A client as a workload has one: UDP and TCP from a source address of its choice, several queries
 * under way at once, each matched to its response by its id. It never retries and never falls back.
 */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket as TcpSocket } from 'node:net';
import { buildQuery, type Message, type QueryShape, readMessage } from './message.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export type Transport = 'udp' | 'tcp';
export const TRANSPORTS: readonly Transport[] = ['udp', 'tcp'];

/** Longer than the valve takes to give up, so that a missing answer is a finding. */
const WAIT_MS = 8000;

type Taker = (octets: Buffer | null) => void;

export function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(message.length, 0);
  return Buffer.concat([prefix, message]);
}

/** What both transports have in common: who waits for which id. */
abstract class Asker {
  readonly #waiting = new Map<number, Taker>();
  #id = 0;
  /** Ids of the responses in the order in which they came. */
  readonly order: number[] = [];
  /** Messages that nobody waited for. */
  readonly unasked: Buffer[] = [];

  abstract send(octets: Uint8Array): void;
  abstract close(): void;

  /** Asks and reads the response. @throws Error when none comes in time */
  async ask(shape: QueryShape): Promise<Message> {
    const octets = await this.exchange(buildQuery(shape));
    if (octets === null) throw new Error(`no response to ${shape.name} ${shape.type ?? 'A'}`);
    return readMessage(octets);
  }

  /** Sends a message under an id of its own; null when nothing comes in `waitMs`. */
  exchange(message: Uint8Array, waitMs = WAIT_MS): Promise<Buffer | null> {
    this.#id = (this.#id + 1) & 0xffff;
    const own = Buffer.from(message);
    own.writeUInt16BE(this.#id, 0);
    const response = this.expect(this.#id, waitMs);
    this.send(own);
    return response;
  }

  /** The response with an id; null when it does not come in `waitMs`. */
  expect(id: number, waitMs = WAIT_MS): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, null), waitMs);
      this.#waiting.set(id, (octets) => {
        clearTimeout(timer);
        resolve(octets);
      });
    });
  }

  protected take(octets: Buffer): void {
    const id = octets.length < 2 ? -1 : octets.readUInt16BE(0);
    this.order.push(id);
    if (!this.#settle(id, octets)) this.unasked.push(octets);
  }

  protected abandon(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, null);
  }

  #settle(id: number, octets: Buffer | null): boolean {
    const taker = this.#waiting.get(id);
    this.#waiting.delete(id);
    taker?.(octets);
    return taker !== undefined;
  }
}

export class UdpClient extends Asker {
  readonly #socket: UdpSocket;
  readonly #to: Endpoint;
  /** Where the last datagram came from. */
  lastFrom = '';

  private constructor(socket: UdpSocket, to: Endpoint) {
    super();
    this.#socket = socket;
    this.#to = to;
    socket.on('message', (octets, from) => {
      this.lastFrom = from.address;
      this.take(octets);
    });
    socket.on('error', () => {});
  }

  /** @param from source address; the family is that of `to` */
  static async open(to: Endpoint, from: string): Promise<UdpClient> {
    const type = to.address.includes(':') ? 'udp6' : 'udp4';
    const socket = createSocket({ type, recvBufferSize: 4 << 20 });
    socket.bind(0, from);
    await once(socket, 'listening');
    return new UdpClient(socket, to);
  }

  send(octets: Uint8Array): void {
    this.#socket.send(octets, this.#to.port, this.#to.address);
  }

  close(): void {
    this.abandon();
    this.#socket.close();
  }
}

export class TcpClient extends Asker {
  readonly socket: TcpSocket;
  #partial = Buffer.alloc(0);
  /** The server sends nothing more. */
  isClosed = false;

  private constructor(socket: TcpSocket) {
    super();
    this.socket = socket;
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('error', () => {});
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => this.#onEnd());
  }

  static async open(to: Endpoint, from: string): Promise<TcpClient> {
    const socket = connect({
      host: to.address,
      port: to.port,
      localAddress: from,
      noDelay: true,
      allowHalfOpen: true,
    });
    await once(socket, 'connect');
    return new TcpClient(socket);
  }

  send(octets: Uint8Array): void {
    this.socket.write(framed(octets));
  }

  close(): void {
    this.socket.destroy();
  }

  /** Nothing more will come. */
  #onEnd(): void {
    this.isClosed = true;
    this.abandon();
  }

  #onData(chunk: Buffer): void {
    let octets = Buffer.concat([this.#partial, chunk]);
    while (octets.length >= 2 && octets.length >= 2 + octets.readUInt16BE(0)) {
      const end = 2 + octets.readUInt16BE(0);
      this.take(octets.subarray(2, end));
      octets = octets.subarray(end);
    }
    this.#partial = octets;
  }
}

export type Client = UdpClient | TcpClient;

export function openClient(transport: Transport, to: Endpoint, from: string): Promise<Client> {
  return transport === 'udp' ? UdpClient.open(to, from) : TcpClient.open(to, from);
}

/** One query over a client of its own. */
export async function askOnce(
  transport: Transport,
  to: Endpoint,
  from: string,
  shape: QueryShape,
): Promise<Message> {
  const client = await openClient(transport, to, from);
  try {
    return await client.ask(shape);
  } finally {
    client.close();
  }
}

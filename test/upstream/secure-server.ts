/**
 * A DNS server for tests over TLS or HTTPS, whose every answer the test decides, and certificates
 * of all kinds for it.
 */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { FrameReader } from '../../src/upstream/frames.ts';
import type { PlannedSecure, PlannedServer, UpstreamPlan } from '../../src/upstream/plan.ts';
import { freePort } from '../support/processes.ts';
import { type Asked, framed, type Handler, readQuestion } from './fake-server.ts';

export const NAME = 'dns.example';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A server's place in a plan, with what its certificate must be. */
export function planned(
  server: { readonly port: number },
  ca: string,
  rest: Partial<PlannedSecure> = {},
): PlannedServer {
  const secure = { transport: 'tls', peer: NAME, url: null, pins: [], ca, ...rest } as const;
  return { address: '127.0.0.1', port: server.port, family: 4, secure };
}

export function overHttps(
  server: { readonly port: number },
  ca: string,
  rest: Partial<PlannedSecure> = {},
): PlannedServer {
  const url = `https://${NAME}:${server.port}/dns-query`;
  return planned(server, ca, { transport: 'https', url, ...rest });
}

export function planWith(...servers: readonly PlannedServer[]): UpstreamPlan {
  return { groups: [{ name: 'group0', servers }] };
}

/** Counts the questions that were asked, and lets tests wait for the n-th. */
class Questions {
  readonly asked: Asked[] = [];
  #waiters: { count: number; resolve: () => void }[] = [];

  received(count: number): Promise<void> {
    if (this.asked.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  protected take(asked: Asked, handle: () => void): void {
    this.asked.push(asked);
    handle();
    const due = this.#waiters.filter(({ count }) => count <= this.asked.length);
    this.#waiters = this.#waiters.filter(({ count }) => count > this.asked.length);
    for (const { resolve } of due) resolve();
  }
}

function notHere(): Promise<never> {
  return Promise.reject(new Error('not over a stream'));
}

/** DNS over TLS. What comes to its port over UDP is counted: nothing may ever. */
export class TlsFake extends Questions {
  handler: Handler;
  port = 0;
  connections = 0;
  resumed = 0;
  datagrams = 0;
  /** Protocols that were offered by ALPN. */
  readonly protocols = new Set<string>();
  readonly #server: TlsServer;
  readonly #udp: UdpSocket = createSocket('udp4');
  readonly #open = new Set<TLSSocket>();

  /** @param protocols what ALPN agrees to; none: the server does not know ALPN */
  constructor(pair: KeyPair, handler: Handler, protocols: readonly string[] = ['dot']) {
    super();
    this.handler = handler;
    const alpn = protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] };
    this.#server = createServer({ ...pair, ...alpn }, (socket) => this.#accept(socket));
    this.#server.on('tlsClientError', () => undefined);
    this.#udp.on('message', () => this.datagrams++);
  }

  async start(port = 0): Promise<this> {
    this.port = port === 0 ? await freePort() : port;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, '127.0.0.1', resolve);
    });
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind(this.port, '127.0.0.1', resolve);
    });
    return this;
  }

  /** Resolves when the port is free again. */
  stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    return new Promise((resolve) => {
      this.#udp.close(() => this.#server.close(() => resolve()));
    });
  }

  #accept(socket: TLSSocket): void {
    this.connections++;
    if (socket.isSessionReused()) this.resumed++;
    this.protocols.add(String(socket.alpnProtocol));
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => undefined);
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      reader.push(chunk, (octets, start, end) => {
        const message = Buffer.from(octets.slice(start, end));
        const asked: Asked = {
          message,
          id: message.readUInt16BE(0),
          ...readQuestion(message),
          sourcePort: socket.remotePort ?? 0,
          connection: socket,
          reply: (answer) => socket.write(framed(answer)),
          replyFromElsewhere: notHere,
        };
        this.take(asked, () => this.handler(asked, this.asked.length));
        return true;
      });
    });
  }
}

/** A question over HTTPS. `reply` sends it as a server should. */
export interface Posted extends Asked {
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  readonly headers: IncomingHttpHeaders;
}

export type PostHandler = (posted: Posted, nth: number) => void;

/** DNS over HTTPS. */
export class HttpsFake extends Questions {
  handler: PostHandler;
  port = 0;
  readonly sessions = new Set<ServerHttp2Session>();
  sessionCount = 0;
  readonly #server: Http2SecureServer;

  constructor(pair: KeyPair, handler: PostHandler, streams = 100) {
    super();
    this.handler = handler;
    this.#server = createSecureServer({ ...pair, settings: { maxConcurrentStreams: streams } });
    this.#server.on('session', (session) => {
      this.sessionCount++;
      this.sessions.add(session);
      session.on('error', () => undefined);
      session.on('close', () => this.sessions.delete(session));
    });
    this.#server.on('stream', (stream, headers) => this.#take(stream, headers));
    this.#server.on('tlsClientError', () => undefined);
    this.#server.on('sessionError', () => undefined);
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const message = Buffer.concat(chunks);
      // It ends so, too, when its session does.
      if (message.length < 12) return;
      const session = stream.session as ServerHttp2Session;
      const posted: Posted = {
        message,
        id: message.readUInt16BE(0),
        ...readQuestion(message),
        sourcePort: session.socket.remotePort ?? 0,
        connection: null,
        reply: (answer) => respond(stream, answer),
        replyFromElsewhere: notHere,
        stream,
        session,
        headers,
      };
      this.take(posted, () => this.handler(posted, this.asked.length));
    });
  }
}

/** Sends `body` with the headers of an answer, but for `changes`. */
export function respond(
  stream: ServerHttp2Stream,
  body: Uint8Array,
  changes: Readonly<Record<string, string | number>> = {},
): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/dns-message', ...changes });
  stream.end(body);
}

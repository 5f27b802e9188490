/**
 * TLS of one worker: accepts connections, takes PROXY headers off, and has a few handshakes made at
 * a time, so that neither many nor slow ones hold up the datagrams that share the thread.
 *
 * A handshake costs about a millisecond of processor time. Those of a turn of the worker's clock
 * (20 ms) are bounded, and so are the connections that wait for theirs or have not finished: the
 * oldest goes for a new one, because who is honest is done in a few round trips.
 */

import { createServer as createListener, type Server as Listening, type Socket } from 'node:net';
import { createServer as createTls, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { PEER_FAMILY, PEER_PORT, PEER_SAID, PEER_SIZE } from '../batch.ts';
import type { SocketAddress } from '../config/types.ts';
import {
  FORWARDER_REFUSED,
  TLS_CONNECTIONS,
  TLS_HANDSHAKES,
  TLS_HANDSHAKES_FAILED,
} from '../counters.ts';
import { BY_PROXY } from '../identity/forwarded.ts';
import type { Prefixes } from '../identity/prefixes.ts';
import { addressToBytes } from '../native/addresses.ts';
import { endpointText, errnoOf, openError } from '../native/open-error.ts';
import { BACKLOG } from '../native/tcp.ts';
import { PROXY_BAD, PROXY_MORE, readProxy } from '../wire/proxy.ts';
import type { Pair } from './certificates.ts';

/** Begun in one turn of the clock. */
const STARTS_PER_TURN = 8;
/** Connections whose handshake has not ended. */
const ARRIVALS_MAX = 512;
/** From the connection to the end of its handshake. */
const HANDSHAKE_MS = 5000;

export interface AcceptorHost {
  readonly counters: Float64Array;
  forwarders(): Prefixes;
}

/** What becomes of a connection once it is encrypted. @param record its peer record */
export type OnSecure = (socket: TLSSocket, record: Uint8Array) => void;

interface Arrival {
  readonly record: Uint8Array;
  readonly server: TlsServer;
  readonly sinceMs: number;
}

export class TlsAcceptor {
  readonly #host: AcceptorHost;
  readonly #listening: Listening[] = [];
  readonly #servers: TlsServer[] = [];
  /** In the order of their coming. */
  readonly #arrivals = new Map<Socket, Arrival>();
  readonly #waiting = new Set<Socket>();
  readonly #open = new Set<Socket>();
  #starts = STARTS_PER_TURN;

  constructor(host: AcceptorHost) {
    this.#host = host;
  }

  /** Opens a listener. @returns its port; rejects with a DnsvalveError that names the address */
  async listen(
    { address, port, family }: SocketAddress,
    pair: Pair,
    protocol: 'dot' | 'h2',
    onSecure: OnSecure,
  ): Promise<number> {
    const tls = this.#createTls(pair, protocol, onSecure);
    const listening = createListener({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onConnection(socket, family, tls),
    );
    this.#listening.push(listening);
    await new Promise<void>((resolve, reject) => {
      listening.once('error', (error) =>
        reject(openError(`TCP ${endpointText(address, port)}`, errnoOf(error))),
      );
      const ipv6Only = family === 6;
      const options = { host: address, port, ipv6Only, reusePort: true, backlog: BACKLOG };
      listening.listen(options, resolve);
    });
    listening.on('error', () => {});
    const bound = listening.address();
    return bound !== null && typeof bound === 'object' ? bound.port : port;
  }

  /** New certificates for the listeners in the order of their opening; handshakes from now on. */
  certify(pairs: readonly Pair[]): void {
    for (const [i, pair] of pairs.entries()) this.#servers[i]?.setSecureContext(pair);
  }

  /** Called every turn of the worker's clock. */
  tick(): void {
    this.#starts = STARTS_PER_TURN;
    for (const socket of this.#waiting) {
      if (this.#starts === 0) break;
      this.#start(socket);
    }
    const limit = performance.now() - HANDSHAKE_MS;
    for (const [socket, { sinceMs }] of this.#arrivals) {
      if (sinceMs > limit) break;
      socket.destroy();
      this.#arrivals.delete(socket);
      this.#host.counters[TLS_HANDSHAKES_FAILED]!++;
    }
    this.#host.counters[TLS_CONNECTIONS] = this.#open.size;
  }

  stopListening(): void {
    for (const listening of this.#listening) listening.close();
    this.#listening.length = 0;
  }

  close(): void {
    this.stopListening();
    for (const socket of this.#open) socket.destroy();
  }

  #createTls(pair: Pair, protocol: 'dot' | 'h2', onSecure: OnSecure): TlsServer {
    // It never listens: connections are given to it one by one.
    const server = createTls({
      ...pair,
      minVersion: 'TLSv1.2',
      ALPNProtocols: [protocol],
      handshakeTimeout: HANDSHAKE_MS,
    });
    server.on('secureConnection', (socket) => {
      socket.on('error', () => socket.destroy());
      const raw = this.#rawOf(socket);
      const arrival = raw === null ? undefined : this.#arrivals.get(raw);
      if (raw === null || arrival === undefined) {
        socket.destroy();
        return;
      }
      this.#arrivals.delete(raw);
      this.#host.counters[TLS_HANDSHAKES]!++;
      onSecure(socket, arrival.record);
    });
    server.on('tlsClientError', (_, socket) => socket.destroy());
    this.#servers.push(server);
    return server;
  }

  /** The connection below: the one with the same two ends. */
  #rawOf(socket: TLSSocket): Socket | null {
    for (const raw of this.#arrivals.keys()) {
      const isSame =
        raw.remotePort === socket.remotePort &&
        raw.remoteAddress === socket.remoteAddress &&
        raw.localPort === socket.localPort &&
        raw.localAddress === socket.localAddress;
      if (isSame) return raw;
    }
    return null;
  }

  #onConnection(socket: Socket, family: 4 | 6, server: TlsServer): void {
    socket.on('error', () => socket.destroy());
    const [address = ''] = socket.remoteAddress?.split('%') ?? [];
    const record = new Uint8Array(PEER_SIZE);
    if (!addressToBytes(address, record, 0)) {
      socket.destroy();
      return;
    }
    const port = socket.remotePort ?? 0;
    record[PEER_PORT] = port >> 8;
    record[PEER_PORT + 1] = port;
    record[PEER_FAMILY] = family;
    this.#makeRoom();
    this.#open.add(socket);
    this.#arrivals.set(socket, { record, server, sinceMs: performance.now() });
    socket.once('close', () => this.#onClose(socket));
    if (this.#host.forwarders().find(record, 0) === BY_PROXY) this.#awaitHeader(socket, record);
    else this.#queue(socket);
  }

  #makeRoom(): void {
    if (this.#arrivals.size < ARRIVALS_MAX) return;
    const [oldest] = this.#arrivals.keys();
    oldest?.destroy();
    if (oldest !== undefined && this.#arrivals.delete(oldest)) {
      this.#host.counters[TLS_HANDSHAKES_FAILED]!++;
    }
  }

  #onClose(socket: Socket): void {
    this.#open.delete(socket);
    this.#waiting.delete(socket);
    if (this.#arrivals.delete(socket)) this.#host.counters[TLS_HANDSHAKES_FAILED]!++;
  }

  /** The PROXY header comes before the handshake, in any pieces. */
  #awaitHeader(socket: Socket, record: Uint8Array): void {
    let octets: Buffer = Buffer.alloc(0);
    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      octets = Buffer.concat([octets, chunk]);
      const size = readProxy(octets, 0, octets.length, record, 0);
      if (size === PROXY_MORE) return;
      socket.off('readable', onReadable);
      if (size === PROXY_BAD) {
        this.#host.counters[FORWARDER_REFUSED]!++;
        socket.destroy();
        return;
      }
      record[PEER_SAID] = 1;
      if (size < octets.length) socket.unshift(octets.subarray(size));
      this.#queue(socket);
    };
    socket.on('readable', onReadable);
    socket.once('end', () => socket.destroy());
  }

  #queue(socket: Socket): void {
    this.#waiting.add(socket);
    if (this.#starts > 0) this.#start(socket);
  }

  #start(socket: Socket): void {
    this.#waiting.delete(socket);
    const arrival = this.#arrivals.get(socket);
    if (arrival === undefined || socket.destroyed) return;
    this.#starts--;
    arrival.server.emit('connection', socket);
  }
}

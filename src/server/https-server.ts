/**
 * DNS over HTTPS of one worker (RFC 8484) over HTTP/2. Each request is decided by the same `decide`
 * as a datagram; sessions, requests under way and unread answers are bounded as those of TCP are.
 */

import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { PEER_SAID } from '../batch.ts';
import type { Clock } from '../clock.ts';
import { HTTPS_REFUSED, QUERIES_HTTPS } from '../counters.ts';
import { DIRECT } from '../identity/forwarded.ts';
import type { Memory } from '../memory.ts';
import { microseconds } from '../metrics/latency.ts';
import { FORWARD, OVER_HTTPS, Query, RESPOND } from '../query.ts';
import { HEADER_SIZE, MESSAGE_MAX, QR } from '../wire/constants.ts';
import { messageFlags } from '../wire/header.ts';
import { padResponse } from '../wire/padding.ts';
import { HTTPS_CHANNEL } from './channels.ts';
import type { Forwarder } from './forwarder.ts';
import { freshness } from './freshness.ts';
import { MEDIA_TYPE, readRequest } from './https-request.ts';
import { Requests } from './requests.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** Requests of one session that may be under way (RFC 9113 6.5.2 recommends 100 or more). */
const STREAMS_MAX = 100;
/** Octets of one request's header fields; the longest GET is some 88 kB of base64url. */
const HEADERS_MAX = 100_000;
const [BAD_REQUEST, UNAVAILABLE] = [400, 503];

export class HttpsServer {
  readonly #memory: Memory;
  readonly #clock: Clock;
  readonly #limits: TcpLimits;
  readonly #query = new Query();
  readonly #out = new Uint8Array(MESSAGE_MAX);
  /** Sessions and when each had its last whole query; the one longest without is first. */
  readonly #sessions = new Map<ServerHttp2Session, number>();
  readonly #requests = new Requests<ServerHttp2Stream>();
  #unread = 0;
  forwarder: Forwarder | null = null;

  constructor(memory: Memory, clock: Clock, limits: TcpLimits) {
    this.#memory = memory;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Takes an encrypted connection. @param path of the URL; @param record its peer record */
  adopt(socket: TLSSocket, record: Uint8Array, path: string): void {
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      return;
    }
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= this.#limits.connectionsMax) oldest?.destroy();
    const session = performServerHandshake(socket, {
      maxSessionMemory: 2,
      maxHeaderListPairs: 64,
      settings: {
        maxConcurrentStreams: STREAMS_MAX,
        maxHeaderListSize: HEADERS_MAX,
        enablePush: false,
      },
    });
    this.#sessions.set(session, this.#clock.nowMs);
    session.on('error', () => session.destroy());
    session.on('close', () => this.#sessions.delete(session));
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      readRequest(stream, headers, path, (message) => {
        if (stream.destroyed || stream.closed) return;
        if (typeof message === 'number') this.#refuse(stream, message);
        else this.#onMessage(session, stream, message, record);
      });
    });
  }

  /** Closes what has been without a query too long, a few at a time. Called every turn. */
  sweep(): void {
    const limit = this.#clock.nowMs - this.#limits.idleMs;
    let left = this.#limits.closesPerTurn;
    for (const [session, lastMs] of this.#sessions) {
      if (lastMs > limit || left-- === 0) break;
      this.#sessions.delete(session);
      session.destroy();
    }
  }

  close(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  // --- the outlet: responses that come later

  prepare(query: Query, ticket: number): boolean {
    if (this.#requests.find(ticket) === null) return false;
    this.#point(query);
    return true;
  }

  commit(query: Query, ticket: number): void {
    const stream = this.#requests.take(ticket);
    if (stream !== null) this.#answer(stream, query);
  }

  #point(query: Query): void {
    query.out = this.#out;
    query.outStart = 0;
    query.outRoom = MESSAGE_MAX;
  }

  #onMessage(
    session: ServerHttp2Session,
    stream: ServerHttp2Stream,
    message: Uint8Array,
    record: Uint8Array,
  ): void {
    const { forwarder } = this;
    if (forwarder === null) return;
    this.#clock.update();
    if (this.#sessions.delete(session)) this.#sessions.set(session, this.#clock.nowMs);
    const query = this.#aim(message, record, forwarder);
    const { meter, counters } = this.#memory;
    counters[QUERIES_HTTPS]!++;
    const verdict = forwarder.decide(query);
    meter.endBatch(microseconds(performance.now() - query.nowMs));
    if (verdict === RESPOND) {
      this.#answer(stream, query);
      forwarder.refresh(query);
    } else if (verdict === FORWARD) {
      this.#ask(stream, query, forwarder);
    } else if (message.length < HEADER_SIZE || (messageFlags(message, 0) & QR) !== 0) {
      this.#refuse(stream, BAD_REQUEST);
    } else {
      // The policy says that it gets no response.
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    }
    forwarder.upstreams?.flush();
    forwarder.onSettled();
  }

  #aim(message: Uint8Array, record: Uint8Array, { tables }: Forwarder): Query {
    const query = this.#query;
    query.octets = message;
    query.start = 0;
    query.end = message.length;
    query.peer = record;
    query.peerAt = 0;
    query.relay = record[PEER_SAID] === 1 ? DIRECT : tables.forwarders.find(record, 0);
    query.overTcp = 1;
    query.encryption = OVER_HTTPS;
    query.nowSeconds = this.#clock.nowSeconds;
    query.nowMs = this.#clock.nowMs;
    query.wallMs = this.#clock.wallMs;
    this.#point(query);
    return query;
  }

  #ask(stream: ServerHttp2Stream, query: Query, forwarder: Forwarder): void {
    const ticket = this.#requests.keep(stream);
    if (ticket === -1) {
      this.#refuse(stream, UNAVAILABLE);
      return;
    }
    stream.once('close', () => void this.#requests.take(ticket));
    forwarder.ask(query, HTTPS_CHANNEL + ticket);
  }

  #answer(stream: ServerHttp2Stream, query: Query): void {
    if (stream.destroyed || stream.closed || stream.headersSent) return;
    padResponse(query);
    const length = query.outLength;
    if (this.#unread + length > this.#limits.unreadMax) {
      stream.session?.destroy();
      return;
    }
    this.#unread += length;
    stream.once('close', () => {
      this.#unread -= length;
    });
    stream.respond({
      ':status': 200,
      'content-type': MEDIA_TYPE,
      'content-length': length,
      'cache-control': `max-age=${freshness(query.out, query.outStart, query.outStart + length)}`,
    });
    stream.end(Buffer.from(query.out.subarray(query.outStart, query.outStart + length)));
  }

  #refuse(stream: ServerHttp2Stream, status: number): void {
    this.#memory.counters[HTTPS_REFUSED]!++;
    if (stream.headersSent) return;
    const allow = status === 405 ? { allow: 'GET, POST' } : {};
    stream.respond({ ':status': status, 'content-length': 0, ...allow }, { endStream: true });
    // What still comes of the request is not waited for.
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

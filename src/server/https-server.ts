/**
 * DNS over HTTPS of one worker (RFC 8484) over HTTP/2. Each request is decided by the same `decide`
 * as a datagram; sessions, requests under way and unread answers are bounded as those of TCP are
 * (https-sessions.ts). Frames that are held against nobody's memory (CONTINUATION, SETTINGS and
 * PING that wait for their ACK) are bounded by nghttp2, 8 and 1,000 of a session.
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
import { HttpsSessions } from './https-sessions.ts';
import { Requests } from './requests.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** Requests of one session that may be under way (RFC 9113 6.5.2 recommends 100 or more). */
const STREAMS_MAX = 100;
/** Octets of one request's header fields; the longest GET is some 88 kB of base64url. */
const HEADERS_MAX = 100_000;
/** What a stream takes beside its octets. */
const STREAM_OCTETS = 1024;
/** Streams that may be reset: so many, and so many a second more (CVE-2023-44487). */
const [RESETS, RESETS_A_SECOND] = [200, 33];
const [BAD_REQUEST, UNAVAILABLE] = [400, 503];

export class HttpsServer {
  readonly #memory: Memory;
  readonly #clock: Clock;
  readonly #query = new Query();
  readonly #out = new Uint8Array(MESSAGE_MAX);
  readonly #sessions: HttpsSessions;
  readonly #requests = new Requests<ServerHttp2Stream>();
  forwarder: Forwarder | null = null;

  constructor(memory: Memory, clock: Clock, limits: TcpLimits) {
    this.#memory = memory;
    this.#clock = clock;
    this.#sessions = new HttpsSessions(limits, memory.counters);
  }

  /** Takes an encrypted connection. @param path of the URL; @param record its peer record */
  adopt(socket: TLSSocket, record: Uint8Array, path: string): void {
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      return;
    }
    const session = performServerHandshake(socket, {
      maxSessionMemory: 2,
      maxHeaderListPairs: 64,
      streamResetBurst: RESETS,
      streamResetRate: RESETS_A_SECOND,
      settings: {
        maxConcurrentStreams: STREAMS_MAX,
        maxHeaderListSize: HEADERS_MAX,
        enablePush: false,
      },
    });
    session.on('error', () => session.destroy());
    this.#sessions.open(session, socket, record, this.#isShared(record), this.#clock.nowMs);
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      readRequest(stream, headers, path, {
        onRequest: (message) => {
          if (stream.destroyed || stream.closed) return;
          if (typeof message === 'number') this.#refuse(stream, message);
          else this.#onMessage(session, stream, message, record);
        },
        keep: (octets) => this.#sessions.keep(session, octets),
      });
    });
  }

  #isShared(record: Uint8Array): boolean {
    return this.#relayOf(record) !== DIRECT;
  }

  #relayOf(record: Uint8Array): number {
    const { forwarder } = this;
    if (record[PEER_SAID] === 1 || forwarder === null) return DIRECT;
    return forwarder.tables.forwarders.find(record, 0);
  }

  /** Closes what has been without a query too long, a few at a time. Called every turn. */
  sweep(): void {
    this.#sessions.sweep(this.#clock.nowMs);
  }

  close(): void {
    this.#sessions.close();
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
    this.#sessions.touch(session, this.#clock.nowMs);
    const query = this.#aim(message, record);
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

  #aim(message: Uint8Array, record: Uint8Array): Query {
    const query = this.#query;
    query.octets = message;
    query.start = 0;
    query.end = message.length;
    query.peer = record;
    query.peerAt = 0;
    query.relay = this.#relayOf(record);
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
    const { session } = stream;
    const release = session && this.#sessions.keep(session, length + STREAM_OCTETS);
    if (!release) return;
    stream.once('close', release);
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

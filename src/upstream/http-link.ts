/**
 * HttpLink: questions as POST requests of one HTTP/2 session (RFC 8484). A request is a stream of
 * its own, so what goes wrong with one is nobody else's trouble. Nothing is followed, cached,
 * decompressed or sent along: an answer is a 200 with a DNS message, and all else is a failure.
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { ageMessage } from '../wire/age.ts';
import { HEADER_SIZE, MESSAGE_MAX } from '../wire/constants.ts';
import type { Link, LinkEvents, OpenLink } from './link.ts';
import { type Dialer, failureOf } from './tls.ts';
import type { StreamFailure } from './transport.ts';

const IDLE_MS = 30_000;
const MEDIA_TYPE = 'application/dns-message';
/** Streams that the server is taken to allow until it says. */
const STREAMS_START = 100;
/** RFC 9111 1.2.2: what stands for all that is larger. */
const SECONDS_MAX = 2 ** 31;
const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

const NO_HTTP2: StreamFailure = { reason: 'the server does not speak HTTP/2', certificate: false };

/** @param url where questions are posted */
export function httpLinks(dialer: Dialer, url: string): OpenLink {
  return (events) => new HttpLink(dialer.dial(), new URL(url), events);
}

/** One answer as far as it came. */
class Body {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  /** @returns false when it is longer than any message */
  add(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    return this.#size <= MESSAGE_MAX;
  }

  whole(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
  }
}

class HttpLink implements Link {
  readonly #socket: TLSSocket;
  readonly #url: URL;
  readonly #events: LinkEvents;
  #session: ClientHttp2Session | null = null;
  readonly #streams = new Map<number, ClientHttp2Stream>();
  #streamsMax = STREAMS_START;
  #error: Error | null = null;
  #retired = false;
  #over = false;

  constructor(socket: TLSSocket, url: URL, events: LinkEvents) {
    this.#socket = socket;
    this.#url = url;
    this.#events = events;
    socket.on('secureConnect', () => this.#begin());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#end(failureOf(socket, this.#error)));
  }

  get hasRoom(): boolean {
    return !this.#retired && this.#streams.size < this.#streamsMax;
  }

  send(message: Uint8Array, token: number): void {
    const session = this.#session;
    if (session === null || session.closed || session.destroyed) {
      // The end of the session is on its way to us.
      setImmediate(() => {
        if (this.#over) return;
        this.#retire();
        this.#events.onUntouched(token);
      });
      return;
    }
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': `${this.#url.pathname}${this.#url.search}`,
        'content-type': MEDIA_TYPE,
        accept: MEDIA_TYPE,
        'content-length': String(message.length),
      },
      { endStream: false },
    );
    this.#streams.set(token, stream);
    this.#listen(stream, token);
    // RFC 8484 4.1: the id is 0, which it is already.
    stream.end(message);
  }

  forget(token: number): void {
    const stream = this.#streams.get(token);
    if (stream !== undefined && this.#take(token, stream)) stream.close(NGHTTP2_CANCEL);
  }

  close(): void {
    this.#over = true;
    this.#session?.destroy();
    this.#socket.destroy();
  }

  #begin(): void {
    if (this.#over) return;
    if (this.#socket.alpnProtocol !== 'h2') {
      this.#end(NO_HTTP2);
      return;
    }
    const session = connect(this.#url.origin, {
      createConnection: () => this.#socket,
      settings: { enablePush: false },
    });
    this.#session = session;
    session.on('error', (error) => {
      this.#error ??= error;
    });
    session.on('goaway', () => this.#retire());
    session.on('close', () => this.#end(failureOf(this.#socket, this.#error)));
    session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      this.#streamsMax = maxConcurrentStreams ?? STREAMS_START;
      if (!this.#over) this.#events.onRoom();
    });
    session.setTimeout(IDLE_MS, () => {
      if (this.#streams.size === 0) session.destroy();
    });
    this.#events.onReady();
  }

  /** RFC 9113 6.8: streams that the server took go on, and no new ones are begun. */
  #retire(): void {
    if (this.#over || this.#retired) return;
    this.#retired = true;
    this.#events.onRetired();
  }

  #listen(stream: ClientHttp2Stream, token: number): void {
    const body = new Body();
    let isFit = false;
    let age = 0;
    stream.on('response', (headers) => {
      isFit = isAnswer(headers);
      age = ageOf(headers);
      if (!isFit) this.#refuse(token, stream);
    });
    stream.on('data', (chunk: Buffer) => {
      if (isFit && !body.add(chunk)) this.#refuse(token, stream);
    });
    stream.on('end', () => {
      if (isFit) this.#answer(token, stream, body.whole(), age);
    });
    // 'close' follows, and its code says why.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#closed(token, stream));
  }

  /** @param age seconds that the answer has lain in some cache of HTTP */
  #answer(token: number, stream: ClientHttp2Stream, octets: Buffer, age: number): void {
    if (octets.length < HEADER_SIZE) this.#refuse(token, stream);
    else if (this.#take(token, stream) && !this.#over) {
      if (age > 0) ageMessage(octets, 0, octets.length, age);
      this.#events.onMessage(token, octets, 0, octets.length);
      this.#events.onRoom();
    }
  }

  #refuse(token: number, stream: ClientHttp2Stream): void {
    if (!this.#take(token, stream)) return;
    stream.close(NGHTTP2_CANCEL);
    if (!this.#over) this.#events.onRefused(token);
  }

  /** A stream that ended without an answer. */
  #closed(token: number, stream: ClientHttp2Stream): void {
    // With the session they all end: that is the transport's to judge.
    if (this.#session?.destroyed === true || !this.#take(token, stream) || this.#over) return;
    if (stream.rstCode === NGHTTP2_REFUSED_STREAM) this.#events.onUntouched(token);
    else this.#events.onRefused(token);
  }

  /**
   * Ends the interest in a stream. @returns whether there was any: a question that was given up and
   * asked again has another one by now
   */
  #take(token: number, stream: ClientHttp2Stream): boolean {
    return this.#streams.get(token) === stream && this.#streams.delete(token);
  }

  #end(failure: StreamFailure): void {
    if (this.#over) return;
    this.close();
    this.#events.onEnd(failure);
  }
}

/** Nothing but 200 and the right type, not encoded in any way; never a redirect. */
function isAnswer(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): boolean {
  const type = headers['content-type'] ?? '';
  if (headers[':status'] !== 200 || headers['content-encoding'] !== undefined) return false;
  return type.split(';', 1)[0]?.trim().toLowerCase() === MEDIA_TYPE;
}

/** Seconds by the Age field (RFC 9111 5.1): the first of several counts, what is no number not. */
function ageOf({ age = '' }: IncomingHttpHeaders): number {
  const [first = ''] = age.split(',', 1);
  return /^ *[0-9]+ *$/.test(first) ? Math.min(Number(first), SECONDS_MAX) : 0;
}

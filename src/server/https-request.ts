/** Requests of DNS over HTTPS (RFC 8484 4.1): the message in one, or the HTTP error it gets. */

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { MESSAGE_MAX } from '../wire/constants.ts';

export const MEDIA_TYPE = 'application/dns-message';

const [BAD, NOT_FOUND, METHOD, TOO_LARGE, MEDIA] = [400, 404, 405, 413, 415];
const QUERY_KEY = 'dns=';

/** A request that is not whole takes that much beside its octets: its stream, and what waits. */
const STREAM_OCTETS = 4096;
const BODY_START = 512;

/** The message of a request, or its HTTP status. Called once, unless the stream is gone before. */
type OnRequest = (message: Uint8Array | number) => void;

export interface RequestHost {
  readonly onRequest: OnRequest;
  /** Room for what is not whole: how to give it back, or null when the session is gone. */
  readonly keep: (octets: number) => (() => void) | null;
}

/** @param path of the URL that is served */
export function readRequest(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  path: string,
  host: RequestHost,
): void {
  const { onRequest } = host;
  const [target = '', query = ''] = split(headers[':path']);
  const method = headers[':method'];
  if (target !== path) onRequest(NOT_FOUND);
  else if (method === 'GET') onRequest(fromQuery(query));
  else if (method === 'POST') readBody(stream, headers, host);
  else onRequest(METHOD);
}

function split(path: unknown): string[] {
  const text = typeof path === 'string' ? path : '';
  const mark = text.indexOf('?');
  return mark === -1 ? [text] : [text.slice(0, mark), text.slice(mark + 1)];
}

/** The one variable of the URI template, base64url without padding (RFC 8484 6). */
function fromQuery(query: string): Uint8Array | number {
  const found = query.split('&').filter((part) => part.startsWith(QUERY_KEY));
  const text = found[0]?.slice(QUERY_KEY.length) ?? '';
  if (found.length !== 1 || !/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) return BAD;
  const message = Buffer.from(text, 'base64url');
  return message.length > MESSAGE_MAX ? TOO_LARGE : message;
}

function readBody(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { onRequest, keep }: RequestHost,
): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const isTooLarge = Number(headers['content-length'] ?? 0) > MESSAGE_MAX;
  if (type.trim().toLowerCase() !== MEDIA_TYPE || isTooLarge) {
    onRequest(isTooLarge ? TOO_LARGE : MEDIA);
    return;
  }
  const body = new Body(keep);
  stream.once('close', () => body.release());
  stream.on('data', (chunk: Buffer) => {
    if (body.length + chunk.length <= MESSAGE_MAX) {
      body.append(chunk);
      return;
    }
    body.release();
    stream.removeAllListeners('data');
    stream.removeAllListeners('end');
    stream.resume();
    onRequest(TOO_LARGE);
  });
  stream.on('end', () => {
    body.release();
    onRequest(body.octets.subarray(0, body.length));
  });
}

/**
 * The octets of a request as they come, in one block of their own: a chunk of one octet would hold
 * all that was read from the connection with it.
 */
class Body {
  octets = new Uint8Array(0);
  length = 0;
  readonly #keep: RequestHost['keep'];
  #releases: (() => void)[] = [];

  constructor(keep: RequestHost['keep']) {
    this.#keep = keep;
    this.#take(STREAM_OCTETS);
  }

  append(chunk: Uint8Array): void {
    const needed = this.length + chunk.length;
    if (needed > this.octets.length && !this.#grow(needed)) return;
    this.octets.set(chunk, this.length);
    this.length = needed;
  }

  /** What it took is somebody else's again; the octets stay readable. */
  release(): void {
    for (const release of this.#releases) release();
    this.#releases = [];
  }

  /** @returns false when there is no room: then the session is gone, and all of this with it */
  #grow(needed: number): boolean {
    const size = Math.max(BODY_START, needed, Math.min(this.octets.length * 2, MESSAGE_MAX));
    if (!this.#take(size - this.octets.length)) return false;
    const larger = new Uint8Array(size);
    larger.set(this.octets.subarray(0, this.length));
    this.octets = larger;
    return true;
  }

  #take(octets: number): boolean {
    const release = this.#keep(octets);
    if (release !== null) this.#releases.push(release);
    return release !== null;
  }
}

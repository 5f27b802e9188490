/** Requests of DNS over HTTPS (RFC 8484 4.1): the message in one, or the HTTP error it gets. */

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { MESSAGE_MAX } from '../wire/constants.ts';

export const MEDIA_TYPE = 'application/dns-message';

const [BAD, NOT_FOUND, METHOD, TOO_LARGE, MEDIA] = [400, 404, 405, 413, 415];
const QUERY_KEY = 'dns=';

/** The message of a request, or its HTTP status. Called once, unless the stream is gone before. */
export type OnRequest = (message: Uint8Array | number) => void;

/** @param path of the URL that is served */
export function readRequest(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  path: string,
  onRequest: OnRequest,
): void {
  const [target = '', query = ''] = split(headers[':path']);
  const method = headers[':method'];
  if (target !== path) onRequest(NOT_FOUND);
  else if (method === 'GET') onRequest(fromQuery(query));
  else if (method === 'POST') readBody(stream, headers, onRequest);
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
  onRequest: OnRequest,
): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const isTooLarge = Number(headers['content-length'] ?? 0) > MESSAGE_MAX;
  if (type.trim().toLowerCase() !== MEDIA_TYPE || isTooLarge) {
    onRequest(isTooLarge ? TOO_LARGE : MEDIA);
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MESSAGE_MAX) {
      chunks.push(chunk);
    } else {
      stream.removeAllListeners('data');
      stream.removeAllListeners('end');
      stream.resume();
      onRequest(TOO_LARGE);
    }
  });
  stream.on('end', () => onRequest(Buffer.concat(chunks)));
}

/**
 * One download of a feed: conditional, bounded in time and size, and refused when it is plainly not
 * a list. Whether it may replace the last good one is decided in refresh.ts.
 *
 * It resolves the server's name with the machine's own resolver, never through dnsvalve itself.
 */

import { DnsvalveError, messageOf } from '../errors.ts';

/** For the whole download, so that a server that drips octets cannot hold it for ever. */
export const FETCH_TIMEOUT_MS = 120_000;
/** After decompression: some ten million names. */
export const FETCH_OCTETS_MAX = 128 * 1024 * 1024;

export interface FetchRequest {
  readonly url: string;
  /** Validators of the last good download; '' for none. */
  readonly etag: string;
  readonly lastModified: string;
  readonly timeoutMs: number;
  readonly octetsMax: number;
  /** Ends the download early. */
  readonly signal: AbortSignal;
}

export type Fetched =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'list';
      readonly octets: Uint8Array;
      readonly etag: string;
      readonly lastModified: string;
    };

/** @throws DnsvalveError FEED when there is no usable list; the message says why */
export async function fetchFeed(request: FetchRequest): Promise<Fetched> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  try {
    return await download(request, AbortSignal.any([timeout, request.signal]));
  } catch (error) {
    if (error instanceof DnsvalveError) throw error;
    const why = timeout.aborted ? `not complete after ${request.timeoutMs} ms` : reasonOf(error);
    throw refusal(request, why, error);
  }
}

async function download(request: FetchRequest, signal: AbortSignal): Promise<Fetched> {
  const headers = new Headers({ accept: 'text/plain, */*;q=0.1', 'user-agent': 'dnsvalve' });
  if (request.etag !== '') headers.set('if-none-match', request.etag);
  if (request.lastModified !== '') headers.set('if-modified-since', request.lastModified);
  const response = await fetch(request.url, { headers, signal });
  // A redirect must not take away the protection that the configuration asked for.
  if (request.url.startsWith('https:') && !response.url.startsWith('https:')) {
    await response.body?.cancel();
    throw refusal(request, `redirected to ${response.url}, which is not https`);
  }
  const isConditional = request.etag !== '' || request.lastModified !== '';
  if (response.status === 304 && isConditional) return { kind: 'unchanged' };
  if (response.status !== 200) {
    await response.body?.cancel();
    throw refusal(request, `the server answered ${response.status}`);
  }
  const octets = await readBody(request, response);
  if (octets.length === 0) throw refusal(request, 'the list is empty');
  if (isHtml(octets)) throw refusal(request, 'the server sent a web page, not a list');
  return {
    kind: 'list',
    octets,
    etag: response.headers.get('etag') ?? '',
    lastModified: response.headers.get('last-modified') ?? '',
  };
}

async function readBody(request: FetchRequest, response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    // Leaving the loop cancels the body.
    if (length > request.octetsMax) {
      throw refusal(request, `larger than ${request.octetsMax} octets`);
    }
    parts.push(part);
  }
  const octets = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}

/** A login or error page sent with status 200, whatever its Content-Type says. */
function isHtml(octets: Uint8Array): boolean {
  const start = new TextDecoder().decode(octets.subarray(0, 512));
  return /^\s*(<\?xml|<!doctype html|<html|<head|<body)/i.test(start);
}

/** `fetch` hides the reason in the cause of a "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return messageOf(cause) || String(cause);
}

function refusal(request: FetchRequest, why: string, cause?: unknown): DnsvalveError {
  return new DnsvalveError('FEED', `fetching ${request.url}: ${why}`, cause);
}

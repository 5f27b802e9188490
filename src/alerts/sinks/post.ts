/** One request of a webhook, and what its outcome means for the alerts in it. */

import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { messageOf } from '../../errors.ts';

export type Outcome =
  | { readonly kind: 'taken' }
  /** Not now; `afterMs` where the receiver said when. */
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs: number | null }
  /** Not these alerts, ever. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface Post {
  readonly url: URL;
  /** Connected to instead of what the name of the URL leads to. */
  readonly address: string | null;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** Statuses by which a receiver speaks about the body; all others may pass. */
const REFUSED = new Set([400, 413, 422]);
const TIMEOUT_MS = 30_000;
const RETRY_AFTER_MAX_MS = 3_600_000;

/** Never fails: trouble of every kind is an outcome. */
export function post({ url, address, agent, headers, body, signal }: Post): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const later = (reason: string): void => resolve({ kind: 'later', reason, afterMs: null });
  const octets = Buffer.from(body, 'utf8');
  const sent = request(
    {
      agent,
      method: 'POST',
      hostname: address ?? bare(url.hostname),
      port: url.port === '' ? 443 : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, 'content-length': octets.length },
      signal,
    },
    (response) => {
      // What the body says is of no use; reading it keeps the connection usable.
      response.on('error', () => {}).resume();
      resolve(outcomeOf(response, Date.now()));
    },
  );
  const timer = setTimeout(() => sent.destroy(new Error('no answer in time')), TIMEOUT_MS);
  sent.on('error', (error) => later(messageOf(error)));
  sent.on('close', () => {
    clearTimeout(timer);
    later('the connection was closed without an answer');
  });
  sent.end(octets);
  return promise;
}

/** A host of a URL without the brackets of IPv6. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function outcomeOf(response: IncomingMessage, nowMs: number): Outcome {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'taken' };
  if (REFUSED.has(status)) return { kind: 'refused', reason: `HTTP ${status}` };
  // Following one would hand the alerts to whoever can answer for the address once.
  const more = status >= 300 && status < 400 ? ': redirects are not followed' : '';
  const afterMs = retryAfter(response.headers['retry-after'], nowMs);
  return { kind: 'later', reason: `HTTP ${status}${more}`, afterMs };
}

/** RFC 9110 10.2.3: seconds or a date. In ms from now, an hour at most; null where it says none. */
export function retryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

/**
 * Alerts to an HTTPS endpoint: batches of JSON, signed, one request at a time and in order. A batch
 * is delivered when the receiver says 2xx; until then it is sent again with growing pauses, or when
 * Retry-After says. A batch that is refused for what it holds is halved, until the one alert that
 * it is about is alone and is dropped.
 */

import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import type { SecureContext } from 'node:tls';
import type { HttpsTarget } from '../../config/sink-types.ts';
import { messageOf } from '../../errors.ts';
import type { Alert } from '../alert.ts';
import { BACKOFF_DEFAULT, Backoff, type BackoffOptions } from './backoff.ts';
import { bare, type Outcome, post } from './post.ts';
import { Queue } from './queue.ts';
import { readSecret } from './secret.ts';
import { signature } from './signature.ts';
import type { Encode, Report, Sink, SinkStats } from './sink.ts';
import { TlsIdentity, verification } from './tls.ts';

/** Of the body; raised when a field changes its meaning or goes. */
export const WEBHOOK_VERSION = 1;
/** A receiver that is rate limited or down is better left alone for longer than a socket. */
const PAUSES = { ...BACKOFF_DEFAULT, firstMs: 500, maxMs: 60_000 };

export interface WebhookSinkOptions {
  readonly name: string;
  readonly target: HttpsTarget;
  /** One JSON document an alert. */
  readonly encode: Encode;
  readonly report: Report;
  readonly backoff?: BackoffOptions;
}

export class WebhookSink implements Sink {
  readonly name: string;
  readonly #options: WebhookSinkOptions;
  readonly #url: URL;
  readonly #identity: TlsIdentity;
  readonly #queue: Queue;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  #agent: Agent | null = null;
  #context: SecureContext | null = null;
  /** Taken from the queue and not yet delivered. */
  #held: Uint8Array[] = [];
  /** How many of them the next request has. */
  #size: number;
  /** Of the request under way; the same when it is tried again. */
  #id = '';
  #working = false;
  #done: Promise<void> = Promise.resolve();
  #wake: (() => void) | null = null;
  #closed = false;

  /** @throws Error when a certificate or the secret cannot be read */
  constructor(options: WebhookSinkOptions) {
    const { target } = options;
    this.name = options.name;
    this.#options = options;
    this.#url = new URL(target.url);
    this.#size = target.batch;
    this.#identity = new TlsIdentity(target.tls);
    this.#identity.read();
    if (target.secret !== null) readSecret(target.secret);
    this.#queue = new Queue(options.name, options.report);
    this.#backoff = new Backoff(options.backoff ?? PAUSES);
  }

  push(alert: Alert): void {
    if (this.#closed) {
      this.#queue.drop(1, 'closed');
      return;
    }
    this.#queue.push(this.#options.encode(alert));
    this.#start();
  }

  stats(): SinkStats {
    const stats = this.#queue.stats();
    return { ...stats, queued: stats.queued + this.#held.length };
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    const timer = setTimeout(() => {
      this.#abort.abort();
      this.#wake?.();
    }, deadlineMs);
    await this.#done;
    clearTimeout(timer);
    this.#agent?.destroy();
    this.#queue.abandon(this.#held.length, 'closed before the receiver took everything');
    this.#held = [];
  }

  #start(): void {
    if (this.#working) return;
    this.#working = true;
    this.#done = this.#work();
  }

  async #work(): Promise<void> {
    while (!this.#abort.signal.aborted && this.#fill()) {
      const count = Math.min(this.#size, this.#held.length);
      const outcome = await this.#send(this.#held.slice(0, count));
      const pauseMs = this.#settle(outcome, count);
      if (pauseMs > 0) await this.#pause(pauseMs);
    }
    this.#working = false; // in the same turn as the last look at the queue
  }

  /** Takes a batch, unless one is held. False when there is nothing. */
  #fill(): boolean {
    while (this.#held.length < this.#options.target.batch) {
      // What a request under way is about must not change: its id stands for it.
      if (this.#id !== '') break;
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#held.push(next);
    }
    return this.#held.length > 0;
  }

  async #send(batch: readonly Uint8Array[]): Promise<Outcome> {
    this.#id = this.#id === '' ? `msg_${randomUUID()}` : this.#id;
    const alerts = batch.map((one) => Buffer.from(one).toString('utf8').trimEnd()).join(',');
    const body = `{"version":${WEBHOOK_VERSION},"alerts":[${alerts}]}`;
    try {
      return await post({
        url: this.#url,
        address: this.#options.target.address,
        agent: this.#connections(),
        headers: this.#headers(body),
        body,
        signal: this.#abort.signal,
      });
    } catch (error) {
      return { kind: 'later', reason: messageOf(error), afterMs: null };
    }
  }

  /** Follows an outcome. @returns ms to wait before the next request */
  #settle(outcome: Outcome, count: number): number {
    if (outcome.kind === 'later') {
      this.#queue.failed(outcome.reason);
      return Math.max(this.#backoff.next(), outcome.afterMs ?? 0);
    }
    this.#id = '';
    if (outcome.kind === 'taken') {
      this.#backoff.reset();
      this.#held = this.#held.slice(count);
      this.#queue.delivered(count);
      this.#size = Math.min(this.#options.target.batch, this.#size * 2);
    } else if (count > 1) {
      this.#size = count >> 1;
    } else {
      this.#held = this.#held.slice(1);
      this.#queue.failed(outcome.reason);
      this.#queue.drop(1, `the receiver refused an alert for good: ${outcome.reason}`);
    }
    return 0;
  }

  /** @throws Error when the secret cannot be read */
  #headers(body: string): Record<string, string> {
    const { secret } = this.#options.target;
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'dnsvalve',
      'webhook-id': this.#id,
      'webhook-timestamp': String(timestamp),
    };
    if (secret === null) return headers;
    const key = readSecret(secret).trim();
    return { ...headers, 'webhook-signature': signature(key, this.#id, timestamp, body) };
  }

  /** Connections by the certificates of now. @throws Error when they cannot be read */
  #connections(): Agent {
    const context = this.#identity.read();
    if (this.#agent !== null && context === this.#context) return this.#agent;
    this.#agent?.destroy();
    const options = verification(bare(this.#url.hostname), this.#identity);
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ...options });
    this.#context = context;
    return this.#agent;
  }

  async #pause(ms: number): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    this.#wake = null;
    clearTimeout(timer);
  }
}

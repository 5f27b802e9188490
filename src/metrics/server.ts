/**
 * The HTTP server for Prometheus and for probes: `/metrics`, `/health`, `/ready`. It reads only,
 * on the main thread; whoever asks it too much harms no query.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { SocketAddress } from '../config/types.ts';
import { PROGRESS } from '../counters.ts';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Resolver } from '../server/resolver.ts';
import { CONTENT_TYPES, formatFor } from './exposition.ts';
import { MetricsPage } from './page.ts';

const CONNECTIONS_MAX = 64;
const REQUEST_MS = 5000;
/** A worker turns its clock every 20 ms; one that has not for a second stands still. */
const HEALTH_MS = 1000;
const LOOK_MS = 25;
const PLAIN = 'text/plain; charset=utf-8';

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

export class MetricsServer {
  readonly #resolver: Resolver;
  readonly #log: Log;
  readonly #page: MetricsPage;
  #server: Server | null = null;
  #address = '';
  #isStopping = false;

  constructor(resolver: Resolver, log: Log) {
    this.#resolver = resolver;
    this.#log = log;
    this.#page = new MetricsPage(resolver);
  }

  /** Listens where the configuration says; a problem costs the metrics, not the answers. */
  async follow(listen: SocketAddress | null): Promise<void> {
    const address = listen === null ? '' : JSON.stringify(listen);
    if (address === this.#address) return;
    await this.close();
    if (listen === null) return;
    try {
      this.#server = await this.#open(listen);
      this.#address = address;
    } catch (error) {
      this.#log.error({ listen, reason: messageOf(error) }, 'the metrics cannot be served');
    }
  }

  /** The program is about to end: whoever balances load is to look elsewhere. */
  stopping(): void {
    this.#isStopping = true;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#address = '';
    if (server === null) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  #open({ address, port }: SocketAddress): Promise<Server> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.maxConnections = CONNECTIONS_MAX;
    server.requestTimeout = REQUEST_MS;
    server.headersTimeout = REQUEST_MS;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(new DnsvalveError('SYSTEM', messageOf(error))));
      server.listen(port, address, () => resolve(server));
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, text } = await this.#reply(request).catch((error: unknown) => {
      this.#log.error({ reason: messageOf(error) }, 'the metrics could not be written');
      return { status: 500, type: PLAIN, text: 'see the log\n' };
    });
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  }

  async #reply({ method, url, headers }: IncomingMessage): Promise<Reply> {
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'GET and HEAD only');
    const path = url?.split('?')[0];
    if (path === '/metrics') {
      const format = formatFor(headers.accept);
      const text = await this.#page.text(format);
      return { status: 200, type: CONTENT_TYPES[format], text };
    }
    if (path === '/health') return this.#health();
    if (path === '/ready') return this.#ready();
    return plain(404, 'one of /metrics, /health, /ready');
  }

  /** Alive: every worker turns its clock. */
  async #health(): Promise<Reply> {
    const still = await this.#standingStill();
    return still.length === 0
      ? plain(200, 'ok')
      : plain(503, `worker ${still.join(', ')}: stands still`);
  }

  /** Of use: alive, and not about to end. What upstreams do is no matter: denials need none. */
  async #ready(): Promise<Reply> {
    return this.#isStopping ? plain(503, 'stopping') : this.#health();
  }

  async #standingStill(): Promise<number[]> {
    const { workers } = this.#resolver;
    const before = workers.each(PROGRESS);
    const deadline = performance.now() + HEALTH_MS;
    for (;;) {
      await pause(LOOK_MS);
      const now = workers.each(PROGRESS);
      const still = [...now.keys()].filter((worker) => now[worker] === before[worker]);
      if (still.length === 0 || performance.now() > deadline) return still;
    }
  }
}

function plain(status: number, text: string): Reply {
  return { status, type: PLAIN, text: `${text}\n` };
}

/**
 * Upstream totals: what all workers together counted of each server since the start. A worker that
 * was started anew counts from 0; here nothing goes back.
 */

import type { ServerStats } from '../upstream/upstreams.ts';
import { LATENCY_CELLS } from './latency.ts';

const COUNTED = [
  'sent',
  'tcp',
  'answered',
  'hedges',
  'hedgesWon',
  'timeouts',
  'mismatches',
  'malformed',
  'strays',
  'networkErrors',
] as const;

type Counted = (typeof COUNTED)[number];

export interface UpstreamTotal {
  readonly upstream: string;
  /** As people write it, with its port. */
  readonly server: string;
  /** What its stream is. */
  readonly stream: 'tcp' | 'tls' | 'https';
  readonly counts: Record<Counted, number>;
  /** Of the answers, as metrics/latency.ts lays it out. */
  readonly latency: Float64Array;
  /** Workers that do not ask it now. */
  open: number;
  /** Mean of the workers, ms. */
  srttMs: number;
}

export class UpstreamTotals {
  readonly #totals = new Map<string, UpstreamTotal>();
  /** What each worker said last, by worker and server. */
  readonly #last = new Map<string, ServerStats>();

  /** Takes what every worker says now; those of servers that are gone are no longer told. */
  take(workers: readonly (readonly ServerStats[])[]): UpstreamTotal[] {
    const told = new Map<string, ServerStats[]>();
    for (const [worker, servers] of workers.entries()) {
      for (const stats of servers) {
        const key = keyOf(stats);
        told.set(key, [...(told.get(key) ?? []), stats]);
        this.#add(this.#total(key, stats), stats, this.#last.get(`${worker} ${key}`));
        this.#last.set(`${worker} ${key}`, stats);
      }
    }
    return [...told].map(([key, servers]) => this.#gauged(key, servers));
  }

  #total(key: string, { group, server, transport }: ServerStats): UpstreamTotal {
    const known = this.#totals.get(key);
    if (known !== undefined) return known;
    const total: UpstreamTotal = {
      upstream: group,
      server,
      stream: transport === 'udp' ? 'tcp' : transport,
      counts: Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>,
      latency: new Float64Array(LATENCY_CELLS),
      open: 0,
      srttMs: 0,
    };
    this.#totals.set(key, total);
    return total;
  }

  #add(total: UpstreamTotal, now: ServerStats, last: ServerStats | undefined): void {
    // Less than before: the worker, or its server, is another one.
    const before = last !== undefined && queriesOf(last) <= queriesOf(now) ? last : undefined;
    for (const name of COUNTED) total.counts[name] += now[name] - (before?.[name] ?? 0);
    for (const [cell, count] of now.latency.entries()) {
      const more = count - (before?.latency[cell] ?? 0);
      total.latency[cell] = (total.latency[cell] ?? 0) + more;
    }
  }

  #gauged(key: string, servers: readonly ServerStats[]): UpstreamTotal {
    const total = this.#total(key, servers[0] as ServerStats);
    total.open = servers.filter(({ state }) => state === 'open').length;
    total.srttMs = servers.reduce((sum, { srttMs }) => sum + srttMs, 0) / servers.length;
    return total;
  }
}

function queriesOf({ sent, tcp }: ServerStats): number {
  return sent + tcp;
}

function keyOf({ group, server }: ServerStats): string {
  return `${group} ${server}`;
}

/**
 * Monitor: looks at the resolver itself now and then and tells people what went quiet: a feed that
 * is not refreshed, an upstream none of whose servers answers, a server that is not who it must be,
 * a store that the disk does not take; and which workloads ask more than they may. Alerts fold, so
 * looking often is cheap.
 */

import { fromLimited } from '../alerts/overload.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { LimitedWatch } from '../metrics/limited.ts';
import { rateText } from '../overload/compile.ts';
import type { FeedStatus } from '../reputation/refresh.ts';
import type { ServerStats } from '../upstream/upstreams.ts';
import type { Resolver } from './resolver.ts';
import { StorageWatch, type StoreStatus } from './storage.ts';

const LOOK_MS = 10_000;
/** A feed is stale when two refreshes in a row did not come. */
const MISSED_REFRESHES = 2;

export class Monitor {
  readonly #resolver: Resolver;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #limited = new LimitedWatch();
  readonly #stores: () => readonly StoreStatus[];
  readonly #storage: StorageWatch;
  #lookedMs = Date.now();

  constructor(resolver: Resolver, stores: () => readonly StoreStatus[], log: Log) {
    this.#resolver = resolver;
    this.#stores = stores;
    this.#storage = new StorageWatch((store, reason) =>
      resolver.raise('storage-down', store, reason),
    );
    this.#log = log;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    try {
      this.#lookAtFeeds();
      this.#lookAtLimits();
      this.#storage.look(this.#stores());
      const workers = await this.#resolver.workers.upstreams();
      for (const group of deadGroups(workers)) {
        this.#resolver.raise('upstream-down', group, 'no server of this upstream answers');
      }
      for (const { group, server, reason } of strangers(workers)) {
        this.#resolver.raise('upstream-down', `${group} ${server}`, reason);
      }
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, 'looking after feeds and upstreams failed');
    }
  }

  #lookAtLimits(): void {
    const sinceMs = this.#lookedMs;
    this.#lookedMs = Date.now();
    const { workers, snapshot, alerts } = this.#resolver;
    for (const [workload, count] of this.#limited.look(workers.meters)) {
      const index = snapshot.config.workloads.findIndex(({ name }) => name === workload);
      const { owner = null, env = null } = snapshot.config.workloads[index] ?? {};
      const limit = rateText(index + 1, snapshot.memory.rates);
      const atMs = this.#lookedMs;
      alerts.raise(fromLimited({ workload, owner, env, count, limit, sinceMs, atMs }));
    }
  }

  #lookAtFeeds(): void {
    const { feeds } = this.#resolver.snapshot.config;
    const statuses = new Map(this.#resolver.feedStatuses().map((status) => [status.name, status]));
    for (const { name, source, refreshMs } of feeds) {
      const status = statuses.get(name);
      if (source.kind !== 'url' || status === undefined) continue;
      if (isStale(status, refreshMs)) {
        this.#resolver.raise(
          'feed-stale',
          name,
          status.lastError ?? 'it was not refreshed in time',
        );
      }
    }
  }
}

export function isStale(status: FeedStatus, refreshMs: number): boolean {
  return status.ageMs === null || status.ageMs > refreshMs * MISSED_REFRESHES;
}

/** Groups all of whose servers are out of use, in every worker that knows them. */
export function deadGroups(workers: readonly (readonly ServerStats[])[]): string[] {
  const isAlive = new Map<string, boolean>();
  for (const server of workers.flat()) {
    const alive = server.state !== 'open' || (isAlive.get(server.group) ?? false);
    isAlive.set(server.group, alive);
  }
  return [...isAlive].filter(([, alive]) => !alive).map(([group]) => group);
}

/** Servers that are not who they must be, each once, and why. */
export function strangers(
  workers: readonly (readonly ServerStats[])[],
): { readonly group: string; readonly server: string; readonly reason: string }[] {
  const found = workers
    .flat()
    .filter(({ certificateRefused }) => certificateRefused)
    .map(({ group, server, lastError }) => ({ group, server, reason: lastError ?? '' }));
  return [...new Map(found.map((one) => [`${one.group} ${one.server}`, one])).values()];
}

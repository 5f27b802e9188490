/**
 * The status document: what a running resolver has loaded, counts and lacks. Versioned. Its keys
 * are snake_case, whatever the parts of the program call what they give.
 */

import { learningText } from '../baseline/settings.ts';
import { configurationDigest } from '../config/digest.ts';
import { COUNTERS } from '../counters.ts';
import { usageOf } from '../detect/usage.ts';
import type { RecorderStats } from '../history/messages.ts';
import { limitedBy } from '../metrics/limited.ts';
import { rateText } from '../overload/compile.ts';
import type { Resolver } from '../server/resolver.ts';
import { ruleCount } from '../server/snapshot.ts';
import type { StoreStatus } from '../server/storage.ts';
import type { ServerStats } from '../upstream/upstreams.ts';

export const STATUS_VERSION = 1;

export async function statusOf(
  resolver: Resolver,
  stores: readonly StoreStatus[],
): Promise<unknown> {
  return withSnakeKeys({ ...(await partsOf(resolver)), storage: stores });
}

async function partsOf(resolver: Resolver): Promise<object> {
  const { snapshot } = resolver;
  const { config, memory, compileMs } = snapshot;
  const totals = resolver.workers.totals();
  const usage = process.memoryUsage();
  return {
    version: STATUS_VERSION,
    pid: process.pid,
    started_at: new Date(resolver.startedAt).toISOString(),
    uptime_seconds: Math.round((Date.now() - resolver.startedAt) / 1000),
    io: resolver.backend,
    listen: resolver.addresses.map(({ address, port, family, encrypted }) => {
      return { address, port, family, transport: encrypted?.transport ?? 'udp and tcp' };
    }),
    workers: config.workers,
    policy: {
      revision: memory.revision,
      files: config.files,
      configuration: configurationDigest(config),
      workloads: config.workloads.length,
      prefixes: config.prefixes,
      rules: ruleCount(snapshot),
      zones: config.zones.length,
      load_ms: Math.round(resolver.loadMs),
      compile_ms: Math.round(compileMs),
      last_reload: new Date(resolver.lastReload.at).toISOString(),
      last_reload_error: resolver.lastReload.error,
    },
    memory: {
      rss_bytes: usage.rss,
      shared_tables_bytes: sharedBytes(memory),
      reputation_bytes: sharedBytes(memory.reputation),
    },
    counters: Object.fromEntries(COUNTERS.map((name, cell) => [name, totals[cell] ?? 0])),
    feeds: resolver.feedStatuses(),
    upstreams: (await resolver.workers.upstreams()).map((servers) => servers.map(withoutLatency)),
    detection: usageOf(resolver.workers.detect),
    history: historyOf(resolver.recorderStats),
    baseline: baselineOf(resolver.recorderStats),
    alerts: resolver.alerts.stats(),
    query_log: resolver.queryLog.status(),
    rate_limited: rateLimited(resolver),
    budgets: resolver.accounts.statuses(memory.budgets),
  };
}

/** Workloads that asked more than they may, with the limits of now. */
function rateLimited({ workers, snapshot }: Resolver): object[] {
  const { meters } = workers;
  const { workloads } = snapshot.config;
  const counts = limitedBy({ slots: meters.slots, totals: meters.totals() });
  return [...counts].map(([workload, queries]) => {
    const number = workloads.findIndex(({ name }) => name === workload) + 1;
    return { workload, queries, limit: rateText(number, snapshot.memory.rates) };
  });
}

function historyOf(stats: RecorderStats | null): object | null {
  if (stats === null) return null;
  const { baseline: _, ...history } = stats;
  return history;
}

/** How far baselines have learnt, in the days that have been watched. */
function baselineOf(stats: RecorderStats | null): object | null {
  if (stats === null) return null;
  const { watchedHours, learningHours, burningIn } = stats.baseline;
  return {
    state: learningText(watchedHours, learningHours),
    watched_hours: watchedHours,
    learning_hours: learningHours,
    workloads_in_burn_in: burningIn,
  };
}

/** Histograms are for the metrics. */
function withoutLatency({ latency: _, ...server }: ServerStats): object {
  return server;
}

/** `value` with `lastError` as `last_error`, at any depth. */
export function withSnakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSnakeKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      withSnakeKeys(child),
    ]),
  );
}

/** Octets of all shared arrays below an object. */
export function sharedBytes(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + sharedBytes(part), 0);
}

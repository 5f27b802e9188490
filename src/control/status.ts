/** The status document: what a running resolver has loaded, counts and lacks. Versioned. */

import { COUNTERS } from '../counters.ts';
import { usageOf } from '../detect/usage.ts';
import type { Resolver } from '../server/resolver.ts';
import { ruleCount } from '../server/snapshot.ts';

export const STATUS_VERSION = 1;

export async function statusOf(resolver: Resolver): Promise<object> {
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
    listen: resolver.addresses,
    workers: config.workers,
    policy: {
      revision: memory.revision,
      files: config.files,
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
    upstreams: await resolver.workers.upstreams(),
    history: resolver.recorderStats,
    detection: usageOf(resolver.workers.detect),
    alerts: resolver.alerts.stats(),
  };
}

/** Octets of all shared arrays below an object. */
function sharedBytes(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + sharedBytes(part), 0);
}

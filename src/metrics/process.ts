/** Metrics of the process: the build, time, memory, processor. */

import { createRequire } from 'node:module';
import { sharedBytes } from '../control/status.ts';
import type { Resolver } from '../server/resolver.ts';
import type { Exposition, Sample } from './exposition.ts';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

export function writeProcess(page: Exposition, resolver: Resolver): void {
  const one = (value: number): Sample[] => [[{}, value]];
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  page.info('dnsvalve_build', 'What runs here; io is how it reads and writes datagrams.', {
    version,
    node: process.versions.node,
    io: resolver.backend,
  });
  page.gauge('dnsvalve_workers', 'Data-plane workers.', one(resolver.snapshot.config.workers));
  const started = one(resolver.startedAt / 1000);
  page.gauge('process_start_time_seconds', 'When it started.', started);
  const used = one((user + system) / 1e6);
  page.counter('process_cpu_seconds', 'Processor time of all threads.', used);
  page.gauge('process_resident_memory_bytes', 'Memory in use.', one(rss));
  page.gauge('dnsvalve_heap_used_bytes', 'JavaScript heap of the main thread.', one(heapUsed));
  const tables = one(sharedBytes(resolver.snapshot.memory));
  page.gauge('dnsvalve_tables_bytes', 'Shared memory of policy, feeds and zones.', tables);
}

/**
 * `dnsvalve workloads`: every workload that the history has heard of, with its totals.
 */

import type { Command } from 'commander';
import type { WorkloadRow } from '../history/rows.ts';
import type { CliContext } from './context.ts';
import {
  addReadingOptions,
  jsonTime,
  type Reading,
  type ReadingOptions,
  withHistory,
} from './reading.ts';
import type { Column } from './table.ts';
import { formatAge } from './time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'workload' },
  { title: 'domains', align: 'right' },
  { title: 'queries', align: 'right' },
  { title: 'denied', align: 'right' },
  { title: 'would deny', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: 'cached', align: 'right' },
  { title: 'first seen' },
  { title: 'last seen' },
  { title: 'age' },
];

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('workloads')
    .description('workloads with their domains, queries and denials');
  addReadingOptions(command).action((options: ReadingOptions) =>
    withHistory('workloads', options, context, run),
  );
}

function run(reading: Reading): void {
  const { queries, workload, sinceMs, limit, nowMs } = reading;
  const rows = queries.workloads({ workload, sinceMs, limit }).map((row) => ({
    cells: [
      row.workload,
      ...[row.domains, row.queries, row.denied, row.wouldDeny, row.failed, row.cached].map(String),
      reading.time(row.firstMs),
      reading.time(row.lastMs),
      formatAge(row.lastMs, nowMs),
    ],
    document: documentOf(row),
  }));
  reading.noteUnknownWorkload();
  reading.print(COLUMNS, rows);
}

function documentOf(row: WorkloadRow): Record<string, unknown> {
  return {
    workload: row.workload,
    domains: row.domains,
    queries: row.queries,
    allowed: row.allowed,
    denied: row.denied,
    would_deny: row.wouldDeny,
    failed: row.failed,
    cached: row.cached,
    first_seen: jsonTime(row.firstMs),
    last_seen: jsonTime(row.lastMs),
  };
}

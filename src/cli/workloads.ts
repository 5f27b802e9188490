/**
 * `dnsvalve workloads`: every workload that the history has heard of, with its totals.
 */

import type { Command } from 'commander';
import type { WorkloadRow } from '../history/rows.ts';
import { BASELINE_COLUMNS, baselineRow } from './baseline.ts';
import type { CliContext } from './context.ts';
import { addReadingOptions, type Reading, type ReadingOptions, withHistory } from './reading.ts';
import type { Column } from './table.ts';
import { formatAge, jsonTime } from './time.ts';

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
    .description('workloads with their domains, queries and denials')
    .argument('[name]', 'only this workload, as --workload')
    .option('--baseline', 'what is usual for them, by the hour (UTC)');
  addReadingOptions(command).action((name: string | undefined, options: Options) => {
    const chosen = name === undefined ? options : { ...options, workload: name };
    return withHistory('workloads', chosen, context, options.baseline ? runBaseline : run);
  });
}

interface Options extends ReadingOptions {
  readonly baseline?: boolean;
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

function runBaseline(reading: Reading): void {
  const { queries, workload, sinceMs, limit, nowMs } = reading;
  const baselines = queries.baselines(nowMs);
  const rows = queries.workloads({ workload, sinceMs, limit }).flatMap((row) => {
    const report = baselines.of(row.workload);
    return report === null ? [] : [baselineRow(row.workload, report)];
  });
  reading.noteUnknownWorkload();
  reading.print(BASELINE_COLUMNS, rows);
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

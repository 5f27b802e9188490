/**
 * `dnsvalve first-seen`: destinations that a workload asked for the first time, in the order of
 * time. A limit keeps the newest.
 */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { pairDocument } from './pair-output.ts';
import {
  addReadingOptions,
  addWindowOptions,
  type Reading,
  type ReadingOptions,
  withHistory,
} from './reading.ts';
import type { Column } from './table.ts';
import { formatAge } from './time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'first seen' },
  { title: 'age' },
  { title: 'workload' },
  { title: 'domain' },
  { title: 'first name' },
  { title: 'type' },
  { title: 'verdict' },
  { title: 'source' },
  { title: 'answers' },
];

interface FirstSeenOptions extends ReadingOptions {
  readonly network?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('first-seen')
    .description('new destinations of workloads, in the order of time')
    .option('--network', 'only domains that no workload asked for before (default: of 24 hours)');
  addWindowOptions(addReadingOptions(command)).action((options: FirstSeenOptions) => {
    const isNetwork = options.network === true;
    const chosen =
      isNetwork && options.since === undefined ? { ...options, since: '24h' } : options;
    return withHistory('first-seen', chosen, context, (reading) => run(reading, isNetwork));
  });
}

function run(reading: Reading, isNetwork: boolean): void {
  const { queries, filter, nowMs } = reading;
  const found = isNetwork ? queries.newForNetwork(filter) : queries.firstSeen(filter);
  const rows = found.map((row) => ({
    cells: [
      reading.time(row.firstMs),
      formatAge(row.firstMs, nowMs),
      row.workload,
      row.domain,
      row.firstName,
      row.firstType,
      row.firstVerdict,
      row.firstSource,
      row.answers.join(' '),
    ],
    document: pairDocument(row),
  }));
  reading.noteUnknownWorkload();
  reading.print(COLUMNS, rows);
}

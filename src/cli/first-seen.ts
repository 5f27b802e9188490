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

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('first-seen')
    .description('new destinations of workloads, in the order of time');
  addWindowOptions(addReadingOptions(command)).action((options: ReadingOptions) =>
    withHistory('first-seen', options, context, run),
  );
}

function run(reading: Reading): void {
  const { queries, filter, nowMs } = reading;
  const rows = queries.firstSeen(filter).map((row) => ({
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

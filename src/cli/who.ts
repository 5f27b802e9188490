/**
 * `dnsvalve who NAME`: which workloads asked for a name or anything below it, who first, when, from
 * which address. The question of 3 a.m.
 */

import type { Command } from 'commander';
import { reversedFromText } from '../history/names.ts';
import type { CliContext } from './context.ts';
import { pairDocument } from './pair-output.ts';
import { addReadingOptions, type Reading, type ReadingOptions, withHistory } from './reading.ts';
import type { Column } from './table.ts';
import { formatAge } from './time.ts';

/** Nobody asked: a finding for a script, as grep has it. */
const NOBODY = 1;

const COLUMNS: readonly Column[] = [
  { title: 'workload' },
  { title: 'name' },
  { title: 'first seen' },
  { title: 'age' },
  { title: 'source' },
  { title: 'first verdict' },
  { title: 'queries', align: 'right' },
  { title: 'denied', align: 'right' },
  { title: 'last seen' },
];

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('who')
    .description('which workloads asked for a name or anything below it, who first')
    .argument('<name>', 'a domain, or a full name');
  addReadingOptions(command).action((name: string, options: ReadingOptions) =>
    withHistory('who', options, context, (reading) => {
      if (run(reading, name) === 0) context.setExitCode(NOBODY);
    }),
  );
}

/** @returns rows printed */
function run(reading: Reading, name: string): number {
  const { queries, workload, sinceMs, limit, nowMs } = reading;
  const reversed = reversedFromText(name);
  const rows = queries.ofName(reversed, 'subtree', { workload, sinceMs, limit });
  const output = rows.map((row) => ({
    cells: [
      row.workload,
      row.name,
      reading.time(row.firstMs),
      formatAge(row.firstMs, nowMs),
      row.firstSource,
      row.firstVerdict,
      String(row.queries),
      String(row.denied),
      reading.time(row.lastMs),
    ],
    document: pairDocument(row),
  }));
  reading.noteUnknownWorkload();
  reading.print(COLUMNS, output);
  const folded = queries.foldedAbove(reversed);
  if (folded > 0) {
    reading.note(`${folded} queries of the domain above were counted without their full names`);
  }
  return rows.length;
}

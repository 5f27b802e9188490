/**
 * `dnsvalve who NAME`: which workloads asked for a name or anything below it, who first, when, from
 * which address. The question of 3 a.m. With `--ip`: which workload an address was (who-ip.ts).
 */

import type { Command } from 'commander';
import { DnsvalveError } from '../errors.ts';
import { reversedFromText } from '../history/names.ts';
import type { CliContext } from './context.ts';
import { pairDocument } from './pair-output.ts';
import { addReadingOptions, type Reading, type ReadingOptions, withHistory } from './reading.ts';
import type { Column } from './table.ts';
import { formatAge } from './time.ts';
import { whoseAddress } from './who-ip.ts';

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

interface WhoOptions extends ReadingOptions {
  readonly ip?: string;
  readonly at?: string;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('who')
    .description('which workloads asked for a name or anything below it, who first')
    .argument('[name]', 'a domain, or a full name')
    .option('--ip <address>', 'instead: which workload this address belongs to')
    .option('--at <time>', 'with --ip: belonged to at that time (2026-03-01T03:00, 24h)');
  addReadingOptions(command).action((name: string | undefined, options: WhoOptions) =>
    withHistory('who', options, context, (reading) => {
      if (answer(reading, name, options) === 0) context.setExitCode(NOBODY);
    }),
  );
}

/** @returns rows printed */
function answer(reading: Reading, name: string | undefined, { ip, at }: WhoOptions): number {
  if ((name === undefined) === (ip === undefined) || (at !== undefined && ip === undefined)) {
    throw new DnsvalveError('USAGE', 'who: give a name, or --ip ADDRESS (and --at TIME)');
  }
  return ip === undefined ? run(reading, name ?? '') : whoseAddress(reading, ip, at);
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

/**
 * `dnsvalve who NAME` or `--file LIST`: which workloads asked for a name or anything below it, who
 * first, when, from which address. The question of 3 a.m. With `--ip`: which workload an address was
 * (who-ip.ts).
 */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { DnsvalveError, messageOf } from '../errors.ts';
import { reversedFromText } from '../history/names.ts';
import type { PairRow } from '../history/rows.ts';
import type { CliContext } from './context.ts';
import { readIndicators } from './indicators.ts';
import { pairDocument } from './pair-output.ts';
import {
  addReadingOptions,
  addWindowOptions,
  type OutputRow,
  type Reading,
  type ReadingOptions,
  withHistory,
} from './reading.ts';
import type { Column } from './table.ts';
import { formatAge } from './time.ts';
import { whoseAddress } from './who-ip.ts';

/** Nobody asked: a finding for a script, as grep has it. */
const NOBODY = 1;

/** Lines of a list that are complained of one by one. */
const PROBLEMS_SHOWN = 10;

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
  readonly file?: string;
  readonly ip?: string;
  readonly at?: string;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('who')
    .description('which workloads asked for a name or anything below it, who first')
    .argument('[name]', 'a domain, or a full name')
    .option('--file <path>', 'for every name in a list, one a line; - for standard input')
    .option('--ip <address>', 'instead: which workload this address belongs to')
    .option('--at <time>', 'with --ip: belonged to at that time (2026-03-01T03:00, 24h)');
  addWindowOptions(addReadingOptions(command)).action(
    (name: string | undefined, options: WhoOptions) => who(name, options, context),
  );
}

function who(name: string | undefined, options: WhoOptions, context: CliContext): Promise<void> {
  const { file, ip, at } = options;
  if ([name, file, ip].filter((one) => one !== undefined).length !== 1) {
    throw new DnsvalveError('USAGE', 'who: give a name, --file LIST, or --ip ADDRESS');
  }
  if (ip === undefined && at !== undefined) {
    throw new DnsvalveError('USAGE', 'who: --at TIME goes with --ip ADDRESS');
  }
  if (ip !== undefined && (options.until !== undefined || options.verdict !== undefined)) {
    throw new DnsvalveError('USAGE', 'who: --ip takes neither --until nor --verdict');
  }
  return withHistory('who', options, context, (reading) => {
    if (answer(reading, name, options) === 0) context.setExitCode(NOBODY);
  });
}

/** @returns rows printed */
function answer(reading: Reading, name: string | undefined, { file, ip, at }: WhoOptions): number {
  if (ip !== undefined) return whoseAddress(reading, ip, at);
  return file === undefined ? ofName(reading, name ?? '') : ofList(reading, file);
}

/** @returns rows printed */
function ofName(reading: Reading, name: string): number {
  const { queries } = reading;
  const reversed = reversedFromText(name);
  const rows = queries.ofName(reversed, 'subtree', reading.filter);
  reading.noteUnknownWorkload();
  reading.print(
    COLUMNS,
    rows.map((row) => outputOf(reading, row)),
  );
  const folded = queries.foldedAbove(reversed);
  if (folded > 0) {
    reading.note(`${folded} queries of the domain above were counted without their full names`);
  }
  return rows.length;
}

/** @returns rows printed */
function ofList(reading: Reading, file: string): number {
  const { names, addresses, problems } = readIndicators(textOf(file));
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) reading.note(`${file}:${problem}`);
  const more = problems.length - PROBLEMS_SHOWN;
  if (more > 0) reading.note(`${file}: ${more} lines more that hold no name`);
  if (addresses > 0) reading.note(`${file}: ${addresses} addresses left out: names only`);
  const rows = reading.queries.ofNames(names, reading.filter);
  reading.noteUnknownWorkload();
  reading.print(
    [{ title: 'indicator' }, ...COLUMNS],
    rows.map(({ indicator, row }) => {
      const { cells, document } = outputOf(reading, row);
      return { cells: [indicator, ...cells], document: { indicator, ...document } };
    }),
  );
  const asked = new Set(rows.map(({ indicator }) => indicator)).size;
  reading.note(`${asked} of ${names.length} names were asked for`);
  return rows.length;
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new DnsvalveError('USAGE', `${file}: ${messageOf(error)}`);
  }
}

function outputOf(reading: Reading, row: PairRow): OutputRow {
  return {
    cells: [
      row.workload,
      row.name,
      reading.time(row.firstMs),
      formatAge(row.firstMs, reading.nowMs),
      row.firstSource,
      row.firstVerdict,
      String(row.queries),
      String(row.denied),
      reading.time(row.lastMs),
    ],
    document: pairDocument(row),
  };
}

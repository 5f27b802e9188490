/**
 * `dnsvalve history NAME | --workload W`: what was asked for, since when, how often, with which
 * verdict. Reads the file directly; works without the daemon.
 */

import type { Command } from 'commander';
import { DnsvalveError } from '../errors.ts';
import { reversedFromText } from '../history/names.ts';
import type { NameRow, PairRow } from '../history/rows.ts';
import type { CliContext } from './context.ts';
import { whoWasGiven } from './history-answer.ts';
import { nameDocument, pairDocument } from './pair-output.ts';
import {
  addReadingOptions,
  type OutputRow,
  type Reading,
  type ReadingOptions,
  withHistory,
} from './reading.ts';
import type { Column } from './table.ts';

/** Names shown under one domain; the bound of detail is far below. */
const NAMES_SHOWN = 10_000;

const COLUMNS: readonly Column[] = [
  { title: 'workload' },
  { title: 'name' },
  { title: 'first seen' },
  { title: 'last seen' },
  { title: 'queries', align: 'right' },
  { title: 'allowed', align: 'right' },
  { title: 'denied', align: 'right' },
  { title: 'would deny', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: 'first source' },
  { title: 'answers' },
];

interface HistoryOptions extends ReadingOptions {
  readonly under?: boolean;
  readonly names?: boolean;
  readonly answer?: string;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('history')
    .description('what was asked for: first seen, last seen, counts, first source and answers')
    .argument('[name]', 'a domain, or a full name')
    .option('--under', 'the name and everything below it')
    .option('--answer <address>', 'instead: which workloads were given this address')
    .option('--names', 'the full names below each domain');
  addReadingOptions(command).action((name: string | undefined, options: HistoryOptions) => {
    const { answer } = options;
    if (name === undefined && options.workload === undefined && answer === undefined) {
      throw new DnsvalveError('USAGE', 'history: give a name, or --workload NAME');
    }
    if (name !== undefined && answer !== undefined) {
      throw new DnsvalveError('USAGE', 'history: give a name, or --answer ADDRESS');
    }
    return withHistory('history', options, context, (reading) =>
      answer === undefined ? run(reading, name, options) : whoWasGiven(reading, answer),
    );
  });
}

function run(reading: Reading, name: string | undefined, options: HistoryOptions): void {
  const rows = find(reading, name, options).map((row) =>
    options.names === true ? rowWithNames(reading, row) : plainRow(reading, row),
  );
  reading.noteUnknownWorkload();
  reading.print(COLUMNS, rows);
}

function find(reading: Reading, name: string | undefined, options: HistoryOptions): PairRow[] {
  const { queries, workload, sinceMs, limit } = reading;
  if (name === undefined) {
    return queries.ofWorkload({ workload: workload ?? '', sinceMs, limit });
  }
  const reach = options.under === true ? 'subtree' : 'exact';
  return queries.ofName(reversedFromText(name), reach, { workload, sinceMs, limit });
}

function plainRow(reading: Reading, row: PairRow): OutputRow {
  const cells = [row.workload, ...nameCells(reading, row), row.firstSource, row.answers.join(' ')];
  return { cells, document: pairDocument(row) };
}

function rowWithNames(reading: Reading, row: PairRow): OutputRow {
  const { queries } = reading;
  const isDomain = row.name === row.domain;
  const names = isDomain
    ? queries.names(row.workload, reversedFromText(row.domain), NAMES_SHOWN)
    : [];
  const { cells, document } = plainRow(reading, row);
  const below = names.map((name) => {
    const [text = '', ...rest] = nameCells(reading, name);
    return ['', `  ${text}`, ...rest, '', ''];
  });
  return { cells, below, document: { ...document, detail: names.map(nameDocument) } };
}

/** From the name to the counts, in the order of the columns. */
function nameCells(reading: Reading, row: NameRow): string[] {
  const counts = [row.queries, row.allowed, row.denied, row.wouldDeny, row.failed];
  const times = [reading.time(row.firstMs), reading.time(row.lastMs)];
  return [row.name, ...times, ...counts.map(String)];
}

/**
 * `dnsvalve history NAME | WORKLOAD`: what was asked for, since when, how often, with which
 * verdict, and what of it was new in a window. Reads the file directly; works without the daemon.
 */

import type { Command } from 'commander';
import { DnsvalveError } from '../errors.ts';
import { reversedFromText } from '../history/names.ts';
import type { HistoryQueries as Queries } from '../history/queries.ts';
import type { NameRow, PairRow } from '../history/rows.ts';
import type { CliContext } from './context.ts';
import { whoWasGiven } from './history-answer.ts';
import { nameDocument, pairDocument } from './pair-output.ts';
import {
  addReadingOptions,
  addWindowOptions,
  type OutputRow,
  type Reading,
  type ReadingOptions,
  withHistory,
} from './reading.ts';
import { daysDocument, SPARK_DAYS, sparkline } from './spark.ts';
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
  { title: `last ${SPARK_DAYS} days` },
];

/** Where a window is given: whether a row was first seen in it. */
const NEW_COLUMN: Column = { title: 'new' };

interface HistoryOptions extends ReadingOptions {
  readonly under?: boolean;
  readonly names?: boolean;
  readonly new?: boolean;
  readonly answer?: string;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('history')
    .description('what was asked for: first seen, last seen, counts, first source and answers')
    .argument('[name]', 'a domain, a full name, or a workload; with a dot behind it always a name')
    .option('--under', 'the name and everything below it')
    .option('--answer <address>', 'instead: which workloads were given this address')
    .option('--names', 'the full names below each domain')
    .option('--new', 'only what was first seen in the window');
  addWindowOptions(addReadingOptions(command)).action(
    (name: string | undefined, options: HistoryOptions) => {
      refuseContradictions(name, options);
      const { answer } = options;
      return withHistory('history', options, context, (reading) =>
        answer === undefined ? run(reading, name, options) : whoWasGiven(reading, answer),
      );
    },
  );
}

function refuseContradictions(name: string | undefined, options: HistoryOptions): void {
  const { answer, workload, until, verdict } = options;
  if (answer === undefined) {
    if (name === undefined && workload === undefined) {
      throw new DnsvalveError('USAGE', 'history: give a name, or --workload NAME');
    }
  } else if (name !== undefined) {
    throw new DnsvalveError('USAGE', 'history: give a name, or --answer ADDRESS');
  } else if (until !== undefined || verdict !== undefined) {
    throw new DnsvalveError('USAGE', 'history: --answer takes neither --until nor --verdict');
  }
}

function run(reading: Reading, name: string | undefined, options: HistoryOptions): void {
  const found = find(reading, name, options);
  const names = options.names === true ? namesOf(reading, found) : null;
  const rows = found.map((row) =>
    names === null ? plainRow(reading, row) : rowWithNames(reading, row, names.get(row.id) ?? []),
  );
  reading.noteUnknownWorkload();
  reading.print(reading.isWindow ? [NEW_COLUMN, ...COLUMNS] : COLUMNS, rows);
}

function find(reading: Reading, name: string | undefined, options: HistoryOptions): PairRow[] {
  const { queries, filter } = reading;
  const workload = name === undefined ? reading.workload : workloadNamed(reading, name);
  if (workload !== null) {
    const wanted = { ...filter, workload };
    return options.new === true ? queries.firstSeen(wanted) : queries.ofWorkload(wanted);
  }
  const reach = options.under === true ? 'subtree' : 'exact';
  const rows = queries.ofName(reversedFromText(name ?? ''), reach, filter);
  return options.new === true ? rows.filter((row) => isNew(reading, row)) : rows;
}

/** A word without a dot that the history knows as a workload means that. */
function workloadNamed({ workload, queries }: Reading, name: string): string | null {
  return workload === null && !name.includes('.') && queries.knowsWorkload(name) ? name : null;
}

function isNew({ sinceMs, untilMs }: Reading, { firstMs }: NameRow): boolean {
  return firstMs >= sinceMs && firstMs < untilMs;
}

/** Of the two forms a command prints one, and a thousand rows of the other cost 30 ms. */
function plainRow(reading: Reading, row: PairRow): OutputRow {
  return {
    get cells(): string[] {
      const spark = sparkline(row.days, Math.min(reading.nowMs, reading.untilMs - 1));
      const answers = row.answers.join(' ');
      const cells = [row.workload, ...nameCells(reading, row), row.firstSource, answers, spark];
      return reading.isWindow ? [isNew(reading, row) ? 'new' : '', ...cells] : cells;
    },
    get document(): Record<string, unknown> {
      const document = { ...pairDocument(row), days: daysDocument(row.days) };
      return reading.isWindow ? { new: isNew(reading, row), ...document } : document;
    },
  };
}

/** A row that is about one name has none below it. */
function namesOf({ queries }: Reading, rows: readonly PairRow[]): ReturnType<Queries['namesOf']> {
  return queries.namesOf(rows.filter((row) => row.name === row.domain));
}

function rowWithNames(reading: Reading, row: PairRow, names: readonly NameRow[]): OutputRow {
  const { cells, document } = plainRow(reading, row);
  const below = names.slice(0, NAMES_SHOWN).map((name) => {
    const [text = '', ...rest] = nameCells(reading, name);
    const line = ['', `  ${text}`, ...rest, '', '', ''];
    return reading.isWindow ? [isNew(reading, name) ? 'new' : '', ...line] : line;
  });
  return {
    cells,
    below,
    document: { ...document, detail: names.slice(0, NAMES_SHOWN).map(nameDocument) },
  };
}

/** From the name to the counts, in the order of the columns. */
function nameCells(reading: Reading, row: NameRow): string[] {
  const counts = [row.queries, row.allowed, row.denied, row.wouldDeny, row.failed];
  const times = [reading.time(row.firstMs), reading.time(row.lastMs)];
  return [row.name, ...times, ...counts.map(String)];
}

/**
 * What all commands that read the history have in common: options, where the file is, how rows
 * leave. Loads the database package only when a command runs.
 */

import type Database from 'better-sqlite3';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DnsvalveError } from '../errors.ts';
import type { HistoryQueries } from '../history/queries.ts';
import type { AskedVerdict, Filter } from '../history/queries-filter.ts';
import type { CliContext } from './context.ts';
import { csvText } from './csv.ts';
import { escapeText, safeJson } from './escape.ts';
import { type Column, renderTable, titleStyle } from './table.ts';
import { formatTime, parseSince, type Zone } from './time.ts';

/** Where the history is when neither `--db` nor `--config` says. */
const DEFAULT_DATABASE = './data/history.db';

/** Rows printed where `--limit` does not say. */
const DEFAULT_LIMIT = 1000;

/** Version of the JSON documents: raised when a field changes its meaning or goes. */
const DOCUMENT_VERSION = 1;

export interface ReadingOptions {
  readonly db?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
  readonly csv?: boolean;
  readonly utc?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly verdict?: AskedVerdict;
  readonly workload?: string;
  readonly limit: number;
}

/** A row on its way out: `cells` for the table, `document` for JSON. */
export interface OutputRow {
  readonly cells: readonly string[];
  /** Further lines of the table that belong to this row. */
  readonly below?: readonly (readonly string[])[];
  readonly document: Readonly<Record<string, unknown>>;
}

export function addReadingOptions(command: Command): Command {
  return command
    .option('--db <path>', `history database (default: ${DEFAULT_DATABASE})`)
    .option('-c, --config <path>', 'take the database path from this configuration')
    .option('--since <time>', 'a duration back from now (7d, 24h) or a date (2026-03-01)')
    .option('--workload <name>', 'only this workload')
    .option('--limit <rows>', 'rows at most; 0 for all', parseLimit, DEFAULT_LIMIT)
    .option('--utc', 'times in UTC instead of local time')
    .option('--json', 'one JSON document')
    .option('--jsonl', 'one JSON object per line')
    .option('--csv', 'CSV with a line of titles (RFC 4180)');
}

/** For commands whose rows have a time to end at and verdicts to choose from. */
export function addWindowOptions(command: Command): Command {
  return command
    .option('--until <time>', 'before this time, as --since')
    .addOption(verdictOption());
}

export function verdictOption(): Option {
  const words = ['allowed', 'denied', 'would-deny', 'failed'] as const satisfies AskedVerdict[];
  return new Option('--verdict <verdict>', 'only what had such queries').choices(words);
}

export function parseLimit(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('give a number of rows, 0 for all');
  return Number(text);
}

/** One run of a reading command: its options made useful, and its way out. */
export class Reading {
  readonly queries: HistoryQueries;
  readonly zone: Zone;
  /** Lower bound, ms since the epoch; 0 for all. */
  readonly sinceMs: number;
  /** Upper bound, itself not in it. */
  readonly untilMs: number;
  /** Rows at most; -1 for all. */
  readonly limit: number;
  readonly workload: string | null;
  readonly nowMs: number;
  readonly #context: CliContext;
  readonly #options: ReadingOptions;
  readonly #command: string;

  constructor(
    command: string,
    options: ReadingOptions,
    context: CliContext,
    queries: HistoryQueries,
  ) {
    this.queries = queries;
    this.#command = command;
    this.#options = options;
    this.#context = context;
    this.nowMs = context.now();
    this.zone = options.utc === true ? 'utc' : 'local';
    this.sinceMs = this.#momentOf(options.since) ?? 0;
    this.untilMs = this.#momentOf(options.until) ?? Number.MAX_SAFE_INTEGER;
    this.limit = options.limit === 0 ? -1 : options.limit;
    this.workload = options.workload ?? null;
  }

  /** What the options ask for. */
  get filter(): Filter {
    const { workload, sinceMs, untilMs, limit } = this;
    return { workload, sinceMs, untilMs, verdict: this.#options.verdict ?? null, limit };
  }

  /** Whether the options name a begin or an end. */
  get isWindow(): boolean {
    return this.#options.since !== undefined || this.#options.until !== undefined;
  }

  #momentOf(text: string | undefined): number | undefined {
    return text === undefined ? undefined : parseSince(text, this.nowMs, this.zone);
  }

  time(ms: number): string {
    return formatTime(ms, this.zone);
  }

  /** A remark for people, on stderr, so that it never mixes with data. */
  note(text: string): void {
    this.#context.stderr.write(`${escapeText(text)}\n`);
  }

  /** An unknown workload is most often a typing error, and no rows would not say so. */
  noteUnknownWorkload(): void {
    if (this.workload === null || this.queries.knowsWorkload(this.workload)) return;
    this.note(`workload "${this.workload}": the history has not heard of it`);
  }

  /** Prints the rows in the form that was asked for. */
  print(columns: readonly Column[], rows: readonly OutputRow[]): void {
    const { stdout } = this.#context;
    const documents = (): OutputRow['document'][] => rows.map((row) => row.document);
    if (this.#options.json === true) {
      const document = { version: DOCUMENT_VERSION, command: this.#command, rows: documents() };
      stdout.write(`${safeJson(document)}\n`);
    } else if (this.#options.jsonl === true) {
      stdout.write(
        documents()
          .map((document) => `${safeJson(document)}\n`)
          .join(''),
      );
    } else if (this.#options.csv === true) {
      stdout.write(csvText(documents()));
    } else if (rows.length > 0) {
      const cells = rows.flatMap((row) => [row.cells, ...(row.below ?? [])]);
      stdout.write(renderTable(columns, cells, titleStyle(this.#context)));
    }
    if (rows.length === 0) this.note('nothing found');
    if (rows.length === this.limit) this.note(`limited to ${this.limit} rows; --limit 0 for all`);
  }
}

/**
 * Opens the history, runs `body`, closes it again.
 *
 * @throws DnsvalveError USAGE for options that contradict, DATABASE where there is nothing to read
 */
export async function withHistory(
  command: string,
  options: ReadingOptions,
  context: CliContext,
  body: (reading: Reading, db: Database.Database) => void,
): Promise<void> {
  refuseTwoForms(options);
  const path = await databasePath(options);
  const [{ openForReading }, { HistoryQueries }] = await Promise.all([
    import('../history/reader.ts'),
    import('../history/queries.ts'),
  ]);
  const db = openForReading(path);
  try {
    body(new Reading(command, options, context, new HistoryQueries(db)), db);
  } finally {
    db.close();
  }
}

function refuseTwoForms({ json, jsonl, csv }: ReadingOptions): void {
  if ([json, jsonl, csv].filter((form) => form === true).length < 2) return;
  throw new DnsvalveError('USAGE', '--json, --jsonl and --csv: give one of them');
}

/** The file that `--db` or `--config` names, or the usual one. */
export async function databasePath({
  db,
  config,
}: Pick<ReadingOptions, 'db' | 'config'>): Promise<string> {
  if (db !== undefined) return db;
  if (config === undefined) return DEFAULT_DATABASE;
  const { historyPath } = await import('./state-path.ts');
  return historyPath(config);
}

/**
 * `dnsvalve tail`: what is asked for, while it is asked. Reads the last commits in the history four
 * times a second, so it needs no daemon to talk to and costs none that runs anything.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { DnsvalveError, messageOf } from '../errors.ts';
import { reversedFromText } from '../history/names.ts';
import type { AskedVerdict } from '../history/queries-filter.ts';
import type { RecentPlace, RecentRow } from '../history/queries-recent.ts';
import type { CliContext } from './context.ts';
import { escapeText, safeJson } from './escape.ts';
import { databasePath, verdictOption } from './reading.ts';
import { StreamTable } from './stream-table.ts';
import { TAIL_COLUMNS, tailCells, tailDocument } from './tail-output.ts';
import type { Zone } from './time.ts';

const POLL_MS = 250;

interface TailOptions {
  readonly db?: string;
  readonly config?: string;
  readonly workload?: string;
  readonly verdict?: AskedVerdict;
  readonly under?: string;
  readonly lines: number;
  readonly follow: boolean;
  readonly utc?: boolean;
  readonly jsonl?: boolean;
}

export function register(program: Command, context: CliContext): void {
  program
    .command('tail')
    .description('what is asked for, while it is asked: new names and counts, twice a second')
    .option('--db <path>', 'history database (default: ./data/history.db)')
    .option('-c, --config <path>', 'take the database path from this configuration')
    .option('--workload <name>', 'only this workload')
    .addOption(verdictOption())
    .option('--under <name>', 'only this name and everything below it')
    .option('--lines <number>', 'begin with so many lines of the last moments', parseLines, 10)
    .option('--no-follow', 'end after those lines')
    .option('--utc', 'times in UTC instead of local time')
    .option('--jsonl', 'one JSON object per line')
    .action(async (options: TailOptions) => {
      const tail = new Tail(await databasePath(options), options, context);
      await tail.begin();
      if (options.follow) await tail.follow();
    });
}

function parseLines(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('give a number of lines');
  return Number(text);
}

type Wanted = (row: RecentRow) => boolean;

class Tail {
  readonly #path: string;
  readonly #options: TailOptions;
  readonly #context: CliContext;
  readonly #wanted: Wanted;
  readonly #table: StreamTable;
  readonly #zone: Zone;
  #place: RecentPlace | null = null;
  /** What was said last about a file that cannot be read. */
  #trouble = '';

  constructor(path: string, options: TailOptions, context: CliContext) {
    this.#path = path;
    this.#options = options;
    this.#context = context;
    this.#wanted = wantedBy(options);
    this.#table = new StreamTable(TAIL_COLUMNS, context);
    this.#zone = options.utc === true ? 'utc' : 'local';
  }

  /** The last lines that are kept. @throws DnsvalveError DATABASE where there is no history */
  async begin(): Promise<void> {
    const { rows } = await this.#look();
    const wanted = rows.filter(this.#wanted);
    this.#print(wanted.slice(Math.max(0, wanted.length - this.#options.lines)));
  }

  /** Never ends by itself: a daemon that is restarted goes on where it was. */
  async follow(): Promise<never> {
    for (;;) {
      await pause(POLL_MS);
      await this.#poll();
    }
  }

  async #poll(): Promise<void> {
    try {
      const { rows, missed } = await this.#look();
      if (missed > 0) this.#note(`${missed} lines were left out: too many at once to be kept`);
      this.#print(rows.filter(this.#wanted));
      this.#trouble = '';
    } catch (error) {
      if (!(error instanceof DnsvalveError) && !isOfDatabase(error)) throw error;
      const text = messageOf(error);
      if (text !== this.#trouble) this.#note(`${text}; trying again`);
      this.#trouble = text;
    }
  }

  /** Opened for each look: who holds the file open keeps the daemon from putting it away. */
  async #look() {
    const { openForReading } = await import('../history/reader.ts');
    const { recentSince } = await import('../history/queries-recent.ts');
    const db = openForReading(this.#path);
    try {
      const look = recentSince(db, this.#place);
      this.#place = look.place;
      return look;
    } finally {
      db.close();
    }
  }

  #print(rows: readonly RecentRow[]): void {
    if (rows.length === 0) return;
    const text =
      this.#options.jsonl === true
        ? rows.map((row) => `${safeJson(tailDocument(row))}\n`).join('')
        : this.#table.lines(rows.map((row) => tailCells(row, this.#zone)));
    this.#context.stdout.write(text);
  }

  #note(text: string): void {
    this.#context.stderr.write(`${escapeText(text)}\n`);
  }
}

function isOfDatabase(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE');
}

function wantedBy({ workload, verdict, under }: TailOptions): Wanted {
  const reversed = under === undefined ? '' : reversedFromText(under);
  return (row) => {
    if (workload !== undefined && row.workload !== workload) return false;
    if (!row.reversed.startsWith(reversed)) return false;
    return verdict === undefined || countOf(row, verdict) > 0;
  };
}

function countOf(row: RecentRow, verdict: AskedVerdict): number {
  return verdict === 'would-deny' ? row.wouldDeny : row[verdict];
}

/**
 * What people ask the history, within a process and as whole commands: `node bench/questions.ts
 * --db FILE [--only WORDS] [--inside]` asks an existing file and prints a table.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type Database from 'better-sqlite3';
import { reversedFromText, textOfReversed } from '../src/history/names.ts';
import { HistoryQueries } from '../src/history/queries.ts';
import type { Filter } from '../src/history/queries-filter.ts';
import { recentSince } from '../src/history/queries-recent.ts';
import { openForReading } from '../src/history/reader.ts';
import { hunt } from '../src/hunt/hunt.ts';
import { type Indicators, parseIndicators } from '../src/hunt/indicators.ts';
import { median, table } from './median.ts';

const MAIN = new URL('../src/dnsvalve.js', import.meta.url).pathname;
const DAY_MS = 86_400_000;
const INSIDE_RUNS = 7;
const COMMAND_RUNS = 5;
const TIMED_MS = 5000;
/** What the history knows of every name of a list, one in ten. */
const KNOWN_SHARE = 10;

/** Domains of the file that is asked, and lists of them. */
interface Sample {
  readonly directory: string;
  readonly domain: string;
  readonly list: readonly string[];
  readonly thousand: Indicators;
  readonly many: Indicators;
}

interface Question {
  readonly args: readonly string[];
  /** @returns rows */
  ask(queries: HistoryQueries, db: Database.Database, sample: Sample): number;
}

const ALL: Filter = { workload: null, sinceMs: 0, limit: 1000 };
const W7 = { ...ALL, workload: 'w7' };
const DAY_AGO = Date.now() - DAY_MS;
const DAY = { sinceMs: DAY_AGO };
const LONG_AGO = { sinceMs: Date.now() - 60 * DAY_MS, untilMs: Date.now() - 59 * DAY_MS };

const QUESTIONS: readonly Question[] = [
  { args: ['history', 'w7'], ask: (q) => q.ofWorkload(W7).length },
  { args: ['history', 'w7', '--since', '24h'], ask: (q) => q.ofWorkload({ ...W7, ...DAY }).length },
  {
    args: ['history', 'w7', '--since', '60d', '--until', '59d'],
    ask: (q) => q.ofWorkload({ ...W7, ...LONG_AGO }).length,
  },
  {
    args: ['history', 'w7', '--verdict', 'denied'],
    ask: (q) => q.ofWorkload({ ...W7, verdict: 'denied' }).length,
  },
  {
    args: ['history', 'w7', '--verdict', 'failed'],
    ask: (q) => q.ofWorkload({ ...W7, verdict: 'failed' }).length,
  },
  {
    args: ['history', 'w7', '--names'],
    ask: (q) => q.namesOf(q.ofWorkload(W7)).size,
  },
  { args: ['history', 'NAME'], ask: (q, _, s) => q.ofName(reversed(s), 'exact', ALL).length },
  who('NAME'),
  who('www.NAME'),
  ...['com', 'io', 'dk'].flatMap((suffix) => [
    who(suffix),
    who(suffix, { sinceMs: DAY_AGO }),
    who(suffix, { workload: 'w7' }),
    who(suffix, { workload: 'w7', sinceMs: DAY_AGO }),
    who(suffix, { verdict: 'failed' }),
  ]),
  {
    args: ['who', '--file', 'LIST'],
    ask: (q, _, { list }) => q.ofNames(list.map(reversedFromText), ALL).length,
  },
  { args: ['first-seen', '--since', '24h'], ask: (q) => q.firstSeen({ ...ALL, ...DAY }).length },
  {
    args: ['first-seen', '--since', '24h', '--workload', 'w7'],
    ask: (q) => q.firstSeen({ ...W7, ...DAY }).length,
  },
  { args: ['first-seen'], ask: (q) => q.firstSeen(ALL).length },
  {
    args: ['first-seen', '--verdict', 'denied'],
    ask: (q) => q.firstSeen({ ...ALL, verdict: 'denied' }).length,
  },
  {
    args: ['first-seen', '--network', '--since', '24h'],
    ask: (q) => q.newForNetwork({ ...ALL, ...DAY }).length,
  },
  { args: ['workloads'], ask: (q) => q.workloads(ALL).length },
  { args: ['top', 'domain'], ask: (q) => q.top('domain', { ...ALL, ...DAY }).rows.length },
  {
    args: ['top', 'domain', '--since', '31d'],
    ask: (q) => q.top('domain', { ...ALL, sinceMs: Date.now() - 31 * DAY_MS }).rows.length,
  },
  { args: ['top', 'workload'], ask: (q) => q.top('workload', { ...ALL, ...DAY }).rows.length },
  {
    args: ['top', 'domain', '--workload', 'w7'],
    ask: (q) => q.top('domain', { ...W7, ...DAY }).rows.length,
  },
  {
    args: ['top', 'domain', '--workload', 'w7', '--since', '31d'],
    ask: (q) => q.top('domain', { ...W7, sinceMs: Date.now() - 31 * DAY_MS }).rows.length,
  },
  { args: ['tail', '--no-follow'], ask: (_, db) => recentSince(db, null).rows.length },
  {
    args: ['feeds', 'hunt', 'THOUSAND'],
    ask: (queries, db, { thousand }) =>
      hunt({ db, queries }, thousand, { ...ALL, limit: -1 }).hits.length,
  },
  {
    args: ['feeds', 'hunt', 'MANY'],
    ask: (queries, db, { many }) => hunt({ db, queries }, many, { ...ALL, limit: -1 }).hits.length,
  },
];

const reversed = ({ domain }: Sample): string => reversedFromText(domain);

/** `NAME` stands for a domain that five workloads asked for. */
function who(name: string, narrowed: Partial<Filter> = {}): Question {
  const filter = { ...ALL, ...narrowed };
  const { sinceMs, workload, verdict = null } = filter;
  return {
    args: [
      'who',
      name,
      ...(sinceMs > 0 ? ['--since', '24h'] : []),
      ...(workload === null ? [] : ['--workload', workload]),
      ...(verdict === null ? [] : ['--verdict', verdict]),
    ],
    ask: (q, _, { domain }) => {
      return q.ofName(reversedFromText(name.replace('NAME', domain)), 'subtree', filter).length;
    },
  };
}

/** Lists of a thousand and of a hundred thousand names, of which the history knows one in ten. */
function sampleOf(db: Database.Database, directory: string): Sample {
  const each = db.prepare<[number], string>('SELECT name_rev FROM pair WHERE id = ?').pluck();
  const last = db.prepare<[], number>('SELECT max(id) FROM pair').pluck().get() ?? 0;
  const names = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => {
      const known = each.get(1 + Math.floor((i * last) / count));
      if (i % KNOWN_SHARE === 0 && known !== undefined) return textOfReversed(known);
      return `stranger${i.toString(36)}.${i % 2 === 0 ? 'com' : 'test'}`;
    });
  const list = names(1000);
  const many = names(100_000);
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  const parsed = (lines: readonly string[]): Indicators =>
    parseIndicators(Buffer.from(text(lines)), 'plain').indicators;
  writeFileSync(join(directory, 'LIST'), text(list));
  writeFileSync(join(directory, 'THOUSAND'), text(list));
  writeFileSync(join(directory, 'MANY'), text(many));
  const middle = each.get(Math.ceil(last / 2)) ?? '';
  return {
    directory,
    domain: textOfReversed(middle),
    list,
    thousand: parsed(list),
    many: parsed(many),
  };
}

export interface Asked {
  readonly question: string;
  readonly rows: number;
  readonly insideMs: number;
  /** With nothing of the file in memory. */
  readonly coldMs: number;
  /** With the start of the process; NaN where it was not asked for. */
  readonly commandMs: number;
}

export interface AskOptions {
  /** Only questions with these words. */
  readonly only: string;
  readonly commands: boolean;
}

/** The query warm, with nothing in memory, and the whole command; medians. */
export function askAll(path: string, { only, commands }: AskOptions): Asked[] {
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-bench-ask-'));
  const opened = openForReading(path);
  const sample = sampleOf(opened, directory);
  opened.close();
  try {
    return QUESTIONS.filter(({ args }) => args.join(' ').includes(only)).map((question) =>
      asked(question, { path, sample, commands }),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Where {
  readonly path: string;
  readonly sample: Sample;
  readonly commands: boolean;
}

function asked({ args, ask }: Question, { path, sample, commands }: Where): Asked {
  let rows = 0;
  const once = (): void => {
    const db = openForReading(path);
    rows = ask(new HistoryQueries(db), db, sample);
    db.close();
  };
  dropCached(path);
  const coldMs = timed(1, once);
  const insideMs = timed(INSIDE_RUNS, once);
  const given = args.map((word) => {
    if (word.includes('NAME')) return word.replace('NAME', sample.domain);
    return /^[A-Z]+$/.test(word) ? join(sample.directory, word) : word;
  });
  const command = (): void => run([...given, '--db', path, '--jsonl']);
  const commandMs = commands ? timed(COMMAND_RUNS, command) : Number.NaN;
  return { question: args.join(' '), rows, insideMs, coldMs, commandMs };
}

export function askedTable(all: readonly Asked[]): string {
  const ms = (value: number): string => (Number.isNaN(value) ? '' : value.toFixed(1));
  return table(
    ['question', 'rows', 'inside ms', 'inside ms, cold', 'command ms'],
    all.map(({ question, rows, insideMs, coldMs, commandMs }) => {
      return [question, rows, ms(insideMs), ms(coldMs), ms(commandMs)];
    }),
  );
}

function run(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  });
  if (status !== 0 && status !== 1) throw new Error(`${args.join(' ')}: ${stderr}`);
}

/** Takes a file out of the page cache; it must be closed. */
function dropCached(path: string): void {
  spawnSync('sync', [path]);
  spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
}

/** The median of so many runs, or of those that began within five seconds. */
function timed(times: number, what: () => void): number {
  const begun = performance.now();
  const all: number[] = [];
  while (all.length === 0 || (all.length < times && performance.now() - begun < TIMED_MS)) {
    const started = performance.now();
    what();
    all.push(performance.now() - started);
  }
  return median(all);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { values } = parseArgs({
    options: {
      db: { type: 'string' },
      only: { type: 'string', default: '' },
      inside: { type: 'boolean', default: false },
    },
  });
  if (values.db === undefined) throw new Error('--db FILE: a history to ask');
  const all = askAll(values.db, { only: values.only, commands: !values.inside });
  console.log(askedTable(all));
}

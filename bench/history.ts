/**
 * The history at scale (scenario j): new (workload, domain) pairs a second through the real recorder
 * thread into a file that holds millions of them already, and how long the reading commands take.
 *
 * `node bench/history.ts [--pairs 10000000] [--seconds 60] [--rate 50000] [--runs 3] [--db FILE]`
 * prints two tables. Every new pair has a domain of its own, which is the dearest case: a PAIR and a
 * NAME record each, handed over every 100 ms as the workers do. Measures no query path: the rings
 * are filled by a thread.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import * as kinds from '../src/events/kinds.ts';
import { createRing, type RingMemory, RingWriter } from '../src/events/ring.ts';
import { reversedFromText } from '../src/history/names.ts';
import { KIND_PAIRS, Numbers } from '../src/history/numbers.ts';
import { openForWriting } from '../src/history/open.ts';
import { HistoryQueries } from '../src/history/queries.ts';
import { openForReading } from '../src/history/reader.ts';
import { startRecorder } from '../src/history/start.ts';
import { packTexts } from '../src/policy/rules.ts';
import { nameToWire } from '../src/wire/text.ts';

const WORKLOADS = 500;
const DAY_MS = 86_400_000;
/** The pairs that are there already were first seen over this time. */
const FILL_DAYS = 400;
/** Share of the pairs already there that were asked for again in the last 24 h. */
const ALIVE = 0.05;
/** Domains that a hundred workloads share between them, so that five ask for each. */
const SHARED = 100;
/** As the valve has them: one ring per worker. */
const RINGS = 2;
const RING_RECORDS = 32_768;
const HANDOVER_MS = 100;
/** Clock ticks of /proc/PID/stat are 10 ms on every Linux that Node runs on. */
const TICK_US = 10_000;
const MAIN = new URL('../src/dnsvalve.js', import.meta.url).pathname;

interface Options {
  readonly pairs: number;
  readonly seconds: number;
  readonly rate: number;
  readonly runs: number;
  readonly db: string | undefined;
}

interface Feed {
  readonly rings: readonly RingMemory[];
  readonly rate: number;
  readonly seconds: number;
  /** Number of the first domain, so that runs on one file do not ask for the same. */
  readonly from: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      pairs: { type: 'string', default: '10000000' },
      seconds: { type: 'string', default: '60' },
      rate: { type: 'string', default: '50000' },
      runs: { type: 'string', default: '3' },
      db: { type: 'string' },
    },
  });
  const { pairs, seconds, rate, runs, db } = values;
  return {
    pairs: Number(pairs),
    seconds: Number(seconds),
    rate: Number(rate),
    runs: Number(runs),
    db,
  };
}

/**
 * In the order of first sight. Every workload has a pair in each round of `WORKLOADS`, and five
 * workloads share a domain; three in five names are below `com`, as in the world.
 */
const FILL_PAIRS = `
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < @pairs - 1),
r AS (
  SELECT i + 1 AS id, 1 + (i * 7919) % ${WORKLOADS} AS w, i / ${WORKLOADS} AS k,
    CAST(@from + @span * (i * 1.0 / @pairs) AS INTEGER) AS at,
    (i * 2654435761) % 65536 / 65536.0 AS y FROM n),
d AS (SELECT id, w, at, y, k * ${SHARED} + w % ${SHARED} AS d FROM r),
t AS (SELECT id, w, d, at,
  CASE WHEN y < ${ALIVE} THEN CAST(max(at, @now - ${DAY_MS} * y / ${ALIVE}) AS INTEGER) ELSE at END
    AS last FROM d)
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, cached,
  first_name, first)
SELECT id, w, CASE WHEN d % 5 < 3 THEN 'com.' WHEN d % 5 = 3 THEN 'net.' ELSE 'org.' END
  || printf('%x%x', (d * 2654435761) % 4294967296, d) || '.',
  at, last, last / ${DAY_MS}, 3, 1, 'www.',
  x'00000000000000000000ffff0a0000010001010000000100000000' FROM t`;

const FILL_HEARD =
  'INSERT INTO heard SELECT workload_id, first_ms, id, NULL FROM pair ORDER BY 1, 2, 3';

/** Fills the tables under their indexes, which are made anew afterwards. */
function fill(db: Database.Database, pairs: number, nowMs: number): void {
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    )
    .all();
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  const span = FILL_DAYS * DAY_MS;
  db.transaction(() => {
    const add = db.prepare(
      'INSERT INTO workload (id, name, first_ms, last_ms, domains) VALUES (?, ?, ?, ?, ?)',
    );
    const each = Math.ceil(pairs / WORKLOADS);
    for (let i = 1; i <= WORKLOADS; i++) add.run(i, `w${i}`, nowMs - span, nowMs, each);
    db.prepare('INSERT INTO policy (id, revision, loaded_ms) VALUES (1, 1, ?)').run(nowMs - span);
    db.prepare(FILL_PAIRS).run({ pairs, from: nowMs - span, span, now: nowMs });
    for (const { sql } of indexes) db.exec(sql);
    db.exec(FILL_HEARD);
  })();
  // Makes the filters, as the first start after a migration does.
  new Numbers(db, KIND_PAIRS);
}

/** The thread in the workers' place: every 100 ms as many new pairs as the rate asks for. */
function feed({ rings, rate, seconds, from }: Feed): void {
  const writers = rings.map((ring) => new RingWriter(ring));
  const started = performance.now();
  let made = 0;
  let shed = 0;
  const timer = setInterval(() => {
    const elapsed = Math.min(performance.now() - started, seconds * 1000);
    const target = Math.floor((rate * elapsed) / 1000);
    for (; made < target; made++) {
      const writer = writers[made % RINGS];
      if (writer !== undefined) shed += writePair(writer, from + made);
    }
    if (elapsed < seconds * 1000) return;
    clearInterval(timer);
    parentPort?.postMessage({ made, shed });
  }, HANDOVER_MS);
}

/** A PAIR and a NAME record, as a worker writes them. @returns records that found no room */
function writePair(writer: RingWriter, index: number): number {
  const nowMs = Date.now();
  const domain = nameToWire(`b${index.toString(36)}${((index * 40503) % 65536).toString(36)}.com`);
  const name = Buffer.concat([Buffer.from([3, 0x77, 0x77, 0x77]), domain]);
  let shed = 0;
  for (const kind of [kinds.KIND_PAIR, kinds.KIND_NAME]) {
    const at = writer.claim();
    if (at === -1) {
      shed += 1;
      continue;
    }
    const { view, octets } = writer;
    octets.fill(0, at, at + kinds.AT_NAME);
    view.setUint32(at + kinds.AT_KIND, kind, true);
    view.setUint32(at + kinds.AT_WORKLOAD, 1 + (index % WORKLOADS), true);
    view.setUint32(at + kinds.AT_REVISION, 1, true);
    view.setFloat64(at + kinds.AT_FIRST_MS, nowMs, true);
    view.setFloat64(at + kinds.AT_LAST_MS, nowMs, true);
    view.setUint32(at + kinds.AT_ALLOWED, 1, true);
    view.setUint16(at + kinds.AT_QTYPE, 1, true);
    octets[at + kinds.AT_FLAGS] = kinds.FLAG_FIRST;
    octets[at + kinds.AT_NAME_LENGTH] = name.length;
    octets[at + kinds.AT_REGISTRABLE] = 4;
    octets.set(name, at + kinds.AT_NAME);
    // In the place of the worker's keyed hashes; any that spread will do.
    view.setUint32(at + kinds.AT_NAME_HASH, Math.imul(index, 0x9e3779b1) >>> 0, true);
    view.setUint32(at + kinds.AT_DOMAIN_HASH, Math.imul(index, 0x85ebca6b) >>> 0, true);
    writer.publish();
  }
  return shed;
}

/** What one run showed; a row of the first table each. */
interface Run {
  readonly offered: number;
  readonly shed: number;
  readonly told: number;
  /** CPU of the recorder thread, user and kernel, us per pair. */
  readonly userUs: number;
  readonly systemUs: number;
  readonly longestCommitMs: number;
  readonly longestQueue: number;
  /** From the last record to the last commit. */
  readonly backlogMs: number;
  readonly rssMb: number;
  readonly fileMb: number;
}

async function load(path: string, { rate, seconds, pairs }: Options): Promise<Run> {
  const rings = Array.from({ length: RINGS }, () => createRing(RING_RECORDS));
  let told = 0;
  let longestCommitMs = 0;
  let longestQueue = 0;
  let shed = 0;
  const recorder = startRecorder(
    { path, rings, flushMs: 500, namesPerDomain: 200, retentionMs: FILL_DAYS * DAY_MS },
    {
      onObservations: (list) => {
        told += list.length;
      },
      onStats: (now) => {
        shed = now.shed;
        longestCommitMs = Math.max(longestCommitMs, now.lastCommitMs);
        longestQueue = Math.max(longestQueue, now.queueDepth);
      },
      onUnusual: () => {},
      onBurnInEnd: () => {},
      onNotice: (level, message) => console.error(`${level}: ${message}`),
      onExit: (reason) => console.error(`recorder ended: ${reason}`),
    },
  );
  const workloads = ['(unmapped)', ...Array.from({ length: WORKLOADS }, (_, i) => `w${i + 1}`)];
  recorder.revision({ revision: 1, workloads, rules: packTexts(['']), at: Date.now() });
  await recorder.flush();
  const before = recorderTicks();
  const from = pairs + (Date.now() % 1e9) * 1000;
  const feeder = new Worker(new URL(import.meta.url), {
    name: 'bench-feeder',
    workerData: { rings, rate, seconds, from } satisfies Feed,
  });
  pin();
  const fed = await new Promise<{ made: number; shed: number }>((resolve) =>
    feeder.once('message', resolve),
  );
  const ended = performance.now();
  await recorder.flush();
  const backlogMs = performance.now() - ended;
  const after = recorderTicks();
  await recorder.stop();
  return {
    offered: fed.made,
    shed: fed.shed + shed,
    told,
    userUs: ((after.user - before.user) * TICK_US) / fed.made,
    systemUs: ((after.system - before.system) * TICK_US) / fed.made,
    longestCommitMs,
    longestQueue,
    backlogMs,
    rssMb: process.memoryUsage.rss() / 1e6,
    fileMb: statSync(path).size / 1e6,
  };
}

/** The thread of that name in this process; Linux keeps 15 characters of it. */
function threadOf(name: string): string | undefined {
  const tasks = '/proc/self/task';
  return readdirSync(tasks).find(
    (id) => readFileSync(`${tasks}/${id}/comm`, 'utf8').trim() === name.slice(0, 15),
  );
}

/** CPU time of the recorder so far, in clock ticks. */
function recorderTicks(): { user: number; system: number } {
  const id = threadOf('dnsvalve-recorder');
  if (id === undefined) return { user: 0, system: 0 };
  const fields = readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(') ')[1]?.split(' ');
  return { user: Number(fields?.[11]), system: Number(fields?.[12]) };
}

/** The recorder has a core, all that stands for the rest of the world has the other. */
function pin(): void {
  const recorder = threadOf('dnsvalve-recorder');
  for (const id of readdirSync('/proc/self/task')) {
    spawnSync('taskset', ['-pc', id === recorder ? '0' : '1', id]);
  }
}

interface Question {
  readonly args: readonly string[];
  ask(queries: HistoryQueries): number;
}

const ALL = { workload: null, sinceMs: 0, limit: 1000 };
const DAY_AGO = Date.now() - DAY_MS;

/** As a person asks, and the same within the process. */
const QUESTIONS: readonly Question[] = [
  {
    args: ['history', '--workload', 'w7'],
    ask: (q) => q.ofWorkload({ ...ALL, workload: 'w7' }).length,
  },
  {
    args: ['history', '--workload', 'w7', '--since', '24h'],
    ask: (q) => q.ofWorkload({ ...ALL, workload: 'w7', sinceMs: DAY_AGO }).length,
  },
  who('NAME'),
  who('www.NAME'),
  who('com'),
  who('com', DAY_AGO),
  who('com', 0, 'w7'),
  {
    args: ['first-seen', '--since', '24h'],
    ask: (q) => q.firstSeen({ ...ALL, sinceMs: DAY_AGO }).length,
  },
  {
    args: ['first-seen', '--since', '24h', '--workload', 'w7'],
    ask: (q) => q.firstSeen({ ...ALL, workload: 'w7', sinceMs: DAY_AGO }).length,
  },
  { args: ['first-seen'], ask: (q) => q.firstSeen(ALL).length },
  { args: ['workloads'], ask: (q) => q.workloads(ALL).length },
];

/** `NAME` stands for a domain that five workloads asked for. */
function who(name: string, sinceMs = 0, workload: string | null = null): Question {
  return {
    args: [
      'who',
      name,
      ...(sinceMs > 0 ? ['--since', '24h'] : []),
      ...(workload === null ? [] : ['--workload', workload]),
    ],
    ask: (q) =>
      q.ofName(reversedFromText(name.replace('NAME', sample)), 'subtree', {
        ...ALL,
        sinceMs,
        workload,
      }).length,
  };
}

let sample = '';

/** Median of five for each: the query warm, the query with nothing in memory, the whole command. */
function askAll(path: string): void {
  const db = openForReading(path);
  const middle = db
    .prepare<[], string>('SELECT name_rev FROM pair WHERE id = (SELECT max(id) / 2 FROM pair)')
    .pluck();
  sample = (middle.get() ?? '').split('.').filter(Boolean).reverse().join('.');
  db.close();
  const base = timed(5, () => void run(['version']));
  console.log(`| question | rows | query ms | query ms, cold | command ms |`);
  console.log(`| --- | --- | --- | --- | --- |`);
  console.log(`| version, which reads nothing |  |  |  | ${base} |`);
  for (const { args, ask } of QUESTIONS) {
    const once = (): number => {
      const reading = openForReading(path);
      const rows = ask(new HistoryQueries(reading));
      reading.close();
      return rows;
    };
    dropCached(path);
    const cold = timed(1, () => void once());
    const warm = timed(5, () => void once());
    const given = args.map((word) => word.replace('NAME', sample));
    const whole = timed(5, () => void run([...given, '--db', path, '--jsonl']));
    console.log(`| ${args.join(' ')} | ${once()} | ${warm} | ${cold} | ${whole} |`);
  }
}

function run(args: readonly string[]): void {
  spawnSync(process.execPath, [MAIN, ...args], { maxBuffer: 1 << 28 });
}

/** Takes a file out of the page cache; it must be closed. */
function dropCached(path: string): void {
  spawnSync('sync', [path]);
  spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
}

function timed(times: number, what: () => void): string {
  const all = Array.from({ length: times }, () => {
    const started = performance.now();
    what();
    return performance.now() - started;
  });
  return median(all).toFixed(1);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const COLUMNS: readonly (readonly [string, (run: Run) => number, number])[] = [
  ['pairs offered', (run) => run.offered, 0],
  ['shed', (run) => run.shed, 0],
  ['told', (run) => run.told, 0],
  ['user µs/pair', (run) => run.userUs, 2],
  ['kernel µs/pair', (run) => run.systemUs, 2],
  ['longest commit ms', (run) => run.longestCommitMs, 0],
  ['longest queue', (run) => run.longestQueue, 0],
  ['backlog ms', (run) => run.backlogMs, 0],
  ['RSS MB', (run) => run.rssMb, 0],
  ['file MB', (run) => run.fileMb, 0],
];

function printRuns(runs: readonly Run[]): void {
  console.log(`| run | ${COLUMNS.map(([title]) => title).join(' | ')} |`);
  console.log(`| --- |${' --- |'.repeat(COLUMNS.length)}`);
  const row = (name: string, value: (of: (run: Run) => number) => number): void => {
    const cells = COLUMNS.map(([, of, digits]) => value(of).toFixed(digits));
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  };
  for (const [i, run] of runs.entries()) row(String(i + 1), (of) => of(run));
  row('median', (of) => median(runs.map(of)));
}

async function main(): Promise<void> {
  const options = readOptions();
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-bench-history-'));
  const path = options.db ?? join(directory, 'history.db');
  try {
    if (!existsSync(path)) {
      const started = performance.now();
      const { db } = openForWriting(path, Date.now());
      if (options.pairs > 0) fill(db, options.pairs, Date.now());
      db.close();
      const seconds = Math.round((performance.now() - started) / 1000);
      const mb = Math.round(statSync(path).size / 1e6);
      console.log(`${options.pairs} pairs filled in ${seconds} s, ${mb} MB`);
    }
    console.log(`\n${options.rate} new pairs/s for ${options.seconds} s\n`);
    const runs: Run[] = [];
    for (let i = 0; i < options.runs; i++) runs.push(await load(path, options));
    if (runs.length > 0) printRuns(runs);
    console.log('');
    askAll(path);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (isMainThread) await main();
else feed(workerData as Feed);

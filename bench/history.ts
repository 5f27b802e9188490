/**
 * The history at scale (scenario j): new (workload, domain) pairs a second through the real recorder
 * thread into a file that holds millions of them already, and how long the reading commands take.
 *
 * `node bench/history.ts [--pairs 10000000] [--workloads 500] [--seconds 60] [--rate 50000]
 * [--runs 3] [--db FILE]` prints two tables. Every new pair has a domain of its own, which is the dearest case: a PAIR and a
 * NAME record each, handed over every 100 ms as the workers do. Measures no query path: the rings
 * are filled by a thread.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as kinds from '../src/events/kinds.ts';
import { createRing, type RingMemory, RingWriter } from '../src/events/ring.ts';
import { BusyDays } from '../src/history/busy-days.ts';
import { Debuts } from '../src/history/debuts.ts';
import { openForWriting } from '../src/history/open.ts';
import { Settling } from '../src/history/settling.ts';
import { startRecorder } from '../src/history/start.ts';
import { packTexts } from '../src/policy/rules.ts';
import { nameToWire } from '../src/wire/text.ts';
import { DAY_MS, FILL_DAYS, fill } from './fill-history.ts';
import { median } from './median.ts';
import { askAll, askedTable } from './questions.ts';

/** As the valve has them: one ring per worker. */
const RINGS = 2;
const RING_RECORDS = 32_768;
const HANDOVER_MS = 100;
/** Clock ticks of /proc/PID/stat are 10 ms on every Linux that Node runs on. */
const TICK_US = 10_000;

interface Options {
  readonly pairs: number;
  readonly workloads: number;
  readonly seconds: number;
  readonly rate: number;
  readonly runs: number;
  readonly db: string | undefined;
}

interface Feed {
  readonly rings: readonly RingMemory[];
  readonly workloads: number;
  readonly rate: number;
  readonly seconds: number;
  /** Number of the first domain, so that runs on one file do not ask for the same. */
  readonly from: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      pairs: { type: 'string', default: '10000000' },
      workloads: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '60' },
      rate: { type: 'string', default: '50000' },
      runs: { type: 'string', default: '3' },
      db: { type: 'string' },
    },
  });
  const { pairs, workloads, seconds, rate, runs, db } = values;
  return {
    pairs: Number(pairs),
    workloads: Number(workloads),
    seconds: Number(seconds),
    rate: Number(rate),
    runs: Number(runs),
    db,
  };
}

/** The thread in the workers' place: every 100 ms as many new pairs as the rate asks for. */
function feed({ rings, workloads, rate, seconds, from }: Feed): void {
  const writers = rings.map((ring) => new RingWriter(ring));
  const started = performance.now();
  let made = 0;
  let shed = 0;
  const timer = setInterval(() => {
    const elapsed = Math.min(performance.now() - started, seconds * 1000);
    const target = Math.floor((rate * elapsed) / 1000);
    for (; made < target; made++) {
      const writer = writers[made % RINGS];
      if (writer !== undefined) {
        shed += writePair(writer, from + made, 1 + ((from + made) % workloads));
      }
    }
    if (elapsed < seconds * 1000) return;
    clearInterval(timer);
    parentPort?.postMessage({ made, shed });
  }, HANDOVER_MS);
}

/** A PAIR and a NAME record, as a worker writes them. @returns records that found no room */
function writePair(writer: RingWriter, index: number, workload: number): number {
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
    view.setUint32(at + kinds.AT_WORKLOAD, workload, true);
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

async function load(path: string, options: Options): Promise<Run> {
  const { rate, seconds, pairs } = options;
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
  const named = Array.from({ length: options.workloads }, (_, i) => `w${i + 1}`);
  const workloads = ['(unmapped)', ...named];
  recorder.revision({ revision: 1, workloads, rules: packTexts(['']), at: Date.now() });
  await recorder.flush();
  const before = recorderTicks();
  const from = pairs + (Date.now() % 1e9) * 1000;
  const feeder = new Worker(new URL(import.meta.url), {
    name: 'bench-feeder',
    workerData: { rings, workloads: named.length, rate, seconds, from } satisfies Feed,
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

/** What the recorder does behind itself while little comes; a minute of it for each million pairs. */
function settle(path: string): void {
  const { db } = openForWriting(path, Date.now());
  const started = performance.now();
  const [settling, debuts] = [new Settling(db), new Debuts(db)];
  while (settling.step());
  const runsMs = performance.now() - started;
  while (debuts.step());
  const days = new BusyDays(db);
  while (days.step());
  const all = performance.now() - started;
  db.close();
  const seconds = [runsMs, all - runsMs].map((ms) => (ms / 1000).toFixed(0));
  console.log(`\nbehind the writer: runs of domains ${seconds[0]} s, debuts ${seconds[1]} s`);
}

async function main(): Promise<void> {
  const options = readOptions();
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-bench-history-'));
  const path = options.db ?? join(directory, 'history.db');
  try {
    if (!existsSync(path)) {
      const started = performance.now();
      const { db } = openForWriting(path, Date.now());
      if (options.pairs > 0) fill(db, { ...options, nowMs: Date.now() });
      db.close();
      const seconds = Math.round((performance.now() - started) / 1000);
      const mb = Math.round(statSync(path).size / 1e6);
      console.log(`${options.pairs} pairs filled in ${seconds} s, ${mb} MB`);
    }
    console.log(`\n${options.rate} new pairs/s for ${options.seconds} s\n`);
    const runs: Run[] = [];
    for (let i = 0; i < options.runs; i++) runs.push(await load(path, options));
    if (runs.length > 0) printRuns(runs);
    settle(path);
    console.log('');
    console.log(askedTable(askAll(path, { only: '', commands: true })));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (isMainThread) await main();
else feed(workerData as Feed);

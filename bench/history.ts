/**
 * The history at scale: new (workload, domain) pairs a second through the real recorder thread into
 * a file that holds millions of them already, and how long the reading commands take on it.
 *
 * `node bench/history.ts [--pairs 10000000] [--seconds 60] [--rate 50000] [--db FILE]`. Every new
 * pair has a domain of its own, which is the dearest case: a PAIR and a NAME record each, handed
 * over every 100 ms as the workers do. Measures no query path: the rings are filled by a thread.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import * as kinds from '../src/events/kinds.ts';
import { createRing, type RingMemory, RingWriter } from '../src/events/ring.ts';
import type { RecorderStats } from '../src/history/messages.ts';
import { openForWriting } from '../src/history/open.ts';
import { startRecorder } from '../src/history/start.ts';
import { nameToWire } from '../src/wire/text.ts';

const WORKLOADS = 500;
const DAY_MS = 86_400_000;
/** The pairs that are there already were first seen over this time. */
const FILL_DAYS = 400;
/** Share of the pairs already there that were asked for again in the last 24 h. */
const ALIVE = 0.05;
/** As the valve has them: one ring per worker. */
const RINGS = 2;
const RING_RECORDS = 16_384;
const HANDOVER_MS = 100;
const MAIN = new URL('../src/dnsvalve.js', import.meta.url).pathname;

interface Options {
  readonly pairs: number;
  readonly seconds: number;
  readonly rate: number;
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
      db: { type: 'string' },
    },
  });
  const { pairs, seconds, rate, db } = values;
  return { pairs: Number(pairs), seconds: Number(seconds), rate: Number(rate), db };
}

/** Three in five names are below `com`, as in the world; one domain in a few is asked by many. */
const FILL_DOMAINS = `
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @domains)
INSERT INTO domain (id, name_rev)
SELECT i, CASE WHEN i % 5 < 3 THEN 'com.' WHEN i % 5 = 3 THEN 'net.' ELSE 'org.' END
  || printf('%x%x', (i * 2654435761) % 4294967296, i) || '.' FROM n`;

/**
 * In the order of the key, so that filling takes a minute and not an hour. Pair `k` of a workload
 * has a domain of its own stretch; its time is scrambled over the days.
 */
const FILL_PAIRS = `
WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < @each - 1),
r AS (
  SELECT w.id AS w, 1 + (k.i * @step + w.id % @step) % @domains AS d,
    ((k.i * 7919 + w.id * 104729) * 2654435761) % 4294967296 / 4294967296.0 AS x,
    ((k.i * 31 + w.id * 17) * 40503) % 65536 / 65536.0 AS y
  FROM workload w CROSS JOIN k WHERE w.id <= ${WORKLOADS})
INSERT INTO pair (workload_id, domain_id, first_ms, last_ms, allowed, denied, would_deny, failed,
  cached, folded, names, first_source, first_qtype, first_verdict, first_name, policy_id,
  last_day)
SELECT w, d, CAST(@from + x * @span AS INTEGER),
  CAST(CASE WHEN y < ${ALIVE} THEN @now - ${DAY_MS} * y / ${ALIVE} ELSE @from + x * @span END
    AS INTEGER),
  3, 0, 0, 0, 1, 0, -1, zeroblob(16), 1, 1, 'www.', 1, 0 FROM r`;

const FILL_LAST_DAYS = 'UPDATE pair SET last_day = last_ms / 86400000';

/** Fills the tables under their indexes, which are made anew afterwards. */
function fill(db: Database.Database, pairs: number, nowMs: number): void {
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    )
    .all();
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  const each = Math.ceil(pairs / WORKLOADS);
  const step = 100;
  const domains = each * step;
  const span = FILL_DAYS * DAY_MS;
  db.transaction(() => {
    const add = db.prepare(
      'INSERT INTO workload (id, name, first_ms, last_ms, domains) VALUES (?, ?, ?, ?, ?)',
    );
    for (let i = 1; i <= WORKLOADS; i++) add.run(i, `w${i}`, nowMs - span, nowMs, each);
    db.prepare('INSERT INTO policy (id, revision, loaded_ms) VALUES (1, 1, ?)').run(nowMs - span);
    db.prepare(FILL_DOMAINS).run({ domains });
    db.prepare(FILL_PAIRS).run({ each, step, domains, from: nowMs - span, span, now: nowMs });
    db.exec(FILL_LAST_DAYS);
    for (const { sql } of indexes) db.exec(sql);
  })();
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

/** @returns records that found no room */
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
    writer.publish();
  }
  return shed;
}

async function load(path: string, { rate, seconds, pairs }: Options): Promise<void> {
  const rings = Array.from({ length: RINGS }, () => createRing(RING_RECORDS));
  let told = 0;
  let commitMs = 0;
  let queue = 0;
  let stats: RecorderStats | undefined;
  const recorder = startRecorder(
    { path, rings, flushMs: 500, namesPerDomain: 200, retentionMs: FILL_DAYS * DAY_MS },
    {
      onObservations: (list) => {
        told += list.length;
      },
      onStats: (now) => {
        stats = now;
        commitMs = Math.max(commitMs, now.lastCommitMs);
        queue = Math.max(queue, now.queueDepth);
      },
      onNotice: (level, message) => console.error(`${level}: ${message}`),
      onExit: (reason) => console.error(`recorder ended: ${reason}`),
    },
  );
  const workloads = ['(unmapped)', ...Array.from({ length: WORKLOADS }, (_, i) => `w${i + 1}`)];
  recorder.revision({ revision: 1, workloads, rules: [''], at: Date.now() });
  await recorder.flush();
  const workerOf: Feed = { rings, rate, seconds, from: pairs + (Date.now() % 1e9) * 1000 };
  const before = process.cpuUsage();
  const started = performance.now();
  const feeder = new Worker(new URL(import.meta.url), { workerData: workerOf });
  const { made, shed } = await new Promise<{ made: number; shed: number }>((resolve) =>
    feeder.once('message', resolve),
  );
  const fedMs = performance.now() - started;
  await recorder.flush();
  const storedMs = performance.now() - started;
  await sleep(0);
  const used = process.cpuUsage(before);
  console.log(
    `pairs offered ${made} in ${(fedMs / 1000).toFixed(1)} s, records shed ${shed}, told ${told}; ` +
      `backlog after the end ${Math.round(storedMs - fedMs)} ms, longest commit seen ` +
      `${Math.round(commitMs)} ms, queue up to ${queue}, resident ` +
      `${Math.round(process.memoryUsage.rss() / 1e6)} MB, CPU ` +
      `${((used.user + used.system) / 1000 / storedMs).toFixed(2)} cores, error ${stats?.error}`,
  );
  await recorder.stop();
}

const QUESTIONS: readonly (readonly string[])[] = [
  ['history', '--workload', 'w7', '--since', '24h'],
  ['history', '--workload', 'w7'],
  ['history', 'com', '--under', '--since', '24h'],
  ['who', 'com', '--since', '24h'],
  ['who', 'com', '--since', '24h', '--workload', 'w7'],
  ['who', 'com', '--since', '1h'],
  ['who', 'com', '--since', '30d'],
  ['who', 'com'],
  ['who', 'org'],
  ['first-seen', '--since', '24h'],
  ['first-seen', '--since', '24h', '--workload', 'w7'],
  ['first-seen'],
  ['workloads'],
];

/** Each command as a person starts it: median of five, the process included. */
function ask(path: string): void {
  const base = median(() => spawnSync(process.execPath, [MAIN, 'version']));
  console.log(`a command that reads nothing: ${base} ms`);
  for (const question of QUESTIONS) {
    let lines = 0;
    const ms = median(() => {
      const { stdout } = spawnSync(process.execPath, [MAIN, ...question, '--db', path, '--jsonl'], {
        maxBuffer: 1 << 28,
      });
      lines = stdout.toString().split('\n').length - 1;
    });
    console.log(`${question.join(' ').padEnd(48)} ${String(ms).padStart(6)} ms ${lines} rows`);
  }
}

function median(run: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const started = performance.now();
    run();
    return performance.now() - started;
  });
  return Math.round(times.sort((a, b) => a - b)[2] ?? 0);
}

async function main(): Promise<void> {
  const options = readOptions();
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-bench-history-'));
  const path = options.db ?? join(directory, 'history.db');
  const load1 = loadavg()[0]?.toFixed(1);
  console.log(`${cpus()[0]?.model}, ${cpus().length} CPUs, load ${load1}, node ${process.version}`);
  try {
    if (!existsSync(path)) {
      const started = performance.now();
      const { db } = openForWriting(path, Date.now());
      if (options.pairs > 0) fill(db, options.pairs, Date.now());
      db.close();
      const seconds = Math.round((performance.now() - started) / 1000);
      console.log(`filled in ${seconds} s, ${Math.round(statSync(path).size / 1e6)} MB`);
    }
    if (options.seconds > 0) await load(path, options);
    ask(path);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (isMainThread) await main();
else feed(workerData as Feed);

/**
 * What auditors and pull requests ask of a large estate, as whole commands: `report open` in each
 * form, `drift`, `test --against`, over 1,000 workloads with 200 rules each and 10,000,000 pairs.
 *
 * `node bench/reports.ts --dir DIR [--pairs 10000000] [--runs 5] [--only WORDS]` makes the estate
 * in DIR where it is not there yet (a resolver runs for a moment, so that its policy is kept) and
 * prints a table. Files are in the page cache, as after the first of several questions.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type Database from 'better-sqlite3';
import { openForWriting } from '../src/history/open.ts';
import { freePort } from '../test/support/ports.ts';
import { DAY_MS, fill } from './fill-history.ts';
import { median, table } from './median.ts';
import { RULES_EACH, ruleDomain, WORKLOADS } from './names.ts';
import { CONFIG, CONTROL, PROGRAM } from './valve.ts';

/** Workloads that the history is filled with; the others have no pair. */
const FILLED = 500;
const TEAMS = 40;
const SHARED = ['time.example.com', 'mirror.example.com'] as const;
/** Of every so many rules one was never used, and one is idle. */
const UNUSED = 7;
const IDLE = 11;
const LONG_MS = 200 * DAY_MS;
const COMMAND_MS = 120_000;

interface Question {
  readonly args: readonly string[];
  readonly into: string;
}

const QUESTIONS: readonly Question[] = [
  { args: ['report', 'open'], into: 'open.txt' },
  { args: ['report', 'open', '--csv'], into: 'open.csv' },
  { args: ['report', 'open', '--json'], into: 'open.json' },
  { args: ['report', 'open', '--html', 'open.html'], into: 'open.html' },
  { args: ['drift', '--since', '30d', '--limit', '0'], into: 'drift.txt' },
  { args: ['test', '--against', 'new', '--since', '30d'], into: 'test.txt' },
];

/** Lines of the policy; `from` cuts that many rules off each workload's list. */
function policyLines(from: number): string {
  const lines = ['bundles:', '  base:', ...SHARED.map((name) => `    - ${name}`)];
  lines.push('everyone: { allow: [ intranet.example.com ] }', 'workloads:');
  for (let i = 0; i < WORKLOADS; i++) {
    const source = `10.${i >> 8}.${i & 255}.0/24`;
    lines.push(
      `  w${i + 1}:`,
      `    owner: team-${i % TEAMS}`,
      `    env: ${i % 3 ? 'prod' : 'test'}`,
    );
    lines.push(
      '    mode: enforce',
      `    sources: [ ${source} ]`,
      '    use: [ base ]',
      '    allow:',
    );
    for (let j = from; j < RULES_EACH; j++) lines.push(`      - .${ruleDomain(i, j)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Who used what when, as the recorder counts it. */
function fillUses(db: Database.Database, nowMs: number): void {
  const workload = db.prepare(
    'INSERT INTO workload (id, name, first_ms, last_ms, domains) VALUES (?, ?, ?, ?, 0)',
  );
  const rule = db.prepare('INSERT INTO rule (id, text) VALUES (?, ?)');
  const use = db.prepare('INSERT INTO rule_use VALUES (?, ?, ?, ?, ?)');
  db.transaction(() => {
    const texts = SHARED.map((name) => `bundle base ${name}`);
    texts.push('everyone.allow intranet.example.com');
    const first = (db.prepare('SELECT max(id) FROM rule').pluck().get() as number | null) ?? 0;
    let id = first;
    for (const text of texts) rule.run(++id, text);
    for (let i = 0; i < WORKLOADS; i++) {
      if (i >= FILLED) workload.run(i + 1, `w${i + 1}`, nowMs - LONG_MS, nowMs);
      for (let k = 1; k <= texts.length; k++) {
        use.run(i + 1, first + k, nowMs - LONG_MS, nowMs - i * 60_000, 1000 + i);
      }
      for (let j = 0; j < RULES_EACH; j++) {
        const lastMs = j % IDLE === 0 ? nowMs - LONG_MS / 2 : nowMs - j * 3_600_000;
        rule.run(++id, `allow .${ruleDomain(i, j)}`);
        if (j % UNUSED !== 0) use.run(i + 1, id, nowMs - LONG_MS, lastMs, (i * j) % 99_991);
      }
    }
    db.prepare('DELETE FROM rule_use_since').run();
    db.prepare('INSERT INTO rule_use_since VALUES (?)').run(nowMs - LONG_MS);
  })();
}

async function makeEstate(directory: string, pairs: number): Promise<void> {
  mkdirSync(join(directory, 'new'), { recursive: true });
  const nowMs = Date.now();
  const { db } = openForWriting(join(directory, 'history.db'), nowMs);
  fill(db, { pairs, workloads: FILLED, nowMs });
  fillUses(db, nowMs);
  db.close();
  const listen = `listen: ["127.0.0.1:${await freePort()}"]`;
  const where = `history: { path: history.db }\ncontrol: { path: ${CONTROL} }`;
  const main = `${listen}\nworkers: 1\n${where}\nstate_directory: state\ninclude: [policy.yaml]\n`;
  for (const [folder, from] of [['.', 0] as const, ['new', 1] as const]) {
    writeFileSync(join(directory, folder, CONFIG), main);
    writeFileSync(join(directory, folder, 'policy.yaml'), policyLines(from));
  }
  await serveOnce(join(directory, CONFIG));
}

/** Until it is ready: then its policy is kept, and who reports knows what was in force. */
async function serveOnce(configPath: string): Promise<void> {
  const args = [PROGRAM, 'serve', '-c', configPath];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const read = (chunk: Buffer): void => {
    said += chunk.toString();
    if (!server.killed && said.includes('"msg":"ready"')) server.kill();
  };
  server.stdout.on('data', read);
  server.stderr.on('data', read);
  const [status] = await once(server, 'close');
  if (status !== 0) throw new Error(`serve: ${status}: ${said}`);
}

/** @returns ms of the whole command, its output in a file */
function timed({ args, into }: Question, directory: string): number {
  const out = openSync(into.endsWith('.html') ? '/dev/null' : join(directory, into), 'w');
  const given = args.map((word) => (/^(new|.+\.html)$/.test(word) ? join(directory, word) : word));
  const started = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [PROGRAM, ...given, '-c', join(directory, CONFIG)],
    { stdio: ['ignore', out, 'pipe'], encoding: 'utf8', timeout: COMMAND_MS },
  );
  const ms = performance.now() - started;
  closeSync(out);
  if (status !== 0 && status !== 1) throw new Error(`${args.join(' ')}: ${status}: ${stderr}`);
  return ms;
}

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    pairs: { type: 'string', default: '10000000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
});
if (values.dir === undefined) throw new Error('--dir DIR: where the estate is, or is to be made');
const directory = resolve(values.dir);
if (!existsSync(join(directory, 'state'))) await makeEstate(directory, Number(values.pairs));
const rows = QUESTIONS.filter(({ args }) => args.join(' ').includes(values.only)).map(
  (question) => {
    const all = Array.from({ length: Number(values.runs) }, () => timed(question, directory));
    const octets = statSync(join(directory, question.into)).size;
    const seconds = (ms: number): string => (ms / 1000).toFixed(2);
    const name = question.args.join(' ');
    return [name, seconds(median(all)), seconds(Math.max(...all)), (octets / 1e6).toFixed(1)];
  },
);
console.log(table(['command', 's, median', 's, longest', 'MB'], rows));

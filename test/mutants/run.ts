/**
 * The mutation score: a seeded sample of mutants of src/policy and src/wire, each put into a copy
 * of the checkout, and the tests that should notice. What was judged is kept in a file, so that a
 * run can be cut off and go on:
 *
 * ```
 * node test/mutants/run.ts --state FILE [--count N] [--seed N] [--seconds N] [--workers N]
 *   [--stages N] [--again]
 * ```
 *
 * `--stages 1` asks the file's own tests only; `--again` judges those anew that survived before,
 * after tests were added.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../fuzz/mutate.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
const ROOMS = ['src/policy', 'src/wire'];
const COPIED = [
  ...['src', 'test', 'examples', 'docs', 'blocklists', 'package.json', 'vitest.config.ts'],
  ...['tsconfig.json', 'dnsvalve.schema.json'],
];
/** A mutant that never ends is noticed. */
const STAGE_MS = 90_000;

/** Tests by how soon they find most: the next are run for what the ones before let live. */
function stagesOf(file: string): readonly (readonly string[])[] {
  const own = file.replace(/^src\/(.*)\.ts$/, 'test/$1.test.ts');
  return [
    [existsSync(join(ROOT, own)) ? own : 'test/pipeline.test.ts'],
    ['test/pipeline.test.ts', 'test/wire', 'test/policy/authorize.test.ts'],
    ['test/replay'],
    ['test/policy', 'test/fuzz/queries.test.ts', 'test/zones/answer.test.ts', 'test/cache'],
  ];
}

interface Placed extends Mutant {
  readonly file: string;
}

interface Verdict {
  readonly key: string;
  readonly outcome: 'killed' | 'survived' | 'timeout';
  readonly stage: number;
}

function keyOf({ file, line, column, from, to }: Placed): string {
  return `${file}:${line}:${column}: ${from} -> ${to}`;
}

function sample(count: number, seed: number): Placed[] {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room))
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => `${room}/${name}`),
  );
  const all = files.flatMap((file) =>
    mutantsOf(readFileSync(join(ROOT, file), 'utf8')).map((mutant) => ({ ...mutant, file })),
  );
  const random = new Random(seed);
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.next(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  process.stdout.write(`${all.length} mutants in ${files.length} files\n`);
  return all.slice(0, count);
}

/** Runs tests in a copy of the checkout. @returns null when they went on for too long */
async function passes(folder: string, tests: readonly string[]): Promise<boolean | null> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--bail=1', '--reporter=dot', ...tests];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore', detached: true });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // With the workers that it started.
    process.kill(-child.pid!, 'SIGKILL');
  }, STAGE_MS);
  const [status] = await once(child, 'close');
  clearTimeout(timer);
  return isLate ? null : status === 0;
}

async function judge(folder: string, mutant: Placed, depth: number): Promise<Verdict> {
  const path = join(folder, mutant.file);
  const before = readFileSync(path, 'utf8');
  const key = keyOf(mutant);
  writeFileSync(path, mutant.text);
  try {
    const stages = stagesOf(mutant.file).slice(0, depth);
    for (const [stage, tests] of stages.entries()) {
      const isGood = await passes(folder, tests);
      if (isGood !== true) return { key, outcome: isGood === null ? 'timeout' : 'killed', stage };
    }
    return { key, outcome: 'survived', stage: stages.length };
  } finally {
    writeFileSync(path, before);
  }
}

/** Or every mutant would look as if it were noticed. */
async function judgeUnchanged(folder: string, depth: number): Promise<void> {
  const file = 'src/policy/why.ts';
  const text = readFileSync(join(folder, file), 'utf8');
  const { outcome, stage } = await judge(
    folder,
    { file, text, line: 1, column: 1, from: '', to: '' },
    depth,
  );
  if (outcome !== 'survived') throw new Error(`without a change stage ${stage} is ${outcome}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      state: { type: 'string' },
      count: { type: 'string', default: '160' },
      seed: { type: 'string', default: '20261126' },
      seconds: { type: 'string', default: '3600' },
      workers: { type: 'string', default: '2' },
      stages: { type: 'string', default: '4' },
      again: { type: 'boolean', default: false },
    },
  });
  const { state } = values;
  if (state === undefined) throw new Error('--state FILE keeps what was judged');
  const depth = Number(values.stages);
  const end = performance.now() + Number(values.seconds) * 1000;
  const lines = existsSync(state) ? readFileSync(state, 'utf8').trim().split('\n') : [];
  const known = new Map(
    lines.map((line) => JSON.parse(line) as Verdict).map((one) => [one.key, one]),
  );
  const chosen = sample(Number(values.count), Number(values.seed));
  const due = chosen.filter((mutant) => {
    const verdict = known.get(keyOf(mutant));
    return verdict === undefined || (values.again && verdict.outcome === 'survived');
  });
  const folders = Array.from({ length: Number(values.workers) }, copyOfCheckout);
  try {
    if (lines.length === 0) await judgeUnchanged(folders[0]!, depth);
    await Promise.all(
      folders.map(async (folder) => {
        while (performance.now() < end) {
          const mutant = due.shift();
          if (mutant === undefined) return;
          const verdict = await judge(folder, mutant, depth);
          known.set(verdict.key, verdict);
          appendFileSync(state, `${JSON.stringify(verdict)}\n`);
        }
      }),
    );
    report(chosen.flatMap((mutant) => known.get(keyOf(mutant)) ?? []));
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true });
  }
}

function copyOfCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-mutants-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function report(verdicts: readonly Verdict[]): void {
  const survivors = verdicts.filter(({ outcome }) => outcome === 'survived');
  const noticed = verdicts.length - survivors.length;
  const share = ((100 * noticed) / verdicts.length).toFixed(1);
  process.stdout.write(`${noticed} of ${verdicts.length} noticed, ${share} %; survivors:\n`);
  for (const { key } of survivors) process.stdout.write(`${key}\n`);
}

await main();

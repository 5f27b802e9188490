/**
 * The mutation score: a seeded sample of mutants of src/policy and src/wire, each put into a copy of
 * the checkout, and the tests that should notice. What was judged is kept in a file, so that a
 * run can be cut off and go on:
 *
 * ```
 * node test/mutants/run.ts --state FILE [--count N] [--seed N] [--seconds N] [--again]
 * ```
 *
 * `--again` judges those anew that survived before, after tests were added.
 */

import { spawnSync } from 'node:child_process';
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
/** A mutant that never ends is noticed. */
const STAGE_MS = 90_000;

/** Tests by how soon they find most: the next are run for what the ones before let live. */
function stagesOf(file: string): readonly (readonly string[])[] {
  const own = file.replace(/^src\/(.*)\.ts$/, 'test/$1.test.ts');
  return [
    [existsSync(join(ROOT, own)) ? own : 'test/pipeline.test.ts'],
    ['test/pipeline.test.ts', 'test/wire', 'test/replay'],
    ['test/policy', 'test/fuzz/queries.test.ts', 'test/cache', 'test/zones/answer.test.ts'],
    ['test/upstream/match.test.ts', 'test/cli/query.test.ts', 'test/fuzz/answers.test.ts'],
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

function keyOf({ file, line, from, to }: Placed): string {
  return `${file}:${line}: ${from} -> ${to}`;
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

function judge(folder: string, mutant: Placed): Verdict {
  const path = join(folder, mutant.file);
  const before = readFileSync(path, 'utf8');
  const key = keyOf(mutant);
  writeFileSync(path, mutant.text);
  try {
    const stages = stagesOf(mutant.file);
    for (const [stage, tests] of stages.entries()) {
      const args = [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--bail=1',
        '--reporter=dot',
        ...tests,
      ];
      const { status, signal } = spawnSync(process.execPath, args, {
        cwd: folder,
        timeout: STAGE_MS,
        killSignal: 'SIGKILL',
        stdio: 'ignore',
      });
      if (signal !== null) return { key, outcome: 'timeout', stage };
      if (status !== 0) return { key, outcome: 'killed', stage };
    }
    return { key, outcome: 'survived', stage: stages.length };
  } finally {
    writeFileSync(path, before);
  }
}

/** Or every mutant would look as if it were noticed. */
function judgeUnchanged(folder: string): void {
  const file = 'src/policy/why.ts';
  const text = readFileSync(join(folder, file), 'utf8');
  const { outcome, stage } = judge(folder, { file, text, line: 1, from: '', to: '' });
  if (outcome !== 'survived') throw new Error(`without a change stage ${stage} is ${outcome}`);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      state: { type: 'string' },
      count: { type: 'string', default: '160' },
      seed: { type: 'string', default: '20261126' },
      seconds: { type: 'string', default: '3600' },
      again: { type: 'boolean', default: false },
    },
  });
  const { state } = values;
  if (state === undefined) throw new Error('--state FILE keeps what was judged');
  const end = performance.now() + Number(values.seconds) * 1000;
  const lines = existsSync(state) ? readFileSync(state, 'utf8').trim().split('\n') : [];
  const known = new Map(
    lines.map((line) => JSON.parse(line) as Verdict).map((one) => [one.key, one]),
  );
  const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-mutants-'));
  try {
    for (const name of [
      'src',
      'test',
      'examples',
      'docs',
      'blocklists',
      'package.json',
      'vitest.config.ts',
      'tsconfig.json',
      'dnsvalve.schema.json',
    ]) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    if (lines.length === 0) judgeUnchanged(folder);
    const chosen = sample(Number(values.count), Number(values.seed));
    for (const mutant of chosen) {
      const verdict = known.get(keyOf(mutant));
      const isDue = verdict === undefined || (values.again && verdict.outcome === 'survived');
      if (!isDue || performance.now() > end) continue;
      const now = judge(folder, mutant);
      known.set(now.key, now);
      appendFileSync(state, `${JSON.stringify(now)}\n`);
    }
    report(chosen.flatMap((mutant) => known.get(keyOf(mutant)) ?? []));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(verdicts: readonly Verdict[]): void {
  const survivors = verdicts.filter(({ outcome }) => outcome === 'survived');
  const noticed = verdicts.length - survivors.length;
  const share = ((100 * noticed) / verdicts.length).toFixed(1);
  process.stdout.write(`${noticed} of ${verdicts.length} noticed, ${share} %; survivors:\n`);
  for (const { key } of survivors) process.stdout.write(`${key}\n`);
}

main();

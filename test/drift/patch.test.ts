/** `drift --patch`: applied, it passes `check`, denies nothing, and keeps all that it is not about. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as drift from '../../src/cli/drift.ts';
import * as test from '../../src/cli/test.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Entry } from '../../src/config/types.ts';
import { type Asked, DAY, folderOf, historyOf, NOW, withServers } from '../backtest/support.ts';
import { type Run, readWith } from '../cli/support/read.ts';
import { NOON } from '../history/support/records.ts';
import { commentLines, configurations, isPartOf, NAMES } from './generated.ts';

const LONG_AGO = { firstMs: NOON - 60 * DAY, lastMs: NOON - 60 * DAY, name: 'long.ago.test' };
const WATCHED: readonly Asked[] = [LONG_AGO, { ...LONG_AGO, workload: 2 }];

function run(folder: string, db: string, ...args: string[]): Promise<Run> {
  const files = ['-c', join(folder, 'dnsvalve.yaml'), '--db', db, '--control', '/none'];
  return readWith(drift.register, NOW, ['drift', ...files, ...args]);
}

function patterns(list: readonly Entry[]): string[] {
  return list.map(({ pattern }) => pattern.text);
}

const asked = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    workload: fc.constantFrom(1, 2),
    verdict: fc.constantFrom('allowed', 'wouldDeny', 'denied'),
  }),
  { selector: ({ name, workload }) => `${workload} ${name}`, maxLength: 14 },
);

describe('drift --patch', () => {
  it('of any file passes check, denies nothing it came from, and keeps comments and order', async () => {
    let patched = 0;
    const property = fc.asyncProperty(configurations, asked, async (text, names) => {
      const db = historyOf([
        ...WATCHED,
        ...names.map(({ name, workload, verdict }) => {
          return { name, workload, ...(verdict === 'denied' ? { denied: 1 } : { allowed: 1 }) };
        }),
      ]);
      const folder = folderOf({ 'dnsvalve.yaml': text });
      const file = join(folder, 'dnsvalve.yaml');
      const before = loadConfig(file);
      const { stdout, stderr } = await run(folder, db, '--patch');
      if (stdout === '') {
        expect(stderr).toContain('nothing to patch');
        return;
      }
      patched++;
      const other = folderOf({ 'dnsvalve.yaml': text });
      mkdirSync(join(other, folder), { recursive: true });
      writeFileSync(join(other, file), text);
      execFileSync('patch', ['-p1', '-s', '--binary'], { cwd: other, input: stdout });
      const after = readFileSync(join(other, file), 'utf8');

      await run(folder, db, '--write');
      expect(readFileSync(file, 'utf8')).toBe(after);
      expect(isPartOf(commentLines(text), commentLines(after))).toBe(true);
      const now = loadConfig(file);
      for (const [i, { allow }] of before.workloads.entries()) {
        const kept = patterns(now.workloads[i]?.allow ?? []);
        expect(
          isPartOf(
            kept.filter((one) => patterns(allow).includes(one)),
            patterns(allow),
          ),
        ).toBe(true);
      }
      writeFileSync(join(other, 'dnsvalve.yaml'), text);
      const args = ['-c', join(other, 'dnsvalve.yaml'), '--against', folder, '--db', db, '--json'];
      const back = await readWith(test.register, NOW, ['test', ...args]);
      expect(JSON.parse(back.stdout)).toMatchObject({ newly_denied: 0, would_deny: 0 });
      const rest = JSON.parse((await run(folder, db, '--json')).stdout) as {
        rows: { patch: string | null }[];
      };
      expect(rest.rows.filter((row) => row.patch !== null)).toEqual([]);
    });
    await fc.assert(property, { numRuns: 25, seed: 20_260_301 });
    expect(patched).toBeGreaterThan(15);
  }, 120_000);

  it('changes each file that holds a part, and no other', async () => {
    const main = `# main\n${withServers('include: teams/*.yaml\neveryone:\n  allow:\n    - gone.test # x\n')}`;
    const team = (name: string, net: number, allow: string): string =>
      `workloads:\n  ${name}:\n    sources: [ 10.0.${net}.0/24 ]\n    mode: report\n    allow: ${allow}\n`;
    const folder = folderOf({
      'dnsvalve.yaml': main,
      'teams/pay.yaml': team('pay', 0, '[ a.test, b.test ]'),
      'teams/web.yaml': team('web', 1, '[ c.test ]'),
    });
    const db = historyOf([
      ...WATCHED,
      { name: 'a.test' },
      { name: 'new.test', allowed: 3, lastMs: NOON },
      { name: 'c.test', workload: 2 },
    ]);
    const { stderr, stdout, exitCode } = await run(folder, db, '--write');
    expect([stdout, exitCode]).toEqual(['', 1]);
    expect(stderr).toContain('passes check; 3 names of the history asked, none newly denied');
    const texts = ['dnsvalve.yaml', 'teams/pay.yaml', 'teams/web.yaml'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    );
    expect(texts).toEqual([
      main.replace('  allow:\n    - gone.test # x\n', '  allow: []\n'),
      team('pay', 0, '[ a.test, new.test ]'),
      team('web', 1, '[ c.test ]'),
    ]);
  });

  it('keeps the mode of a file, and writes a name that YAML may take for a number in quotes', async () => {
    const folder = folderOf({
      'dnsvalve.yaml': withServers(
        'workloads:\n  pay:\n    sources: [ 10.0.0.0/24 ]\n    mode: report\n',
      ),
    });
    const file = join(folder, 'dnsvalve.yaml');
    execFileSync('chmod', ['640', file]);
    await run(folder, historyOf([...WATCHED, { name: '1e3.test', allowed: 2 }]), '--write');
    expect(readFileSync(file, 'utf8')).toContain(
      '    allow:\n      - "1e3.test"  # 2 queries, last 2026-03-01\n',
    );
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it('leaves what stands behind an anchor to people, and says so', async () => {
    const folder = folderOf({
      'dnsvalve.yaml': withServers(`workloads:
  pay:
    sources: [ 10.0.0.0/24 ]
    allow: &both [ a.test, b.test ]
  web:
    sources: [ 10.0.1.0/24 ]
    allow: *both
`),
    });
    const db = historyOf([...WATCHED, { name: 'a.test' }, { name: 'b.test', workload: 2 }]);
    const { stdout, stderr } = await run(folder, db, '--patch');
    expect(stdout).toBe('');
    expect(stderr).toContain('left as it is: workloads.pay.allow in ');
    expect(stderr).toContain('which other places may use');
    expect(stderr).toContain('nothing to patch');
  });

  it('is part of the JSON document, beside the rows', async () => {
    const folder = folderOf({
      'dnsvalve.yaml': withServers(
        'workloads:\n  pay: { sources: [ 10.0.0.0/24 ], allow: [ a.test ] }\n',
      ),
    });
    const db = historyOf([...WATCHED, { name: 'x.test' }]);
    const { stdout } = await run(folder, db, '--patch', '--json');
    const document = JSON.parse(stdout) as { patch: string; written: boolean; rows: unknown[] };
    expect(document.patch).toContain('-  pay: { sources: [ 10.0.0.0/24 ], allow: [ a.test ] }\n');
    expect([document.written, document.rows.length]).toEqual([false, 1]);
  });
});

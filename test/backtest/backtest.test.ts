/** `test --against`: names of the history, asked of another policy by the engine. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as command from '../../src/cli/test.ts';
import { type Run, readWith } from '../cli/support/read.ts';
import { NOON } from '../history/support/records.ts';
import { type Asked, DAY, historyOf, NAMES_KEPT, NOW, PAY, policyOf, WEB } from './support.ts';

interface Row {
  readonly change: string;
  readonly workload: string;
  readonly becomes: string | null;
  readonly name: string;
  readonly types: readonly string[];
  readonly queries: number;
  readonly before: string;
  readonly after: string;
  readonly last_seen: string;
}

interface Case {
  readonly asked: readonly Asked[];
  readonly before: string;
  readonly after: string;
  readonly args?: readonly string[];
}

function run({ asked, before, after, args = [] }: Case, ...form: string[]): Promise<Run> {
  const files = ['-c', join(policyOf(before), 'dnsvalve.yaml'), '--against', policyOf(after)];
  return readWith(command.register, NOW, [
    'test',
    ...files,
    '--db',
    historyOf(asked),
    ...args,
    ...form,
  ]);
}

async function changes(one: Case): Promise<string[]> {
  const { stdout } = await run(one, '--json');
  return (JSON.parse(stdout) as { rows: Row[] }).rows.map(
    ({ change, workload, becomes, name, types }) =>
      [change, becomes === null ? workload : `${workload}=${becomes}`, name, ...types].join(' '),
  );
}

const pay = (rest: string): string => `workloads:\n  pay: { sources: [ 10.0.0.0/24 ], ${rest} }\n`;
const A = { name: 'api.bank.test' };

describe('test --against', () => {
  const rows: (Case & { name: string; want: string[]; exitCode: number })[] = [
    {
      name: 'a rule that goes denies what it let through',
      asked: [A, { name: 'www.other.test' }],
      before: pay('allow: [ "*.bank.test", www.other.test ]'),
      after: pay('allow: [ www.other.test ]'),
      want: ['newly-denied pay api.bank.test'],
      exitCode: 1,
    },
    {
      name: 'a rule that comes allows what was denied, and is no finding',
      asked: [{ ...A, denied: 7 }],
      before: pay('allow: []'),
      after: pay('allow: [ api.bank.test ]'),
      want: ['newly-allowed pay api.bank.test'],
      exitCode: 0,
    },
    {
      name: 'a name that another rule allows then is no change',
      asked: [A],
      before: pay('allow: [ api.bank.test ]'),
      after: pay('allow: [ ".bank.test" ]'),
      want: [],
      exitCode: 0,
    },
    {
      name: 'a deny that comes denies below an allow',
      asked: [A],
      before: pay('allow: [ "*.bank.test" ]'),
      after: `everyone: { deny: [ api.bank.test ] }\n${pay('allow: [ "*.bank.test" ]')}`,
      want: ['newly-denied pay api.bank.test'],
      exitCode: 1,
    },
    {
      name: 'report to enforce denies what no rule names',
      asked: [{ ...A, wouldDeny: 1 }, { name: 'www.other.test' }],
      before: pay('mode: report, allow: [ www.other.test ]'),
      after: pay('allow: [ www.other.test ]'),
      want: ['newly-denied pay api.bank.test'],
      exitCode: 1,
    },
    {
      name: 'in report a rule that goes denies nothing, but would',
      asked: [A],
      before: pay('mode: report, allow: [ api.bank.test ]'),
      after: pay('mode: report'),
      want: ['would-deny pay api.bank.test'],
      exitCode: 0,
    },
    {
      name: '--enforce takes the new policy as if it were enforced',
      asked: [A, { name: 'www.other.test' }],
      before: pay('mode: report'),
      after: pay('mode: report, allow: [ api.bank.test ]'),
      args: ['--enforce'],
      want: ['newly-denied pay www.other.test'],
      exitCode: 1,
    },
    {
      name: '--baseline history compares with what happened, whatever the files say',
      asked: [A, { name: 'www.other.test', denied: 3 }],
      before: pay('allow: []'),
      after: pay('allow: [ www.other.test ]'),
      args: ['--baseline', 'history'],
      want: ['newly-denied pay api.bank.test', 'newly-allowed pay www.other.test'],
      exitCode: 1,
    },
    {
      name: 'what was asked for before the window is left out',
      asked: [{ ...A, firstMs: NOON - 40 * DAY }],
      before: pay('allow: [ "*.bank.test" ]'),
      after: pay('allow: []'),
      want: [],
      exitCode: 0,
    },
    {
      name: '--workload leaves out the others',
      asked: [A, { name: 'b.test', workload: WEB }],
      before: `${pay('mode: open')}  web: { sources: [ 10.0.1.0/24 ], mode: open }\n`,
      after: `${pay('mode: enforce')}  web: { sources: [ 10.0.1.0/24 ] }\n`,
      args: ['--workload', 'web'],
      want: ['newly-denied web b.test'],
      exitCode: 1,
    },
    {
      name: 'a workload that is renamed is judged under its new name',
      asked: [A],
      before: pay('allow: [ api.bank.test ]'),
      after: pay('allow: [ api.bank.test ]').replace('pay', 'payments'),
      want: [],
      exitCode: 0,
    },
    {
      name: 'addresses that lose their workload are judged as unmapped, the others as before',
      asked: [A],
      before: pay('allow: [ api.bank.test ]'),
      after: pay('allow: [ api.bank.test ]').replace('10.0.0.0/24', '10.0.0.0/25'),
      want: ['newly-denied pay=(unmapped) api.bank.test'],
      exitCode: 1,
    },
    {
      name: 'addresses that another workload takes are judged by its rules',
      asked: [A],
      before: pay('allow: [ api.bank.test ]'),
      after: `${pay('allow: [ api.bank.test ]')}  web: { sources: [ 10.0.0.64/26 ] }\n`,
      want: ['newly-denied pay=web api.bank.test'],
      exitCode: 1,
    },
    {
      name: 'what an unmapped source asked for stays unmapped',
      asked: [{ ...A, workload: 0 }],
      before: `unmapped: { mode: report }\n${pay('allow: []')}`,
      after: pay('allow: []'),
      want: ['newly-denied (unmapped) api.bank.test'],
      exitCode: 1,
    },
    {
      name: 'a rule that is limited to types names those that it denies now',
      asked: [A],
      before: pay('allow: [ { name: api.bank.test, types: [ A, TXT ] } ]'),
      after: pay('allow: [ { name: api.bank.test, types: [ A, AAAA ] } ]'),
      want: ['newly-denied pay api.bank.test TXT', 'newly-allowed pay api.bank.test AAAA'],
      exitCode: 1,
    },
    {
      name: 'names that cannot be written without escapes are asked for as they are',
      asked: [{ name: 'a\\.b\\000.bank.test', registrable: 'bank.test' }],
      before: pay('allow: [ "*.bank.test" ]'),
      after: pay('allow: [ "*.b.test" ]'),
      want: ['newly-denied pay a\\.b\\000.bank.test'],
      exitCode: 1,
    },
  ];
  for (const { name, want, exitCode, ...one } of rows) {
    it(name, async () => {
      expect(await changes(one)).toEqual(want);
      expect((await run(one, '--json')).exitCode).toBe(exitCode);
    });
  }

  it('says of which changes no type is known to have been asked for', async () => {
    const before = pay('allow: [ { name: api.bank.test, types: [ A, TXT ] } ]');
    const after = pay('allow: [ { name: api.bank.test, types: [ TXT ] } ]');
    const one = { before, after, asked: [{ ...A, qtype: 1 }] };
    const known = JSON.parse((await run(one, '--json')).stdout);
    expect(known.types_not_known).toBe(0);
    expect(known.rows[0]).toMatchObject({ types: ['A'], first_type: 'A' });
    const { stderr } = await run({ ...one, asked: [{ ...A, qtype: 28 }] });
    expect(stderr).toContain('1 changes are for types that nobody may have asked for');
  });

  it('judges names that are not kept by the rule further below that let them through', async () => {
    const asked = Array.from({ length: NAMES_KEPT + 10 }, (_, i) => ({
      name: `n${i}.cdn.bank.test`,
    }));
    const before = pay('mode: report, allow: [ "*.cdn.bank.test" ]');
    const args = ['--enforce'];
    expect(await changes({ asked, before, after: before, args })).toEqual([]);
    const after = pay('allow: [ "*.other.test" ]');
    expect(await changes({ asked, before, after, args })).toHaveLength(NAMES_KEPT + 1);
  });

  it('says of names that are not kept that the domain alone was judged', async () => {
    const asked = Array.from({ length: NAMES_KEPT + 10 }, (_, i) => ({
      name: `n${i}.bank.test`,
      firstMs: NOON + i,
    }));
    const one = { asked, before: pay('allow: [ "*.bank.test" ]'), after: pay('allow: []') };
    const { stdout, stderr } = await run(one, '--csv', '--limit', '0');
    const lines = stdout.trimEnd().split('\r\n');
    expect(lines).toHaveLength(1 + NAMES_KEPT + 1);
    expect(lines.filter((line) => line.includes(',false,bank.test,'))).toHaveLength(1);
    expect(stderr).toContain('1 domains have names that are not kept');
  });

  it('counts all where it prints only the latest', async () => {
    const asked = Array.from({ length: 5 }, (_, i) => ({
      name: `www.d${i}.test`,
      firstMs: NOON + i,
      workload: i < 2 ? WEB : PAY,
    }));
    const others = '  web: { sources: [ 10.0.1.0/24 ], mode: open }\n';
    const before = pay('mode: open') + others;
    const after = before.replaceAll('mode: open', 'mode: enforce');
    const { stdout } = await run({ asked, before, after }, '--json', '--limit', '2');
    const { rows: shown, ...head } = JSON.parse(stdout) as { rows: Row[] };
    expect(head).toMatchObject({ version: 1, command: 'test', names: 5, newly_denied: 5 });
    expect(shown.map(({ name }) => name)).toEqual(['www.d4.test', 'www.d3.test']);
  });

  it('prints a table with the rule that decided, then and now', async () => {
    const one = {
      asked: [{ ...A, allowed: 4, denied: 1 }],
      before: pay('allow: [ "*.bank.test" ]'),
      after: pay('allow: []'),
    };
    const { stdout, stderr } = await run(one, '--utc');
    const [title, line] = stdout.split('\n');
    expect(title?.split(/ {2,}/)).toEqual([
      'CHANGE',
      'WORKLOAD',
      'NAME',
      'TYPES',
      'LAST SEEN',
      'QUERIES',
      'LET THROUGH',
      'NOW',
      'THEN',
    ]);
    expect(line).toMatch(
      /^newly-denied {2}pay {7}api\.bank\.test {2}- {6}2026-03-01 12:00:00Z {8}5 {12}4 {2}.*dnsvalve\.yaml:3 allow \*\.bank\.test {2}no rule names it$/,
    );
    expect(stderr).toContain('pay: 1 newly denied, 0 would be, 0 newly allowed');
  });

  it('names workloads of the history that neither policy has', async () => {
    const one = { asked: [{ ...A, workload: 3 }], before: pay(''), after: pay('') };
    expect((await run(one)).stderr).toContain('in neither policy, not judged: batch');
  });
});

describe('test', () => {
  const tests = (expected: string): string =>
    pay(`allow: [ a.test ], tests: [ { name: a.test, expect: ${expected} } ]`);

  it('without --against runs the policy tests', async () => {
    const file = join(policyOf(tests('allow')), 'dnsvalve.yaml');
    const good = await readWith(command.register, NOW, ['test', '-c', file]);
    expect(good).toMatchObject({
      stdout: `${file}: ok: 1 policy tests of 1 workloads hold\n`,
      exitCode: 0,
    });
  });

  it('fails as `check` does where a policy test fails, also of the new policy', async () => {
    const [good, bad] = [policyOf(tests('allow')), policyOf(tests('deny'))];
    const alone = ['test', '-c', join(bad, 'dnsvalve.yaml')];
    const against = ['test', '-c', join(good, 'dnsvalve.yaml'), '--against', bad];
    for (const args of [alone, [...against, '--db', historyOf([A])]]) {
      const { stderr, exitCode } = await readWith(command.register, NOW, args);
      expect(stderr).toContain('a.test A: expected deny, but the policy says allow');
      expect(exitCode).toBe(2);
    }
  });
});

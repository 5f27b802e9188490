/** `drift`: what the files declare, against what the history shows and the resolver runs. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as command from '../../src/cli/drift.ts';
import { habitFindings } from '../../src/drift/habits.ts';
import type { ExceptionRecord } from '../../src/overrides/records.ts';
import {
  type Asked,
  DAY,
  folderOf,
  historyOf,
  NAMES_KEPT,
  NOW,
  withServers,
} from '../backtest/support.ts';
import { type Run, readWith } from '../cli/support/read.ts';
import { NOON } from '../history/support/records.ts';

interface Row {
  readonly drift: string;
  readonly workload: string | null;
  readonly what: string;
  readonly patch: string | null;
  readonly note: string;
  readonly queries: number | null;
}

/** Something that each workload asked for before the window, so that all of it was watched. */
const LONG_AGO = { firstMs: NOON - 60 * DAY, lastMs: NOON - 60 * DAY, name: 'long.ago.test' };
const WATCHED: readonly Asked[] = [LONG_AGO, { ...LONG_AGO, workload: 2 }];

function run(policy: string, asked: readonly Asked[], ...args: string[]): Promise<Run> {
  const folder = folderOf({ 'dnsvalve.yaml': withServers(policy) });
  const files = ['-c', join(folder, 'dnsvalve.yaml'), '--db', historyOf(asked)];
  return readWith(command.register, NOW, ['drift', ...files, '--control', '/none', ...args]);
}

async function found(policy: string, asked: readonly Asked[], ...args: string[]): Promise<Row[]> {
  const { stdout } = await run(policy, asked, '--json', ...args);
  return (JSON.parse(stdout) as { rows: Row[] }).rows;
}

const pay = (rest: string): string => `workloads:\n  pay: { sources: [ 10.0.0.0/24 ], ${rest} }\n`;

function manyNames(domain: string, count: number): Asked[] {
  return Array.from({ length: count }, (_, i) => ({ name: `n${i}.${domain}`, firstMs: NOON + i }));
}

interface Case {
  readonly name: string;
  readonly policy: string;
  readonly asked: readonly Asked[];
  readonly args?: readonly string[];
  /** `drift what patch` of each row. */
  readonly want: readonly string[];
  readonly note?: string;
}

const rows: readonly Case[] = [
  {
    name: 'an entry that allowed nothing in the window is unused',
    policy: pay('allow: [ a.test, b.test, "*.c.test" ]'),
    asked: [...WATCHED, { name: 'a.test' }, { name: 'x.c.test' }],
    want: ['unused b.test out'],
  },
  {
    name: 'an entry that another one always answers for is unused',
    policy: pay('allow: [ ".a.test", www.a.test ]'),
    asked: [...WATCHED, { name: 'www.a.test' }],
    want: ['unused .a.test out'],
  },
  {
    name: 'an entry whose name was denied then, and is wanted, is in use',
    policy: pay('allow: [ a.test ]'),
    asked: [...WATCHED, { name: 'a.test', denied: 4 }],
    want: [],
  },
  {
    name: 'an entry that is limited to types is in use by any query for its names',
    policy: pay('allow: [ { name: a.test, types: [ TXT ] } ]'),
    asked: [...WATCHED, { name: 'a.test' }],
    want: [],
  },
  {
    name: 'an entry that was not watched for the whole window stays',
    policy: pay('allow: [ a.test, b.test ]'),
    asked: [{ name: 'a.test' }],
    want: ['unused b.test -'],
    note: 'not watched for the whole window',
  },
  {
    name: 'an entry that a policy test needs stays',
    policy: pay('allow: [ a.test, b.test ], tests: [ { name: b.test, expect: allow } ]'),
    asked: [...WATCHED, { name: 'a.test' }],
    want: ['unused b.test -'],
    note: 'a policy test needs it',
  },
  {
    name: 'an entry that may be for the target of an alias stays',
    policy: pay('chain: inspect, allow: [ a.test, b.test ]'),
    asked: [...WATCHED, { name: 'a.test' }],
    want: ['unused b.test -'],
    note: 'chain: inspect: the target of an alias may need it',
  },
  {
    name: 'an entry under a domain of which names are missing stays',
    policy: pay('allow: [ "*.a.test", www.n.a.test, b.test ]'),
    asked: [...WATCHED, ...manyNames('a.test', NAMES_KEPT + 10)],
    want: ['unused www.n.a.test -', 'unused b.test out'],
    note: 'names of a.test are missing in the history',
  },
  {
    name: 'an entry of everyone is in use where one workload uses it',
    policy: `everyone: { allow: [ a.test, b.test ] }\n${pay('allow: []')}  web: { sources: [ 10.0.1.0/24 ] }\n`,
    asked: [...WATCHED, { name: 'c.test', denied: 1 }, { name: 'a.test', workload: 2 }],
    want: ['unused b.test out'],
  },
  {
    name: 'a name that only the mode lets through is undeclared, with its queries',
    policy: pay('mode: report, allow: [ a.test ]'),
    asked: [...WATCHED, { name: 'a.test' }, { name: 'www.b.test', allowed: 3, wouldDeny: 3 }],
    want: ['undeclared www.b.test in'],
  },
  {
    name: 'a name that was denied is no use, and no drift',
    policy: pay('mode: report, allow: [ a.test ]'),
    asked: [...WATCHED, { name: 'a.test' }, { name: 'www.b.test', denied: 3 }],
    want: [],
  },
  {
    name: 'in enforce what no rule names is denied, and no drift',
    policy: pay('allow: [ a.test ]'),
    asked: [...WATCHED, { name: 'a.test' }, { name: 'www.b.test' }],
    want: [],
  },
  {
    name: 'an undeclared name that a policy test expects to be denied is not let in',
    policy: pay('mode: report, tests: [ { name: b.test, expect: deny } ]'),
    asked: [...WATCHED, { name: 'b.test' }],
    want: ['undeclared b.test -'],
    note: 'a policy test expects it to be denied',
  },
  {
    name: 'an undeclared name that no list can hold is not let in',
    policy: pay('mode: report'),
    asked: [...WATCHED, { name: 'a\\.b.b.test', registrable: 'b.test' }],
    want: ['undeclared a\\.b.b.test -'],
    note: 'no name that a list can hold',
  },
  {
    name: 'many undeclared names of a domain are one row, for `suggest`',
    policy: pay('mode: report'),
    asked: [...WATCHED, ...manyNames('b.test', 30)],
    want: ['undeclared b.test -'],
    note: '30 names: `dnsvalve suggest pay` makes patterns of them',
  },
  {
    name: 'a bundle of which nothing is used goes, one that is partly used is told about',
    policy: `bundles: { one: [ a.test, b.test ], two: [ c.test, d.test ] }\n${pay('use: [ one, two ]')}`,
    asked: [...WATCHED, { name: 'a.test' }],
    want: ['bundle-unused two out', 'bundle-partly-used one -'],
  },
  {
    name: 'a workload that asked for nothing is silent, and its entries are not judged',
    policy: pay('allow: [ a.test ]'),
    asked: [{ ...LONG_AGO, workload: 2 }],
    want: ['silent pay -'],
    note: 'asked for nothing ever: its entries are not judged',
  },
  {
    name: '--kind leaves out the others',
    policy: pay('mode: report, allow: [ a.test ]'),
    asked: [...WATCHED, { name: 'www.b.test' }],
    args: ['--kind', 'undeclared', 'silent'],
    want: ['undeclared www.b.test in'],
  },
  {
    name: '--workload leaves out the others, and what is everyone’s',
    policy: `everyone: { allow: [ e.test ] }\n${pay('allow: [ a.test ]')}  web: { sources: [ 10.0.1.0/24 ], allow: [ b.test ] }\n`,
    asked: [...WATCHED, { name: 'x.test' }, { name: 'y.test', workload: 2 }],
    args: ['--workload', 'web'],
    want: ['unused b.test out'],
  },
];

describe('drift', () => {
  for (const { name, policy, asked, args = [], want, note } of rows) {
    it(name, async () => {
      const list = await found(policy, asked, ...args);
      expect(list.map((row) => `${row.drift} ${row.what} ${row.patch ?? '-'}`)).toEqual(want);
      if (note !== undefined) expect(list.map((row) => row.note)).toContain(note);
      const { exitCode } = await run(policy, asked, ...args);
      expect(exitCode).toBe(want.length > 0 ? 1 : 0);
    });
  }

  it('counts all kinds, and says what a window cannot show', async () => {
    const asked = [...WATCHED, { name: 'x.test', allowed: 2 }];
    const { stdout, stderr } = await run(pay('mode: report, allow: [ a.test, b.test ]'), asked);
    expect(stdout.split('\n')[1]).toMatch(/^undeclared {2}pay {7}x\.test +2 {2}2026-03-01 /);
    expect(stderr).toContain('drift: 1 undeclared, 2 unused\n');
    expect(stderr).toContain('what runs once a month, a quarter or a year may not show since 30d');
    expect(stderr).not.toContain('which types were asked for is not kept');
    const typed = await run(pay('allow: [ { name: a.test, types: [ TXT ] } ]'), asked);
    expect(typed.stderr).toContain('which types were asked for is not kept');
    expect(stderr).toContain('the policy in force is not compared: control socket /none');
  });
});

describe('exceptions that became habits', () => {
  const HOUR = 3_600_000;
  const UNTIL_TOMORROW = { untilMs: NOW + DAY, leftMs: DAY, bootId: '', bootEndMs: 0 };
  const one = {
    id: 'ex-1',
    workload: 'pay',
    pattern: 'a.test',
    startMs: NOW - 5 * DAY,
    endedMs: NOW - 5 * DAY + 4 * HOUR,
    queries: 2,
    lastUseMs: NOW - 5 * DAY,
    renewals: 0,
  } as ExceptionRecord;
  const cases: readonly { name: string; list: readonly ExceptionRecord[]; want: string[] }[] = [
    { name: 'two openings are none', list: [one, { ...one, id: 'ex-2' }], want: [] },
    {
      name: 'three openings of the same are one',
      list: [one, { ...one, id: 'ex-2' }, { ...one, id: 'ex-3' }],
      want: ['opened or extended 3 times, 12 hours in the window: ex-1, ex-2, ex-3'],
    },
    {
      name: 'an extension counts as an opening, and what was never used is said to be',
      list: [{ ...one, renewals: 2, queries: 0, lastUseMs: null }],
      want: ['opened or extended 3 times, 4 hours in the window: ex-1; never used'],
    },
    {
      name: 'of different patterns or workloads each counts alone',
      list: [one, { ...one, pattern: 'b.test' }, { ...one, workload: 'web' }],
      want: [],
    },
    {
      name: 'one that is open for a month is one',
      list: [{ ...one, startMs: NOW - 31 * DAY, endedMs: null, end: UNTIL_TOMORROW }],
      want: ['opened or extended 1 times, 744 hours in the window: ex-1'],
    },
    {
      name: 'what never opened, or ended before the window, counts for nothing',
      list: [one, { ...one, startMs: null }, { ...one, endedMs: NOW - 41 * DAY }],
      want: [],
    },
  ];
  for (const { name, list, want } of cases) {
    it(name, () => {
      const found = habitFindings(list, { sinceMs: NOW - 40 * DAY, nowMs: NOW });
      expect(found.map(({ note }) => note)).toEqual(want);
    });
  }
});

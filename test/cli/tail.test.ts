import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { register } from '../../src/cli/tail.ts';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { fixture, temporaryDirectory } from '../history/support/fixture.ts';
import { NOON, type RecordSpec } from '../history/support/records.ts';
import { type Run, readWith } from './support/read.ts';

const QUERIES: readonly RecordSpec[] = [
  { name: 'www.example.com', allowed: 3, reason: 5, rule: 1 },
  { name: 'x\\027[2J.evil.test', denied: 2, workload: 2, firstMs: NOON + 1, reason: 2, qtype: 16 },
  { name: 'api.example.com', allowed: 1, wouldDeny: 1, firstMs: NOON + 2, reason: 9 },
];

function tail(...args: string[]): Promise<Run> {
  const test = fixture();
  for (const spec of QUERIES) test.put([spec, { ...spec, kind: KIND_NAME }]);
  test.recording.close();
  return readWith(register, NOON, ['tail', '--no-follow', '--utc', '--db', test.path, ...args]);
}

const namesOf = ({ stdout }: Run): unknown[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { name: string }).name);

describe('tail', () => {
  it('begins with the last lines, oldest first, in columns', async () => {
    const { stdout, stderr } = await tail();
    expect(stdout.split('\n')).toEqual([
      'TIME                  WORKLOAD  VERDICT     NAME                QUERIES  NOTE  TYPE  SOURCE    WHY',
      '2026-03-01 12:00:00Z  pay       allowed     www.example.com           3  new   A     10.0.0.1  policy.yaml:7:5 *.example.com',
      '2026-03-01 12:00:00Z  web       denied      x\\027[2J.evil.test        2  new   TXT   10.0.0.1  everyone-deny',
      '2026-03-01 12:00:00Z  pay       would-deny  api.example.com           1  -     -     -         -',
      '',
    ]);
    expect(stderr).toBe('');
  });

  const rows: readonly { readonly args: readonly string[]; readonly names: readonly string[] }[] = [
    { args: ['--lines', '1'], names: ['api.example.com'] },
    { args: ['--lines', '0'], names: [] },
    { args: ['--workload', 'web'], names: ['x\\027[2J.evil.test'] },
    { args: ['--verdict', 'would-deny'], names: ['api.example.com'] },
    { args: ['--verdict', 'allowed'], names: ['www.example.com', 'api.example.com'] },
    { args: ['--under', 'EXAMPLE.com.'], names: ['www.example.com', 'api.example.com'] },
    { args: ['--under', 'www.example.com'], names: ['www.example.com'] },
    { args: ['--under', 'ample.com'], names: [] },
    { args: ['--workload', 'pay', '--verdict', 'denied'], names: [] },
  ];
  for (const { args, names } of rows) {
    it(`${args.join(' ')} keeps ${names.length} lines`, async () => {
      expect(namesOf(await tail('--jsonl', ...args))).toEqual(names);
    });
  }

  it('says in JSON all that the line knows', async () => {
    const { stdout } = await tail('--jsonl', '--workload', 'web');
    expect(JSON.parse(stdout)).toEqual({
      time: '2026-03-01T12:00:00.001Z',
      workload: 'web',
      name: 'x\\027[2J.evil.test',
      new: true,
      folded: false,
      queries: 2,
      allowed: 0,
      denied: 2,
      would_deny: 0,
      failed: 0,
      type: 'TXT',
      source: '10.0.0.1',
      reason: 'everyone-deny',
      rule: null,
    });
  });

  it('ends with 3 where there is no history, and with 2 for a name that is none', async () => {
    const none = join(temporaryDirectory(), 'none.db');
    const { exitCode, stderr } = await readWith(register, NOON, ['tail', '--db', none]);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(none)]);
    expect((await tail('--under', 'a..b')).exitCode).toBe(2);
  });
});

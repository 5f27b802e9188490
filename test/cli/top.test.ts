import { describe, expect, it } from 'vitest';
import { register } from '../../src/cli/top.ts';
import { type Fixture, fixture } from '../history/support/fixture.ts';
import { NOON, type RecordSpec } from '../history/support/records.ts';
import { type Run, readWith } from './support/read.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function history(): Fixture {
  const test = fixture();
  const ask = (spec: RecordSpec): void => {
    test.put([spec]);
    test.recording.flush();
  };
  ask({ name: 'old.test', allowed: 900, firstMs: NOON - 2 * DAY });
  ask({ name: 'example.com', allowed: 30, firstMs: NOON });
  ask({ name: 'example.com', allowed: 5, denied: 1, workload: 2, firstMs: NOON + HOUR });
  ask({ name: 'evil.test', denied: 12, workload: 2, firstMs: NOON + HOUR });
  ask({ name: 'slow.test', failed: 2, allowed: 1, wouldDeny: 2, firstMs: NOON + HOUR });
  ask({ name: 'old.test', allowed: 1, firstMs: NOON + HOUR });
  test.recording.close();
  return test;
}

function top(path: string, ...args: string[]): Promise<Run> {
  const nowMs = NOON + HOUR + 60_000;
  return readWith(register, nowMs, ['top', ...args, '--utc', '--db', path]);
}

function pairsOf({ stdout }: Run): unknown[] {
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => Object.values(JSON.parse(line) as object).slice(0, 2));
}

describe('top', () => {
  const rows: readonly {
    readonly args: readonly string[];
    readonly found: readonly (readonly [string, number])[];
  }[] = [
    {
      args: [],
      found: [
        ['example.com', 36],
        ['evil.test', 12],
        ['slow.test', 3],
        ['old.test', 1],
      ],
    },
    { args: ['domain', '--limit', '1'], found: [['example.com', 36]] },
    { args: ['domain', '--since', '1m', '--limit', '1'], found: [['evil.test', 12]] },
    { args: ['domain', '--since', '7d', '--limit', '1'], found: [['old.test', 901]] },
    { args: ['domain', '--until', '2026-03-01T13:00'], found: [['example.com', 30]] },
    { args: ['domain', '--verdict', 'failed'], found: [['slow.test', 3]] },
    {
      args: ['domain', '--workload', 'web'],
      found: [
        ['evil.test', 12],
        ['example.com', 6],
      ],
    },
    {
      args: ['domain', '--workload', 'pay', '--since', '7d', '--until', '2026-02-28'],
      found: [['old.test', 900]],
    },
    { args: ['domain', '--workload', 'none'], found: [] },
    {
      args: ['workload'],
      found: [
        ['pay', 34],
        ['web', 18],
      ],
    },
    { args: ['workload', '--verdict', 'denied'], found: [['web', 18]] },
    {
      args: ['verdict'],
      found: [
        ['allowed', 37],
        ['denied', 13],
        ['would-deny', 2],
        ['failed', 2],
      ],
    },
    {
      args: ['verdict', '--workload', 'web'],
      found: [
        ['denied', 13],
        ['allowed', 5],
      ],
    },
  ];
  for (const { args, found } of rows) {
    it(`${args.join(' ')} finds ${found.map(([name]) => name).join(', ')}`, async () => {
      expect(pairsOf(await top(history().path, ...args, '--jsonl'))).toEqual(found);
    });
  }

  it('prints shares, and on stderr which hours are in it', async () => {
    const { stdout, stderr } = await top(history().path, 'workload');
    expect(stdout.split('\n')).toEqual([
      'WORKLOAD  QUERIES   SHARE  ALLOWED  DENIED  WOULD DENY  FAILED',
      'pay            34  65.4 %       32       0           2       2',
      'web            18  34.6 %        5      13           0       0',
      '',
    ]);
    expect(stderr).toBe('counted from 2026-03-01 12:00:00Z to 2026-03-01 13:01:00Z\n');
  });

  it('takes no verdict twice', async () => {
    expect((await top(history().path, 'verdict', '--verdict', 'denied')).exitCode).toBe(2);
  });
});

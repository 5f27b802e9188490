import { describe, expect, it } from 'vitest';
import { load } from './files.ts';

describe('people and exceptions', () => {
  const none = load('workloads: {}\n');
  const full = load(`
people: { alice: { uid: 1001 }, bob: { uid: 1002 } }
exceptions:
  max: { prod: 24h, default: 2d }
  approvers: [bob]
  approve_within: 3d
  break_glass: { approve_within: 30m, people: [alice] }
workloads:
  pay: { env: prod, sources: [192.0.2.1], approvers: [alice, bob] }
`);
  const rows: [string, unknown, unknown][] = [
    ['nobody is a person where the file names none', none.people, []],
    ['nobody approves then', none.exceptions.approvers, []],
    ['a week is the longest then', none.exceptions.defaultMaxMs, 7 * 86_400_000],
    [
      'what is open without an approval has an hour',
      none.exceptions.breakGlass.approveWithinMs,
      3.6e6,
    ],
    [
      'everybody may break the glass where nobody is named',
      none.exceptions.breakGlass.people,
      null,
    ],
    [
      'a person is a name and a user number',
      full.people.map((p) => [p.name, p.uid]),
      [
        ['alice', 1001],
        ['bob', 1002],
      ],
    ],
    ['an environment has its own longest time', [...full.exceptions.maxMs], [['prod', 86_400_000]]],
    ['the others have the default', full.exceptions.defaultMaxMs, 2 * 86_400_000],
    ['approvers for all', full.exceptions.approvers, ['bob']],
    ['approvers of one workload', full.workloads[0]?.approvers, ['alice', 'bob']],
    [
      'who may break the glass',
      full.exceptions.breakGlass,
      { approveWithinMs: 1.8e6, people: ['alice'] },
    ],
    ['when a request lapses', full.exceptions.approveWithinMs, 3 * 86_400_000],
  ];
  it.each(rows)('%s', (_rule, got, want) => {
    expect(got).toEqual(want);
  });
});

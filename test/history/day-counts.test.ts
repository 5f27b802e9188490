import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysOf, type FourCounts, packDays } from '../../src/history/day-counts.ts';
import { fixture, readHistory, tableRows } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const DAY = 86_400_000;
const FIRST = Math.floor(NOON / DAY);

const plus = (a: FourCounts, b: FourCounts): FourCounts => [
  a[0] + b[0],
  a[1] + b[1],
  a[2] + b[2],
  a[3] + b[3],
];

describe('the days of a pair', () => {
  it('are its last ones with what was counted on each, whatever the counts', () => {
    const count = fc.integer({ min: 0, max: 2 ** 40 });
    const entry = fc.tuple(fc.integer({ min: 1, max: 900 }), fc.tuple(count, count, count, count));
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 60 }), (entries) => {
        let days: Buffer | null = null;
        let lastDay = FIRST;
        let counts: FourCounts = entries[0]![1];
        const asked = [{ day: FIRST, counts }];
        for (const [gap, more] of entries.slice(1)) {
          days = packDays({ firstDay: FIRST, lastDay, counts, days });
          lastDay += gap;
          counts = plus(counts, more);
          asked.push({ day: lastDay, counts: more });
        }
        const found = daysOf({ firstDay: FIRST, lastDay, counts, days });
        expect(found.days).toEqual(asked.slice(-32));
        const sum = found.days.reduce((all, one) => plus(all, one.counts), found.before);
        expect(sum).toEqual(counts);
      }),
    );
  });

  it('are not told apart where nobody kept them', () => {
    const row = { firstDay: FIRST, lastDay: FIRST + 9, counts: [90, 0, 0, 0] as const, days: null };
    expect(daysOf(row).days).toEqual([]);
    const days = packDays(row);
    const later = { ...row, lastDay: FIRST + 10, counts: [97, 0, 0, 0] as const, days };
    expect(daysOf(later)).toEqual({
      before: [90, 0, 0, 0],
      days: [{ day: FIRST + 10, counts: [7, 0, 0, 0] }],
    });
  });

  it('are written when the next one begins, and cost a new pair nothing', () => {
    const test = fixture();
    const ask = (day: number, counts: object): void => {
      test.put([{ name: 'one.test', firstMs: NOON + day * DAY, ...counts }]);
      test.recording.flush();
    };
    ask(0, { allowed: 3 });
    ask(0, { allowed: 1, denied: 2 });
    expect(tableRows(test.path, 'SELECT days FROM pair')).toEqual([{ days: null }]);
    ask(2, { allowed: 5, wouldDeny: 1 });
    ask(1, { allowed: 1 }); // late: of the day that is open
    ask(3, { failed: 1 });
    const [row] = readHistory(test.path).firstSeen({ workload: null, sinceMs: 0, limit: -1 });
    expect(row?.days).toEqual([
      { day: FIRST, counts: [4, 2, 0, 0] },
      { day: FIRST + 2, counts: [6, 0, 1, 0] },
      { day: FIRST + 3, counts: [0, 0, 0, 1] },
    ]);
  });

  it('are the last one where what came at once is of both sides of a midnight', () => {
    const test = fixture({ ringCount: 2 });
    const midnight = (FIRST + 1) * DAY;
    const times = { firstMs: midnight - 5, lastMs: midnight + 5 };
    test.put([{ name: 'one.test', allowed: 2, ...times }]);
    test.put([{ name: 'two.test', allowed: 1, firstMs: midnight + 5 }]);
    test.recording.flush();
    test.put([{ name: 'two.test', allowed: 1, ...times }], 1);
    test.put([{ name: 'one.test', allowed: 3, firstMs: midnight + DAY }]);
    test.recording.flush();
    const rows = readHistory(test.path).firstSeen({ workload: null, sinceMs: 0, limit: -1 });
    expect(rows.map(({ domain, days }) => [domain, ...days])).toEqual([
      [
        'one.test',
        { day: FIRST + 1, counts: [2, 0, 0, 0] },
        { day: FIRST + 2, counts: [3, 0, 0, 0] },
      ],
      ['two.test', { day: FIRST + 1, counts: [2, 0, 0, 0] }],
    ]);
  });

  it('are kept apart by a recorder that is started anew', () => {
    const test = fixture();
    test.put([{ name: 'one.test', allowed: 3 }]);
    test.recording.close();
    const again = fixture({ path: test.path, nowMs: NOON + DAY });
    again.put([{ name: 'one.test', allowed: 4, firstMs: NOON + DAY }]);
    again.recording.flush();
    const [row] = readHistory(test.path).firstSeen({ workload: null, sinceMs: 0, limit: -1 });
    expect(row?.days.map(({ counts }) => counts[0])).toEqual([3, 4]);
  });
});

import { describe, expect, it } from 'vitest';
import { SPARK_DAYS, sparkline } from '../../src/cli/spark.ts';
import type { DayCounts } from '../../src/history/day-counts.ts';

const DAY = 86_400_000;
const TODAY = 20_000;
const AT = TODAY * DAY + 5;

const day = (ago: number, allowed: number, denied = 0, failed = 0): DayCounts => ({
  day: TODAY - ago,
  counts: [allowed, denied, 0, failed],
});

describe('a sparkline', () => {
  const rows: readonly {
    readonly name: string;
    readonly days: readonly DayCounts[];
    readonly end: string;
  }[] = [
    { name: 'today alone is a full bar', days: [day(0, 1)], end: ' █' },
    { name: 'a day without a query is a dot', days: [day(2, 8), day(0, 8)], end: ' █·█' },
    { name: 'bars are of the busiest day', days: [day(2, 100), day(1, 50), day(0, 1)], end: '█▄▁' },
    { name: 'every query counts', days: [day(1, 1, 1, 2), day(0, 4)], end: '██' },
  ];
  for (const { name, days, end } of rows) {
    it(name, () => {
      const line = sparkline(days, AT);
      expect(line).toHaveLength(SPARK_DAYS);
      expect(line.endsWith(end)).toBe(true);
      expect(line.trimStart().length).toBe(end.trimStart().length);
    });
  }

  it('is empty where nothing is known of these days', () => {
    expect(sparkline([], AT)).toBe('');
    expect(sparkline([day(SPARK_DAYS, 9)], AT)).toBe('');
    expect(sparkline([day(0, 9)], AT - DAY)).toBe('');
  });

  it('has dots from its begin where the pair is older', () => {
    expect(sparkline([day(SPARK_DAYS + 5, 9), day(0, 9)], AT)).toBe(`${'·'.repeat(27)}█`);
  });
});

import { describe, expect, it } from 'vitest';
import { poissonBound, quantile, ratio, spreadOf } from '../../../src/detect/eval/statistics.ts';

describe('statistics', () => {
  const quantiles: readonly (readonly [string, readonly number[], number, number | null])[] = [
    ['of nothing there is none', [], 0.5, null],
    ['of one it is that one', [7], 0.95, 7],
    ['the median of an even number is the lower of both', [4, 1, 3, 2], 0.5, 2],
    ['the 95th of a hundred', Array.from({ length: 100 }, (_, i) => i + 1), 0.95, 95],
    ['the largest', [1, 9, 3], 1, 9],
  ];
  it.each(quantiles)('quantile: %s', (_rule, values, q, want) => {
    expect(quantile(values, q)).toBe(want);
  });

  // Garwood's exact upper limits.
  const bounds: readonly (readonly [number, number])[] = [
    [0, 2.996],
    [1, 4.744],
    [5, 10.513],
    [100, 118.08],
  ];
  it.each(bounds)('with %i events seen the mean is at most %f', (events, want) => {
    expect(poissonBound(events)).toBeCloseTo(want, 2);
  });

  it('a rate over nothing is not known', () => {
    expect(ratio(3, 0)).toBe(null);
    expect(ratio(3, 2)).toBe(1.5);
    expect(spreadOf([])).toEqual({ median: null, p95: null, max: null });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR, NOTICE } from '../../src/alerts/alert.ts';
import { RateCap } from '../../src/alerts/rate-cap.ts';

const T0 = Date.UTC(2026, 10, 23, 12);

function admitted(cap: RateCap, times: number, nowMs: number, severity?: number): number {
  return Array.from({ length: times }, () => cap.admit(nowMs, severity)).filter(Boolean).length;
}

describe('rate cap', () => {
  it('admits so many in a minute from the first, and the same in the next', () => {
    const cap = new RateCap(3);
    expect(admitted(cap, 5, T0)).toBe(3);
    expect(admitted(cap, 5, T0 + 59_999)).toBe(0);
    expect(admitted(cap, 5, T0 + 60_000)).toBe(3);
  });

  it('says once how many were suppressed, when their minute is over', () => {
    const cap = new RateCap(3);
    admitted(cap, 5, T0);
    expect(cap.takeSuppressed(T0 + 59_999)).toBe(0);
    expect(cap.takeSuppressed(T0 + 60_000)).toBe(2);
    expect(cap.takeSuppressed(T0 + 60_000)).toBe(0);
    expect(cap.suppressedInAll).toBe(2);
    admitted(cap, 4, T0 + 60_000);
    expect(cap.suppressedInAll).toBe(3);
  });

  it('says at the end of time what the minute had suppressed so far', () => {
    const cap = new RateCap(1);
    admitted(cap, 8, T0);
    expect(cap.takeSuppressed(Number.POSITIVE_INFINITY)).toBe(7);
  });

  it('has an allowance for each severity: a flood of notices hides no error', () => {
    const cap = new RateCap(2);
    expect(admitted(cap, 100, T0, NOTICE)).toBe(2);
    expect(admitted(cap, 3, T0, ERROR)).toBe(2);
    expect(cap.takeSuppressed(T0 + 60_000)).toBe(99);
  });

  it('starts again when the clock is set back', () => {
    const cap = new RateCap(1);
    expect(admitted(cap, 2, T0)).toBe(1);
    expect(cap.takeSuppressed(T0 - 3_600_000)).toBe(1);
    expect(admitted(cap, 2, T0 - 3_600_000)).toBe(1);
  });

  it('without a number admits all', () => {
    const cap = new RateCap(null);
    expect(admitted(cap, 1_000, T0)).toBe(1_000);
    expect(cap.takeSuppressed(Number.POSITIVE_INFINITY)).toBe(0);
  });

  it('accounts for every alert: it was admitted or it is told as suppressed', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -5_000, max: 90_000 }), fc.nat(7)), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (list, perMinute) => {
        const cap = new RateCap(perMinute);
        let nowMs = T0;
        let count = 0;
        for (const [ms, severity] of list) {
          nowMs += ms;
          count += cap.takeSuppressed(nowMs);
          if (cap.admit(nowMs, severity)) count++;
        }
        expect(count + cap.takeSuppressed(Number.POSITIVE_INFINITY)).toBe(list.length);
      }),
      { seed: 20_261_125, numRuns: 200 },
    );
  });
});

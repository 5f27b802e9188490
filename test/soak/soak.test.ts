/** A short soak on each backend; `npm run soak -- --minutes 30` is the long one. */

import { describe, expect, it } from 'vitest';
import { lacks } from '../support/processes.ts';
import { BACKENDS } from '../support/valve.ts';
import { lineThrough, type Sample } from './memory.ts';
import { Soak } from './soak.ts';

const SECONDS = 12;
const PER_SECOND = 400;
const TEST_MS = 120_000;

describe.skipIf(lacks('knotd', 'unbound')).each(BACKENDS)('%s sockets', (backend) => {
  it(
    'give what Unbound gives while upstreams freeze and die and the configuration changes',
    async () => {
      const shape = { seconds: SECONDS, perSecond: PER_SECOND, seed: 3, workers: 2, backend };
      const report = await new Soak(shape).run();
      expect(report.examples).toEqual([]);
      expect([report.wrong, report.doubts, report.status]).toEqual([0, [], 0]);
      // Guards against a vacuous pass.
      expect(report.counts.answers).toBeGreaterThan((SECONDS * PER_SECOND) / 2);
      expect(report.counts.denied).toBeGreaterThan(100);
      expect(report.counts.ticks).toBeGreaterThan(30);
      expect(report.oracleAsked).toBeGreaterThan(5);
      expect(Object.keys(report.events).length).toBeGreaterThan(0);
    },
    TEST_MS,
  );
});

describe('the line through samples', () => {
  it('has the slope an hour of what grows evenly, and none of what does not', () => {
    const samples = Array.from({ length: 10 }, (_, i): Sample => {
      return { atMs: i * 60_000, resident_mb: 100 + i, heap_mb: 30, descriptors: 9, threads: 4 };
    });
    const grown = lineThrough(samples, 'resident_mb');
    expect(grown.perHour).toBeCloseTo(60);
    expect([grown.first, grown.last, grown.r2.toFixed(3)]).toEqual([100, 109, '1.000']);
    expect(lineThrough(samples, 'heap_mb').perHour).toBe(0);
  });
});

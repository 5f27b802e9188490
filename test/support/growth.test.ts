/** When a long run calls memory flat: curves of which it is known. */

import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/mutate.ts';
import { type Growth, growthOf, growthText, heldBy, JUDGED_MIN, type Look } from './growth.ts';

/** So many curves of each kind, each with noise of its own. */
const CURVES = 100;
const MILLIONS = 10;
const LOOKS = 200;

type Curve = (at: number, noise: (below: number) => number) => number;

/** @param of MB after so many millions of messages */
function run(of: Curve, seed = 1, millions = MILLIONS): Look[] {
  const random = new Random(seed);
  const noise = (below: number): number => random.next(below * 1000) / 1000;
  return Array.from({ length: LOOKS + 1 }, (_, i) => {
    const sent = (millions * 1e6 * i) / LOOKS;
    return { sent, heldMb: of(sent / 1e6, noise) };
  });
}

/** What so many of the curves are called. */
function verdicts(of: Curve): Record<Growth['verdict'], number> {
  const counts = { flat: 0, grows: 0, unclear: 0 };
  for (let seed = 1; seed <= CURVES; seed++) counts[growthOf(run(of, seed))?.verdict ?? 'flat']++;
  return counts;
}

/** Garbage of one message stays until a collector comes by, at its own times. */
function sawtooth(at: number, noise: (below: number) => number): number {
  return ((at * 40) % 8) + noise(4);
}

/** None at every third look. */
function garbage(at: number, noise: (below: number) => number): number {
  return Math.round((at * LOOKS) / MILLIONS) % 3 === 0 ? 0 : noise(60);
}

describe('memory is flat', () => {
  const rows: readonly (readonly [string, Curve])[] = [
    ['when nothing rises', () => 400],
    ['under noise', (_, noise) => 400 + noise(10)],
    ['under collectors that come and go', (at, noise) => 400 + sawtooth(at, noise)],
    ['under garbage that two looks of three see', (at, noise) => 400 + garbage(at, noise)],
    ['when it fell', (at, noise) => 600 - 5 * at + noise(10)],
    ['when it filled in the first half', (at, noise) => 200 + 40 * Math.min(at, 4.9) + noise(6)],
    ['when it came near its bound', (at, noise) => 400 - 100 * Math.exp(-at) + noise(6)],
    ['when it rises by a third of the least leak', (at, noise) => 400 + at / 3 + noise(6)],
  ];

  it.each(rows)('%s', (_, of) => {
    expect(verdicts(of).flat).toBeGreaterThanOrEqual(0.95 * CURVES);
  });
});

describe('memory grows', () => {
  const rows: readonly (readonly [string, Curve])[] = [
    ['when two octets a message leak', (at) => 400 + 2 * at],
    ['under noise', (at, noise) => 400 + 2 * at + noise(10)],
    ['under collectors that come and go', (at, noise) => 400 + 3 * at + sawtooth(at, noise)],
    ['when tables fill to the end', (at, noise) => 300 + 30 * Math.sqrt(at) + noise(10)],
    ['when it only slows down', (at, noise) => 300 + 60 * Math.log(1 + at) + noise(10)],
  ];

  it.each(rows)('%s', (_, of) => {
    const { flat, grows } = verdicts(of);
    expect(flat).toBe(0);
    expect(grows).toBeGreaterThanOrEqual(0.95 * CURVES);
  });
});

describe('memory is never called flat', () => {
  const rows: readonly (readonly [string, Curve])[] = [
    ['when noise hides a leak', (at, noise) => 400 + 2 * at + noise(60)],
    ['when what filled late may do so again', (at, noise) => 200 + 40 * Math.min(at, 7) + noise(6)],
    ['when it waits and then leaks', (at, noise) => 400 + 3 * Math.max(0, at - 6) + noise(6)],
  ];

  it.each(rows)('%s', (_, of) => {
    expect(verdicts(of).flat).toBe(0);
  });
});

describe('a judgement', () => {
  const growing: Curve = (at) => 400 + 4 * at;

  it('has the slope in octets for each message, and the range it lies in', () => {
    const { slope, low, high } = growthOf(run(growing)) ?? { slope: 0, low: 0, high: 0 };
    expect(slope).toBeCloseTo(4, 1);
    expect(high - low).toBeLessThan(0.5);
    expect(low).toBeLessThanOrEqual(slope);
  });

  it('has a range in which the true slope lies 95 times in a hundred', () => {
    let within = 0;
    for (let seed = 1; seed <= CURVES; seed++) {
      const { low, high } = growthOf(run((at, noise) => 4 * at + noise(30), seed)) ?? {
        low: 9,
        high: 0,
      };
      if (low <= 4 && 4 <= high) within++;
    }
    expect(within).toBeGreaterThanOrEqual(0.9 * CURVES);
  });

  it('is not made of a run that is too short, and says so', () => {
    expect(growthOf(run(growing, 1, (JUDGED_MIN - 1) / 1e6))).toBeNull();
    expect(growthOf(run(growing, 1, JUDGED_MIN / 1e6))?.verdict).toBe('grows');
    expect(growthOf([])).toBeNull();
    expect(growthText(null)).toContain('not judged');
  });

  it('cannot be made of two looks', () => {
    const looks = [4e6, 8e6].map((sent) => ({ sent, heldMb: 400 }));
    expect(growthOf(looks)?.verdict).toBe('unclear');
  });
});

describe('what a process holds', () => {
  it('is read of a running one: memory that was written counts, a mapped file does not', () => {
    const before = heldBy(process.pid);
    const held = Buffer.alloc(32 << 20, 1);
    const after = heldBy(process.pid);
    expect(after.heldMb - before.heldMb).toBeGreaterThan(24);
    expect(held[0]).toBe(1);
    expect(after.descriptors).toBeGreaterThan(2);
    expect(after.threads).toBeGreaterThan(1);
  });
});

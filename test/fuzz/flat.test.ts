/** When a campaign calls memory flat: curves of which it is known. */

import { describe, expect, it } from 'vitest';
import { flatness, type Look, WARM_UP } from './flat.ts';
import { Random } from './mutate.ts';

/** 200 looks; `at` is millions of messages. */
function run(millions: number, of: (at: number) => number): Look[] {
  return Array.from({ length: 201 }, (_, i) => {
    const sent = (millions * 1e6 * i) / 200;
    return { sent, residentMb: of(sent / 1e6) };
  });
}

describe('memory is called flat', () => {
  const random = new Random(7);
  /** A collector that runs when it likes. */
  const garbage = (): number => random.next(60);
  const rows: readonly (readonly [string, number, (at: number) => number, boolean])[] = [
    ['when nothing rises', 10, () => 400, true],
    ['under garbage that comes and goes', 10, () => 400 + garbage(), true],
    ['when it rose until the tables were full', 10, (at) => 200 + 100 * Math.min(at, 2.9), true],
    ['when it falls', 10, (at) => 600 - 5 * at, true],
    ['not when it rises by 4 MB for each million', 10, (at) => 400 + 4 * at, false],
    ['not when that is hidden in garbage', 20, (at) => 400 + 4 * at + garbage(), false],
    ['not when the tables fill later', 10, (at) => 200 + 40 * Math.min(at, 7), false],
    ['not when the noise is too large to tell', 6, (at) => 400 + (at % 1 < 0.5 ? 0 : 99), false],
  ];

  it.each(rows)('%s', (_, millions, of, isFlat) => {
    expect(flatness(run(millions, of))?.isFlat).toBe(isFlat);
  });

  it('or not judged when the rest is shorter than the warming up', () => {
    expect(flatness(run((2 * WARM_UP - 1) / 1e6, () => 1))).toBe(null);
    expect(flatness(run((2 * WARM_UP) / 1e6, () => 1))).not.toBe(null);
    expect(flatness([])).toBe(null);
  });

  it('says the slope and its error', () => {
    const { slope, error } = flatness(run(10, (at) => 400 + 4 * at)) ?? { slope: 0, error: 1 };
    expect(slope).toBeCloseTo(4, 1);
    expect(error).toBeCloseTo(0, 1);
  });
});

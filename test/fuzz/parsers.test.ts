/** Every reader of what others write, over mutated texts: taken, or refused by an error of ours. */

import { describe, expect, it } from 'vitest';
import { fuzz, TARGETS } from './parsers.ts';

const SEED = 20261126;
const [ROUNDS, SLOW_ROUNDS] = [2500, 150];

describe('readers of what others write', () => {
  it.each(TARGETS)(
    '$name',
    (target) => {
      const rounds = target.isSlow === true ? SLOW_ROUNDS : ROUNDS;
      const { taken, refused } = fuzz(target, rounds, SEED);
      expect(taken + refused).toBe(rounds);
      // It proves itself: mutation leaves some of them whole.
      expect(taken).toBeGreaterThan(rounds / 50);
    },
    60_000,
  );
});

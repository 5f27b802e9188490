/** Forged answers against questions that wait; `node test/fuzz/forge.ts` sends a million. */

import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/native/addon.ts';
import { collisionBits, countsOf, deviation } from './chance.ts';
import { forge } from './forge.ts';
import { Random } from './mutate.ts';

const [FORGED, OUTSTANDING] = [64_000, 1500];
/** Normal deviates: chance is beyond that once in 300 million looks. */
const FAR = 6;

describe.skipIf(loadAddon().addon === null)('forged answers', () => {
  it.each(['native', 'dgram'] as const)(
    `${FORGED} against ${OUTSTANDING} questions on %s sockets: none is accepted, honest ones are`,
    async (backend) => {
      const result = await forge({ forged: FORGED, outstanding: OUTSTANDING, seed: 5, backend });
      expect(result.accepted).toBe(0);
      expect(result.honest).toBeGreaterThan(0);
      expect(Math.max(...result.inflight)).toBeGreaterThan(OUTSTANDING / 4);
      expect(result.byMethod.reduce((sum, { expected }) => sum + expected, 0)).toBeLessThan(1e-4);
      for (const [what, value] of Object.entries(result.deviations)) {
        expect(Math.abs(value), what).toBeLessThan(FAR);
      }
      expect(result.faults).toBe(0);
    },
    120_000,
  );
});

describe('how far from chance', () => {
  const random = new Random(77);
  const even = Array.from({ length: 20_000 }, () => random.next(256));

  it('what was drawn evenly is near', () => {
    expect(Math.abs(deviation(countsOf(even, 256)))).toBeLessThan(4);
    expect(collisionBits(even)).toBeCloseTo(8, 1);
  });

  it('one value in twenty that is favoured is far', () => {
    const uneven = even.map((value, i) => (i % 20 === 0 ? 7 : value));
    expect(deviation(countsOf(uneven, 256))).toBeGreaterThan(FAR);
  });

  it('a counter is too even', () => {
    const counter = even.map((_, i) => i & 255);
    expect(deviation(countsOf(counter, 256))).toBeLessThan(-FAR);
  });
});

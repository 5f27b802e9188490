import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Most } from '../../src/history/most.ts';

it('the most are those that come first when all are sorted, whatever the limit', () => {
  const shape = fc.tuple(fc.integer({ min: 1, max: 65_536 }), fc.integer({ min: 0, max: 5000 }));
  fc.assert(
    fc.property(shape, fc.constantFrom(-1, 0, 1, 20, 2000), ([step, size], limit) => {
      const all = Array.from({ length: size }, (_, i) => (i * step) % 65_537);
      const most = new Most<number>(limit, (a, b) => b - a);
      for (const one of all) most.add(one);
      const sorted = all.sort((a, b) => b - a);
      expect(most.inOrder()).toEqual(limit < 0 ? sorted : sorted.slice(0, limit));
    }),
  );
});

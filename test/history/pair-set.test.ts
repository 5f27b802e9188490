import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PairSet } from '../../src/history/pair-set.ts';

const number = fc.oneof(
  fc.integer({ min: 0, max: 70 }),
  fc.constantFrom(31, 32, 63, 32_767, 32_768, 65_535),
  fc.integer({ min: 0, max: 3_000_000 }),
);

it('a set of pairs has what was added, once and in order, whatever the numbers', () => {
  fc.assert(
    fc.property(fc.array(number, { maxLength: 200 }), number, (added, from) => {
      const set = new PairSet();
      for (const id of added) set.add(id);
      const sorted = [...new Set(added)].sort((a, b) => a - b);
      expect(set.size).toBe(sorted.length);
      expect([...set.from()]).toEqual(sorted);
      expect([...set.from(from)]).toEqual(sorted.filter((id) => id >= from));
      for (const id of [...added, from, from + 1]) expect(set.has(id)).toBe(sorted.includes(id));
    }),
  );
});

/** Pairs that were asked for by one name only: their row is their detail too. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { fixture, readHistory, tableRows } from './support/fixture.ts';
import { NOON, type RecordSpec } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };

function query(name: string, more: Partial<RecordSpec> = {}): RecordSpec[] {
  return [
    { name, allowed: 1, ...more },
    { name, allowed: 1, ...more, kind: KIND_NAME },
  ];
}

describe('a destination of one name', () => {
  it('needs no row of detail, and is told as one that has it', () => {
    const test = fixture();
    test.put(query('www.one.test'));
    test.recording.flush();
    test.put(query('www.one.test', { firstMs: NOON + 5, denied: 2, allowed: 0 }));
    test.recording.flush();
    expect(tableRows(test.path, 'SELECT 1 FROM name')).toHaveLength(0);
    const found = readHistory(test.path);
    const want = { name: 'www.one.test', queries: 3, denied: 2, firstMs: NOON, lastMs: NOON + 5 };
    expect(found.names('pay', 'test.one.', -1)).toMatchObject([want]);
    expect(found.ofName('test.one.www.', 'exact', ALL)).toMatchObject([want]);
    expect(found.ofName('test.one.api.', 'subtree', ALL)).toEqual([]);
    expect(found.ofName('test.one.www.', 'exact', { ...ALL, sinceMs: NOON + 6 })).toEqual([]);
    expect(found.firstSeen(ALL)).toMatchObject([{ names: 1 }]);
  });

  const rows: { name: string; second: RecordSpec[]; want: string[] }[] = [
    {
      name: 'gets a row when a second name comes',
      second: query('api.one.test', { firstMs: NOON + 1 }),
      want: ['www.one.test 1', 'api.one.test 1'],
    },
    {
      name: 'gets a row when a second name comes that is earlier',
      second: query('api.one.test', { firstMs: NOON - 1 }),
      want: ['api.one.test 1', 'www.one.test 1'],
    },
    {
      name: 'gets a row when queries come without their names',
      second: [{ name: 'www.one.test', allowed: 4 }],
      want: ['www.one.test 1'],
    },
    {
      name: 'gets a row when a name comes without its pair',
      second: [{ name: 'www.one.test', allowed: 4, kind: KIND_NAME }],
      want: ['www.one.test 5'],
    },
    {
      name: 'gets a row when queries were folded',
      second: query('www.one.test', { folded: 1, firstMs: NOON + 1 }),
      want: ['www.one.test 2'],
    },
  ];
  for (const { name, second, want } of rows) {
    it(name, () => {
      const test = fixture();
      test.put(query('www.one.test'));
      test.recording.flush();
      test.put(second);
      test.recording.flush();
      const held = readHistory(test.path).names('pay', 'test.one.', -1);
      expect(held.map((row) => `${row.name} ${row.queries}`)).toEqual(want);
      expect(tableRows(test.path, 'SELECT 1 FROM name')).toHaveLength(want.length);
      expect(tableRows(test.path, 'SELECT names FROM pair')).toEqual([{ names: want.length }]);
    });
  }

  it('keeps every count of every name, wherever the flushes fall', () => {
    const step = fc.record({
      host: fc.constantFrom('a', 'b'),
      minute: fc.integer({ min: 0, max: 9 }),
      count: fc.integer({ min: 1, max: 3 }),
      flush: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const test = fixture();
        const want = new Map<string, number>();
        for (const { host, minute, count, flush } of steps) {
          const name = `${host}.one.test`;
          want.set(name, (want.get(name) ?? 0) + count);
          test.put(query(name, { allowed: count, firstMs: NOON + minute }));
          if (flush) test.recording.flush();
        }
        test.recording.flush();
        const held = readHistory(test.path).names('pay', 'test.one.', -1);
        expect(new Map(held.map((row) => [row.name, row.queries]))).toEqual(want);
      }),
      { numRuns: 30, seed: 7 },
    );
  });
});

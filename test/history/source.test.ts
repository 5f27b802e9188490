import { describe, expect, it } from 'vitest';
import { AT_RULE } from '../../src/events/kinds.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import { Source } from '../../src/history/source.ts';
import { fixture, readHistory } from './support/fixture.ts';
import { writeRecord } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };

/** A ring of four; `put` numbers the records and says whether there was room. */
function ringOfFour() {
  const ring = createRing(4);
  const source = new Source(ring);
  const writer = new RingWriter(ring);
  let next = 0;
  const put = (count: number): boolean[] =>
    Array.from({ length: count }, () => writeRecord(writer, { name: 'one.test', rule: next++ }));
  const drain = (): number[] => {
    const seen: number[] = [];
    source.drain(({ view, at }) => seen.push(view.getUint32(at + AT_RULE, true)));
    return seen;
  };
  return { source, put, drain };
}

describe('records that come while a transaction runs', () => {
  it('make room in the ring, and are read once and in their order', () => {
    const { source, put, drain } = ringOfFour();
    put(3);
    source.setAside();
    expect(put(4)).toEqual([true, true, true, true]);
    expect(drain()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(drain()).toEqual([]);
    put(1);
    source.setAside();
    expect(drain()).toEqual([7]);
  });

  it('wait in the ring beyond as many as it holds', () => {
    const { source, put, drain } = ringOfFour();
    put(4);
    source.setAside();
    put(4);
    source.setAside();
    expect(source.asideCount).toBe(4);
    expect(put(1)).toEqual([false]);
    expect(drain()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(source.asideCount).toBe(0);
  });

  it('are read between the transactions of a flush', () => {
    const test = fixture();
    const records = Array.from({ length: 17_000 }, (_, i) => ({ name: `d${i}.test`, allowed: 1 }));
    test.put(records);
    writeRecord(test.writers[0]!, { name: 'late.test', allowed: 1 });
    expect(test.recording.flush()).toBe(true);
    const found = readHistory(test.path).firstSeen(ALL);
    expect(found).toHaveLength(17_001);
    expect(found.every((row) => row.queries === 1)).toBe(true);
  });
});

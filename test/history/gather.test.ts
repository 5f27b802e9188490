import { describe, expect, it } from 'vitest';
import { AT_DOMAIN_HASH, KIND_NAME, KIND_PAIR } from '../../src/events/kinds.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import { Gather } from '../../src/history/gather.ts';
import { Source } from '../../src/history/source.ts';
import { writeRecord } from './support/records.ts';

/** Documented beside `Gather`: pairs in memory that nothing waits for. */
const REMEMBERED = 65_536;
/** Pairs between two commits. */
const COMMIT = 4_096;
const WORKLOAD = { name: 'api', number: 0 };

function numbered(low: number): { readonly low: number; readonly high: number } {
  return { low, high: 7 };
}

describe('what the recorder remembers', () => {
  it('is no more than it says of pairs that were stored, and all of what waits', () => {
    const gather = new Gather({ pairs: 100_000, namesPerDomain: 4 });
    const ring = createRing(2 * COMMIT);
    const [writer, source] = [new RingWriter(ring), new Source(ring)];
    const hashes: number[] = [];
    const put = (from: number): void => {
      for (let i = from; i < from + COMMIT; i++) {
        for (const kind of [KIND_PAIR, KIND_NAME]) {
          const hash = () => numbered(i);
          writeRecord(writer, { kind, name: `d${i}.test`, allowed: 1, hash });
        }
      }
      source.drain((place) => {
        hashes.push(place.view.getUint32(place.at + AT_DOMAIN_HASH, true));
        gather.add(place, WORKLOAD);
      });
    };
    let from = 0;
    let most = 0;
    const known = (low: number): boolean => gather.domainOf(low, 7, WORKLOAD) !== null;
    for (; from < 3 * REMEMBERED; from += COMMIT) {
      put(from);
      const waiting = [...Array(COMMIT).keys()].map((i) => from + i);
      expect(waiting.every(known)).toBe(true);
      if (from % (4 * COMMIT) === 0) {
        most = Math.max(most, [...Array(from + COMMIT).keys()].filter(known).length);
      }
      gather.forget(gather.oldest(1e9));
    }
    expect(new Set(hashes).size).toBe(from);
    expect(most).toBeGreaterThan(REMEMBERED / 2);
    expect(most).toBeLessThanOrEqual(REMEMBERED + COMMIT);
  }, 60_000);
});

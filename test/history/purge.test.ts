import { describe, expect, it } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { fixture, readHistory, tableRows } from './support/fixture.ts';
import { NOON, type RecordSpec } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };
const DAY = 86_400_000;

/** Domains that were asked for twice, and one of the names is held as a row of detail. */
function detail(count: number, firstMs: number): RecordSpec[] {
  return Array.from({ length: count }, (_, i) => [
    { name: `n.domain-${i}.test`, allowed: 2, firstMs },
    { kind: KIND_NAME, name: `n.domain-${i}.test`, allowed: 1, firstMs },
  ]).flat();
}

describe('the purge', () => {
  it('takes name detail beyond the retention in several steps, and no pair', () => {
    const test = fixture({ retentionMs: 30 * DAY });
    test.put(detail(1200, NOON - 31 * DAY));
    test.put([
      { name: 'n.young.test', allowed: 2, firstMs: NOON - 29 * DAY },
      { kind: KIND_NAME, name: 'n.young.test', allowed: 1, firstMs: NOON - 29 * DAY },
    ]);
    test.recording.flush();
    test.recording.maintain();
    const left = tableRows(test.path, 'SELECT 1 FROM name').length;
    expect(left).toBeGreaterThan(1);
    expect(left).toBeLessThan(1201);
    for (let i = 0; i < 12; i++) test.recording.maintain();
    expect(tableRows(test.path, 'SELECT name_rev FROM name')).toEqual([{ name_rev: 'n.' }]);
    const pairs = readHistory(test.path).firstSeen(ALL);
    expect(pairs).toHaveLength(1201);
    expect(pairs[0]).toMatchObject({ queries: 2, names: 0, firstName: 'n.domain-0.test' });
  });

  it('makes room for new detail under the bound', () => {
    const test = fixture({ retentionMs: DAY, namesPerDomain: 1 });
    test.put([{ kind: KIND_NAME, name: 'old.one.test', allowed: 1, firstMs: NOON - 2 * DAY }]);
    test.recording.flush();
    test.recording.maintain();
    test.put([{ kind: KIND_NAME, name: 'new.one.test', allowed: 1 }]);
    test.recording.flush();
    expect(readHistory(test.path).names('pay', 'test.one.', -1)).toMatchObject([
      { name: 'new.one.test' },
    ]);
  });

  it('rests for an hour after it came to the end', () => {
    const test = fixture({ retentionMs: DAY });
    test.recording.maintain();
    test.put(detail(1, NOON - 2 * DAY));
    test.recording.flush();
    test.recording.maintain();
    expect(tableRows(test.path, 'SELECT 1 FROM name')).toHaveLength(1);
    test.clock.ms += 3_600_000;
    test.recording.maintain();
    expect(tableRows(test.path, 'SELECT 1 FROM name')).toHaveLength(0);
  });

  it('is not put off by a clock that is set back', () => {
    const test = fixture({ retentionMs: DAY });
    test.recording.maintain();
    test.clock.ms -= 10 * DAY;
    test.put(detail(1, NOON - 12 * DAY));
    test.recording.flush();
    test.recording.maintain();
    expect(tableRows(test.path, 'SELECT 1 FROM name')).toHaveLength(0);
  });

  it('takes nothing for old by a clock that is set far forward, until it is set right', () => {
    const test = fixture({ retentionMs: 30 * DAY });
    test.put(detail(1, NOON));
    test.recording.flush();
    const set = 3650 * DAY;
    test.clock.ms += set;
    test.clock.setMs += set;
    test.recording.maintain();
    expect(tableRows(test.path, 'SELECT 1 FROM name')).toHaveLength(1);
    test.clock.ms -= set;
    test.clock.setMs -= set;
    test.clock.ms += 31 * DAY;
    test.recording.maintain();
    expect(tableRows(test.path, 'SELECT 1 FROM name')).toHaveLength(0);
  });

  it('leaves a first query findable by its full name', () => {
    const test = fixture({ retentionMs: DAY });
    test.put(detail(1, NOON - 2 * DAY));
    test.recording.flush();
    test.recording.maintain();
    expect(readHistory(test.path).ofName('test.domain-0.n.', 'exact', ALL)).toMatchObject([
      { name: 'n.domain-0.test', firstVerdict: 'allowed', firstMs: NOON - 2 * DAY, queries: 1 },
    ]);
  });
});

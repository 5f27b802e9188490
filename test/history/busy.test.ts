import { describe, expect, it } from 'vitest';
import { textOfReversed } from '../../src/history/names.ts';
import { type Fixture, fixture, readHistory, tableRows } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const HOUR = 3_600_000;
const ALL = { workload: null, sinceMs: 0, limit: -1 };

function ask(test: Fixture, name: string, allowed: number, firstMs = NOON): void {
  test.put([{ name, allowed, firstMs }]);
  test.recording.flush();
}

const domains = (path: string): unknown[] =>
  readHistory(path)
    .top('domain', ALL)
    .rows.map(({ key, queries }) => [textOfReversed(key), queries]);

describe('the busiest of an hour', () => {
  it('go on where a recorder before left off', () => {
    const test = fixture();
    ask(test, 'one.test', 3);
    test.recording.close();
    const again = fixture({ path: test.path });
    ask(again, 'one.test', 4);
    again.recording.close();
    expect(domains(test.path)).toEqual([['one.test', 7]]);
  });

  it('are of the hour that they were asked in, when the clock goes back too', () => {
    const test = fixture();
    ask(test, 'one.test', 1);
    ask(test, 'one.test', 2, NOON + HOUR);
    ask(test, 'one.test', 4);
    test.recording.close();
    const hours = tableRows(test.path, 'SELECT domains FROM busy ORDER BY hour');
    expect(hours).toEqual([
      { domains: '[["test.one.",5,0,0,0]]' },
      { domains: '[["test.one.",2,0,0,0]]' },
    ]);
  });

  it('are in the list, and what has no room in it is counted', () => {
    const test = fixture();
    for (let i = 0; i < 300; i++) test.put([{ name: `n${i}.test`, allowed: 2 }]);
    for (let i = 0; i < 60; i++) test.put([{ name: `d${i}.test`, denied: 1 }]);
    test.recording.close();
    const top = readHistory(test.path).top('domain', ALL);
    expect(top.rows).toHaveLength(300);
    expect(top.missed).toBe(50 * 2 + 10);
  });

  it('are not counted again where a transaction is undone', () => {
    const test = fixture({
      prepare: (db) => {
        db.exec(`CREATE TEMP TRIGGER full BEFORE INSERT ON workload WHEN NEW.name = 'web'
BEGIN SELECT RAISE(ABORT, 'full'); END`);
      },
    });
    test.put([{ name: 'one.test', allowed: 5 }]);
    test.put([{ name: 'two.test', allowed: 7, workload: 2 }]);
    test.recording.flush();
    test.recording.close();
    expect(domains(test.path)).toEqual([['one.test', 5]]);
  });

  it('are kept for 31 days', () => {
    const test = fixture();
    for (let i = 0; i < 31 * 24 + 5; i++) ask(test, 'one.test', 1, NOON + i * HOUR);
    test.recording.close();
    expect(tableRows(test.path, 'SELECT count(*) AS n FROM busy')).toEqual([{ n: 31 * 24 }]);
  });
});

/** Sums of days that are over say what their hours say, whenever they were made. */

import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BusyDays } from '../../src/history/busy-days.ts';
import { HistoryQueries } from '../../src/history/queries.ts';
import { type Fixture, fixture } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIDNIGHT = NOON - 12 * HOUR;
const FIRST_DAY = Math.floor(NOON / DAY);

interface Open {
  readonly test: Fixture;
  readonly db: Database.Database;
  readonly queries: HistoryQueries;
}

function open(): Open {
  const test = fixture();
  const db = new Database(test.path);
  onTestFinished(() => void db.close());
  return { test, db, queries: new HistoryQueries(db) };
}

/** What is asked for in an hour is written when one of another hour comes. */
function ask({ test }: Open, name: string, hour: number, allowed = 1): void {
  test.put([{ name, allowed, firstMs: MIDNIGHT + hour * HOUR }]);
  test.recording.flush();
}

function settle({ db }: Open): void {
  const days = new BusyDays(db);
  while (days.step());
}

/** Days that have a sum, counted from the first. */
const daysOf = ({ db }: Open): number[] =>
  db
    .prepare<[], number>('SELECT day FROM busy_day ORDER BY day')
    .pluck()
    .all()
    .map((day) => day - FIRST_DAY);

describe('the sum of a day', () => {
  it('is made of days that are over and whole', () => {
    const all = open();
    for (const hour of [0, 5, 24, 50, 71, 72, 73]) ask(all, 'one.test', hour);
    settle(all);
    expect(daysOf(all)).toEqual([0, 1, 2]);
  });

  it('is not made of the day that the history began in', () => {
    const all = open();
    for (const hour of [1, 24, 48, 49]) ask(all, 'one.test', hour);
    settle(all);
    expect(daysOf(all)).toEqual([1]);
  });

  it('is made anew where something comes late', () => {
    const all = open();
    for (const hour of [0, 24, 48, 49]) ask(all, 'one.test', hour);
    settle(all);
    expect(daysOf(all)).toEqual([0, 1]);
    ask(all, 'one.test', 3, 5);
    ask(all, 'one.test', 50);
    expect(daysOf(all)).toEqual([1]);
    settle(all);
    expect(daysOf(all)).toEqual([0, 1]);
    const window = { workload: null, sinceMs: MIDNIGHT, untilMs: MIDNIGHT + DAY, limit: -1 };
    expect(all.queries.top('domain', window)).toMatchObject({ sum: { queries: 6 } });
  });

  it('goes with the first of its hours', () => {
    const all = open();
    for (let hour = 0; hour < 31 * 24; hour++) ask(all, 'one.test', hour);
    settle(all);
    expect(daysOf(all).slice(0, 2)).toEqual([0, 1]);
    ask(all, 'one.test', 31 * 24);
    expect(daysOf(all).slice(0, 2)).toEqual([1, 2]);
    settle(all);
    expect(daysOf(all).slice(0, 2)).toEqual([1, 2]);
  });
});

describe('queries for domains that no list holds', () => {
  it('are those of all hours of the day', () => {
    const all = open();
    for (const hour of [0, 7, 24, 25]) ask(all, 'one.test', hour);
    all.db.exec(`UPDATE busy SET missed = 1 + hour % 24`);
    settle(all);
    const window = { workload: null, sinceMs: MIDNIGHT, untilMs: MIDNIGHT + DAY, limit: -1 };
    expect(all.queries.top('domain', window).missed).toBe(1 + 8);
    expect(all.queries.top('workload', window).missed).toBe(0);
  });
});

describe('top', () => {
  const act = fc.record({
    hour: fc.integer({ min: 0, max: 5 * 24 }),
    name: fc.constantFrom('one.test', 'two.test', 'www.two.test', 'three.test'),
    workload: fc.constantFrom(1, 2),
    verdict: fc.constantFrom('allowed', 'denied', 'failed'),
    thenSettle: fc.boolean(),
  });
  const window = fc.record({
    from: fc.integer({ min: -1, max: 5 * 24 }),
    hours: fc.integer({ min: 1, max: 6 * 24 }),
    by: fc.constantFrom('domain' as const, 'workload' as const),
    limit: fc.constantFrom(-1, 1),
  });

  it('is the same with sums of days and without', () => {
    const all = open();
    const { test, db, queries } = all;
    let used = 0;
    fc.assert(
      fc.property(
        fc.array(act, { maxLength: 6 }),
        fc.array(window, { minLength: 4 }),
        (acts, some) => {
          for (const { hour, name, workload, verdict, thenSettle } of acts) {
            test.put([{ name, workload, [verdict]: 1, firstMs: MIDNIGHT + hour * HOUR }]);
            test.recording.flush();
            if (thenSettle) settle(all);
          }
          const top = (): unknown[] =>
            some.map(({ from, hours, by, limit }) => {
              const sinceMs = MIDNIGHT + from * HOUR;
              return queries.top(by, {
                workload: null,
                sinceMs,
                untilMs: sinceMs + hours * HOUR,
                limit,
              });
            });
          const withSums = top();
          used += daysOf(all).length;
          db.exec('BEGIN; DELETE FROM busy_day');
          const without = top();
          db.exec('ROLLBACK');
          expect(withSums).toEqual(without);
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
    expect(used).toBeGreaterThan(20);
  });
});

/** What workloads asked for on which day, through days that end, clocks that go back and restarts. */

import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { daysOf, packDays } from '../../src/history/day-counts.ts';
import { DaySettling } from '../../src/history/day-settling.ts';
import { MIGRATIONS } from '../../src/history/migrations.ts';
import { textOfReversed } from '../../src/history/names.ts';
import { HistoryQueries } from '../../src/history/queries.ts';
import { WorkloadDays } from '../../src/history/workload-days.ts';
import { type Fixture, fixture, readHistory, tableRows } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const DAY = 86_400_000;
const TODAY = Math.floor(NOON / DAY);
const WORKLOADS = ['(unmapped)', 'pay', 'web', 'batch'];
/** Steps of the schema before days were kept. */
const BEFORE = 11;

type Sums = Record<string, readonly number[]>;

interface Raw {
  readonly name_rev: string;
  readonly first_ms: number;
  readonly last_day: number;
  readonly allowed: number;
  readonly denied: number;
  readonly would_deny: number;
  readonly failed: number;
  readonly days: Buffer | null;
}

/** What a walk over every row of the workload says. */
function walked(db: Database.Database, workload: string, firstDay: number, lastDay: number): Sums {
  const sql = 'SELECT p.* FROM pair p JOIN workload w ON w.id = p.workload_id WHERE w.name = ?';
  const sums: Sums = {};
  for (const raw of db.prepare<[string], Raw>(sql).all(workload)) {
    const { allowed, denied, would_deny, failed, days } = raw;
    const counts = [allowed, denied, would_deny, failed] as const;
    const firstOf = Math.floor(raw.first_ms / DAY);
    const row = { firstDay: firstOf, lastDay: raw.last_day, counts, days };
    for (const one of daysOf(row).days) {
      if (one.day < firstDay || one.day > lastDay) continue;
      const before = sums[raw.name_rev] ?? [0, 0, 0, 0];
      sums[raw.name_rev] = before.map((count, i) => count + (one.counts[i] ?? 0));
    }
  }
  return sums;
}

function top(path: string, workload: string, firstDay: number, lastDay: number): Sums {
  return topOf(readHistory(path), workload, firstDay, lastDay);
}

function topOf(queries: HistoryQueries, workload: string, firstDay: number, lastDay: number): Sums {
  const window = { sinceMs: firstDay * DAY, untilMs: (lastDay + 1) * DAY };
  const { rows } = queries.top('domain', { workload, ...window, limit: -1 });
  return Object.fromEntries(
    rows.map((row) => [row.key, [row.allowed, row.denied, row.wouldDeny, row.failed]]),
  );
}

interface Act {
  /** How many days and minutes the clock goes on before it. */
  readonly days: number;
  readonly minutes: number;
  readonly asked: readonly {
    readonly workload: number;
    readonly domain: number;
    /** Minutes before now of the first query, and days that a clock was behind. */
    readonly age: number;
    readonly behind: number;
    readonly counts: object;
  }[];
  readonly end: 'nothing' | 'maintain' | 'restart';
}

const act: fc.Arbitrary<Act> = fc.record({
  days: fc.constantFrom(0, 0, 0, 1, 1, 2, 9),
  minutes: fc.constantFrom(0, 5, 715, 722),
  asked: fc.array(
    fc.record({
      workload: fc.integer({ min: 1, max: 3 }),
      domain: fc.integer({ min: 0, max: 9 }),
      age: fc.constantFrom(0, 0, 0, 1, 30),
      behind: fc.constantFrom(0, 0, 0, 0, 0, 1, 3),
      counts: fc.constantFrom(
        { allowed: 1 },
        { allowed: 300 },
        { denied: 2 },
        { allowed: 2, wouldDeny: 1 },
        { failed: 1 },
      ),
    }),
    { maxLength: 8 },
  ),
  end: fc.constantFrom('nothing', 'maintain', 'maintain', 'restart'),
});

function play(acts: readonly Act[], check: (test: Fixture, day: number) => void): void {
  let test = fixture();
  for (const { days, minutes, asked, end } of acts) {
    test.clock.ms += days * DAY + minutes * 60_000;
    const now = test.clock.ms;
    test.put(
      asked.map(({ workload, domain, age, behind, counts }) => {
        const lastMs = now - behind * DAY;
        return {
          name: `d${domain}.test`,
          workload,
          firstMs: lastMs - age * 60_000,
          lastMs,
          ...counts,
        };
      }),
    );
    test.recording.flush();
    if (end === 'maintain') test.recording.maintain();
    if (end === 'restart') {
      test.recording.close();
      test = fixture({ path: test.path, nowMs: now });
    }
    check(test, Math.floor(now / DAY));
  }
}

describe('top domain of a workload', () => {
  it('counts what a walk over every row counts, whatever part of the days is settled', () => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 5, maxLength: 25 }), (acts) => {
        play(acts, ({ path }, day) => {
          const db = new Database(path, { readonly: true });
          const queries = new HistoryQueries(db);
          for (const workload of WORKLOADS.slice(1)) {
            for (const [first, last] of [
              [day, day],
              [day - 1, day],
              [day - 9, day - 1],
              [0, day],
              [TODAY, day + 40],
            ] as const) {
              const found = topOf(queries, workload, first, last);
              expect(found).toEqual(walked(db, workload, first, last));
            }
          }
          db.close();
        });
      }),
      { numRuns: 15 },
    );
  });

  it('is of the pairs with most, of equals of those heard first', () => {
    const test = fixture();
    for (const [name, allowed, denied] of [
      ['c.test', 1, 9],
      ['a.test', 5, 1],
      ['b.test', 1, 9],
    ] as const) {
      test.put([{ name, allowed, denied }]);
      test.recording.flush();
    }
    const queries = readHistory(test.path);
    const asked = { workload: 'pay', sinceMs: 0 };
    const names = (filter: object): string[] =>
      queries
        .top('domain', { ...asked, limit: -1, ...filter })
        .rows.map(({ key }) => textOfReversed(key));
    expect(names({})).toEqual(['c.test', 'b.test', 'a.test']);
    expect(names({ limit: 1 })).toEqual(['c.test']);
    expect(names({ verdict: 'allowed' })).toEqual(['a.test', 'c.test', 'b.test']);
    expect(names({ verdict: 'failed' })).toEqual([]);
    expect(queries.top('domain', { ...asked, limit: 1 }).sum.queries).toBe(26);
  });

  it('tells of days from before they were settled by every row', () => {
    const db = new Database(':memory:');
    onTestFinished(() => void db.close());
    for (const step of MIGRATIONS.slice(0, BEFORE)) db.exec(step);
    addPairs(db, 2, TODAY - 5);
    const counts = [1, 0, 0, 0] as const;
    const days = packDays({ firstDay: TODAY - 5, lastDay: TODAY - 5, counts, days: null });
    const last = db.prepare('UPDATE pair SET last_day = ?, last_ms = ?, allowed = 3, days = ?');
    last.run(TODAY - 3, (TODAY - 3) * DAY, days);
    for (const step of MIGRATIONS.slice(BEFORE)) db.exec(step);
    settle(db, new WorkloadDays(db), TODAY);
    expect(countOf(db, TODAY - 3, TODAY)).toBe(4);
    expect(countOf(db, TODAY - 5, TODAY)).toBe(6);
    expect(countOf(db, TODAY - 2, TODAY)).toBe(0);
    const since = (day: number): number => {
      const filter = { workload: 'pay', sinceMs: day * DAY, limit: -1 };
      return new HistoryQueries(db).ofWorkload(filter).length;
    };
    expect([TODAY - 5, TODAY - 3, TODAY - 2].map(since)).toEqual([2, 2, 0]);
  });
});

/** Pairs of one day, in `heard` as the writer has them there. */
function addPairs(db: Database.Database, count: number, day: number): void {
  const [{ last }] = db.prepare('SELECT coalesce(max(id), 0) AS last FROM pair').all() as [
    { last: number },
  ];
  const pair = db.prepare(`
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, first_name, first)
VALUES (?, 1, ?, ?, ?, ?, 1, '', zeroblob(27))`);
  const heard = db.prepare('INSERT INTO heard VALUES (1, ?, ?, NULL)');
  db.prepare(`INSERT INTO workload (id, name, first_ms, last_ms) VALUES (1, 'pay', ?, ?)
ON CONFLICT (id) DO UPDATE SET first_ms = min(first_ms, excluded.first_ms),
  last_ms = max(last_ms, excluded.last_ms)`).run(day * DAY, day * DAY);
  for (let id = last + 1; id <= last + count; id++) {
    pair.run(id, `test.d${id}.`, day * DAY, day * DAY, day);
    heard.run(day * DAY, id);
  }
}

function emptyFile(): Database.Database {
  const db = new Database(':memory:');
  onTestFinished(() => void db.close());
  for (const step of MIGRATIONS) db.exec(step);
  return db;
}

function settle(db: Database.Database, days: WorkloadDays, today: number): void {
  const settling = new DaySettling(db, days);
  while (settling.step(today * DAY + DAY / 2));
}

const countOf = (db: Database.Database, firstDay: number, lastDay: number): number => {
  const window = { sinceMs: firstDay * DAY, untilMs: (lastDay + 1) * DAY };
  return new HistoryQueries(db).top('domain', { workload: 'pay', ...window, limit: 0 }).sum.queries;
};

const settledDays = (db: Database.Database): unknown[] =>
  db.prepare('SELECT day FROM workload_day ORDER BY day').pluck().all();

describe('a day of a workload', () => {
  it('is settled ten minutes after it is over, and its lists are gone', () => {
    const test = fixture();
    const ask = (ms: number): void => {
      test.clock.ms = ms;
      test.put([{ name: 'one.test', allowed: 1, firstMs: ms }]);
      test.recording.flush();
      test.recording.maintain();
    };
    const state = (): unknown => [
      tableRows(test.path, 'SELECT day FROM workload_day ORDER BY day'),
      tableRows(test.path, 'SELECT day FROM woken ORDER BY day'),
    ];
    const midnight = (TODAY + 2) * DAY;
    ask(NOON);
    ask(NOON + DAY);
    expect(state()).toEqual([[{ day: TODAY }], [{ day: TODAY + 1 }]]);
    ask(midnight + 9 * 60_000);
    expect(state()).toEqual([[{ day: TODAY }], [{ day: TODAY + 1 }, { day: TODAY + 2 }]]);
    ask(midnight + 11 * 60_000);
    expect(state()).toEqual([[{ day: TODAY }, { day: TODAY + 1 }], [{ day: TODAY + 2 }]]);
  });

  it('is opened by what comes late for it, and settled again', () => {
    const test = fixture();
    const ask = (name: string, firstMs: number): void => {
      test.put([{ name, allowed: 1, firstMs }]);
      test.recording.flush();
    };
    ask('one.test', NOON);
    test.clock.ms = NOON + DAY;
    test.recording.maintain();
    ask('two.test', NOON + 1);
    const woken = 'SELECT day, length(ids) AS octets FROM woken';
    expect(tableRows(test.path, 'SELECT day FROM workload_day')).toEqual([]);
    expect(tableRows(test.path, woken)).toEqual([{ day: TODAY, octets: 4 }]);
    test.recording.maintain();
    expect(tableRows(test.path, 'SELECT day FROM workload_day')).toEqual([{ day: TODAY }]);
    expect(tableRows(test.path, woken)).toEqual([]);
    expect(top(test.path, 'pay', TODAY, TODAY)).toEqual({
      'test.one.': [1, 0, 0, 0],
      'test.two.': [1, 0, 0, 0],
    });
  });

  it('is opened by what comes late for it when later ones are settled, as they are', () => {
    const test = fixture();
    const ask = (day: number): void => {
      test.put([{ name: `d${day}.test`, allowed: 1, firstMs: NOON + day * DAY }]);
      test.recording.flush();
    };
    const settled = (): unknown =>
      tableRows(test.path, 'SELECT day FROM workload_day ORDER BY day');
    const all = [0, 1, 2].map((day) => ({ day: TODAY + day }));
    for (const day of [0, 1, 2]) ask(day);
    test.clock.ms = NOON + 3 * DAY;
    test.recording.maintain();
    expect(settled()).toEqual(all);
    for (const day of [0, 1]) {
      ask(day);
      expect(settled()).toEqual(all.filter((each) => each.day !== TODAY + day));
      test.recording.maintain();
    }
    expect(tableRows(test.path, 'SELECT * FROM woken')).toEqual([]);
    expect(top(test.path, 'pay', TODAY + 1, TODAY + 1)).toEqual({ 'test.d1.': [2, 0, 0, 0] });
  });

  it('is begun anew where something comes while it is settled', () => {
    const db = emptyFile();
    addPairs(db, 1200, TODAY);
    const days = new WorkloadDays(db);
    const settling = new DaySettling(db, days);
    const now = (TODAY + 1) * DAY + DAY / 2;
    for (let i = 0; i < 3; i++) settling.step(now);
    expect(days.isSettled(TODAY)).toBe(true);
    days.open(1, TODAY);
    db.exec('UPDATE pair SET allowed = 5 WHERE id IN (1, 1200)');
    while (settling.step(now)) expect(countOf(db, TODAY, TODAY)).toBe(1208);
    expect(settledDays(db)).toEqual([TODAY]);
    db.exec('UPDATE pair SET allowed = 0');
    expect(countOf(db, TODAY, TODAY)).toBe(1208);
  });

  it('is settled in steps that read 500 pairs at most', () => {
    const db = emptyFile();
    addPairs(db, 1200, TODAY);
    const settling = new DaySettling(db, new WorkloadDays(db));
    let steps = 0;
    for (; settledDays(db).length === 0; steps++) settling.step((TODAY + 1) * DAY + DAY / 2);
    expect(steps).toBe(4); // one that looks, and three that read
  });

  it('is kept for 92 days, and older ones are told of by every row', () => {
    const db = emptyFile();
    addPairs(db, 3, TODAY);
    addPairs(db, 4, TODAY + 1);
    addPairs(db, 5, TODAY + 92);
    const days = new WorkloadDays(db);
    settle(db, days, TODAY + 2);
    expect(settledDays(db)).toEqual([TODAY, TODAY + 1]);
    settle(db, days, TODAY + 93);
    expect(settledDays(db)).toEqual([TODAY + 1, TODAY + 92]);
    expect(countOf(db, TODAY, TODAY + 92)).toBe(12);
    expect(countOf(db, TODAY + 1, TODAY + 92)).toBe(9);
  });

  it('that is no longer kept is told of by every row, also of pairs that were woken on it', () => {
    const test = fixture();
    for (const day of [0, 1, 100, 101]) {
      test.clock.ms = NOON + day * DAY;
      test.put([{ name: 'one.test', allowed: 1, firstMs: test.clock.ms }]);
      test.recording.flush();
      test.recording.maintain();
    }
    const kept = tableRows(test.path, 'SELECT day FROM workload_day');
    expect(kept).toEqual([{ day: TODAY + 100 }]);
    expect(top(test.path, 'pay', TODAY + 1, TODAY + 1)).toEqual({ 'test.one.': [1, 0, 0, 0] });
  });

  it('is opened again, and none is gone, after a clock that was a year ahead', () => {
    const test = fixture();
    const ask = (ms: number): void => {
      test.put([{ name: 'one.test', allowed: 1, firstMs: ms }]);
      test.recording.flush();
      test.recording.maintain();
    };
    const set = (ms: number): void => {
      test.clock.ms += ms;
      test.clock.setMs += ms;
    };
    ask(NOON);
    set(365 * DAY);
    test.recording.maintain();
    expect(tableRows(test.path, 'SELECT day FROM workload_day')).toEqual([{ day: TODAY }]);
    set(-365 * DAY);
    ask(NOON + 1);
    expect(tableRows(test.path, 'SELECT day FROM workload_day')).toEqual([]);
    test.clock.ms += DAY;
    ask(NOON + DAY);
    expect(tableRows(test.path, 'SELECT day FROM workload_day')).toEqual([{ day: TODAY }]);
    expect(top(test.path, 'pay', TODAY, TODAY + 1)).toEqual({ 'test.one.': [3, 0, 0, 0] });
  });

  it('has every verdict of thousands of pairs, whatever their numbers', () => {
    const db = emptyFile();
    addPairs(db, 3000, TODAY);
    db.exec('UPDATE pair SET denied = id % 3, failed = id % 5, would_deny = id % 2, allowed = id');
    db.exec('UPDATE pair SET id = id * 1000000');
    db.exec('UPDATE heard SET id = id * 1000000');
    const asked = { workload: 'pay', sinceMs: 0, limit: -1 };
    const before = new HistoryQueries(db).top('domain', asked);
    settle(db, new WorkloadDays(db), TODAY + 1);
    expect(settledDays(db)).toEqual([TODAY]);
    expect(new HistoryQueries(db).top('domain', asked)).toEqual(before);
  });
});

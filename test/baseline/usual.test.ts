import { describe, expect, it } from 'vitest';
import { hourOfWeek, WEEK_HOURS } from '../../src/baseline/hours.ts';
import { DEFAULTS } from '../../src/baseline/settings.ts';
import { quantile } from '../../src/baseline/usual.ts';
import { MONDAY, poisson, randomOf, Weeks } from './week.ts';

const office = (hour: number): number => {
  const day = Math.floor(hour / 24) % 7;
  const clock = hour % 24;
  return day < 5 && clock >= 8 && clock < 18 ? 400 : 0;
};
/** From 02:00 to 04:00 every night. */
const nightly = (hour: number): number => (hour % 24 === 2 || hour % 24 === 3 ? 50_000 : 0);
/** Sunday from 02:00 to 03:00. */
const weekly = (hour: number): number => (hour % WEEK_HOURS === 6 * 24 + 2 ? 9000 : 0);

function hourAt(weeks: Weeks, day: number, clock: number): Weeks {
  const target = day * 24 + clock;
  const now = (weeks.hour - MONDAY) % WEEK_HOURS;
  return weeks.pass((target - now + WEEK_HOURS) % WEEK_HOURS, office);
}

describe('hours of the week', () => {
  it('begin on Monday 00:00 UTC', () => {
    expect([hourOfWeek(MONDAY), hourOfWeek(MONDAY - 1), hourOfWeek(MONDAY + 25)]).toEqual([
      0, 167, 25,
    ]);
  });
});

describe('quantiles', () => {
  it.each([
    { name: 'nothing is 0', values: [], part: 0.9, want: 0 },
    { name: 'of one value it is that one', values: [7], part: 0.1, want: 7 },
    { name: 'of three the upper one is the largest', values: [5, 1, 9], part: 0.9, want: 9 },
    {
      name: 'of 24 one wild value is not among them',
      values: [...Array(23).fill(5), 999],
      part: 0.9,
      want: 5,
    },
  ])('$name', ({ values, part, want }) => {
    expect(quantile(values, part)).toBe(want);
  });
});

describe('the unusual hour', () => {
  it('is not known while less than a week was watched', () => {
    expect(new Weeks().pass(167, office).usual.isUnusualHour).toBeNull();
  });

  it.each([
    { name: 'Tuesday 10:00 is usual for an office', day: 1, clock: 10, want: false },
    {
      name: 'an hour before it begins is usual: summer time, and who comes early',
      day: 1,
      clock: 7,
      want: false,
    },
    { name: 'Tuesday 03:00 is unusual', day: 1, clock: 3, want: true },
    { name: 'Saturday 10:00 is unusual', day: 5, clock: 10, want: true },
  ])('$name', ({ day, clock, want }) => {
    expect(hourAt(new Weeks().weeks(2, office), day, clock).usual.isUnusualHour).toBe(want);
  });

  it('that was active in one week of six stays unusual, in two of six it is usual', () => {
    const once = (at: readonly number[]) => (hour: number) =>
      hour % WEEK_HOURS === 27 && at.includes(Math.floor(hour / WEEK_HOURS)) ? 5 : office(hour);
    const state = (at: readonly number[]) => new Weeks().weeks(6, once(at)).pass(27, office).usual;
    expect(state([5]).isUnusualHour).toBe(true);
    expect(state([4, 5]).isUnusualHour).toBe(false);
  });

  it('does not become usual because the hour before it was active just now', () => {
    const attack = (hour: number): number => (hour === 2 * WEEK_HOURS + 26 ? 100 : office(hour));
    const weeks = new Weeks().weeks(2, office).pass(27, attack);
    expect(weeks.usual.isUnusualHour).toBe(true);
  });

  it('is not known for an hour that nobody ever watched', () => {
    const down = (hour: number): boolean => (hour - MONDAY) % WEEK_HOURS !== 27;
    const weeks = new Weeks(MONDAY, DEFAULTS, down).weeks(2, office).pass(27, office);
    expect(weeks.usual.isUnusualHour).toBeNull();
  });
});

describe('volume', () => {
  it('is not judged in the first 24 hours that were watched', () => {
    const weeks = new Weeks().pass(24, (hour) => (hour < 23 ? 10 : 100_000));
    expect(weeks.told).toEqual([]);
    expect(weeks.pass(1, () => 500_000).told).toHaveLength(1);
  });

  it('ten times the usual is told, in every hour of the day', () => {
    for (const clock of [3, 15]) {
      const weeks = new Weeks()
        .weeks(3, (hour) => 100 + 40 * (hour % 24))
        .pass(clock, (hour) => 100 + 40 * (hour % 24));
      const usual = 100 + 40 * clock;
      weeks.pass(1, () => Math.max(10 * usual, 10 * 140));
      expect(weeks.told.filter(({ kind }) => kind === 'queries')).toHaveLength(
        clock <= 3 ? weeks.told.length : 1,
      );
    }
  });

  it('below the floor nothing is told, however little is usual', () => {
    const weeks = new Weeks().weeks(2, () => 2).pass(1, () => DEFAULTS.floors.queries);
    expect(weeks.told).toEqual([]);
    expect(weeks.pass(1, () => DEFAULTS.floors.queries + 1).told).toHaveLength(1);
  });

  it('a workload of the night does not call itself unusual, night after night', () => {
    expect(new Weeks().weeks(6, nightly).told).toEqual([]);
  });

  it('a workload of one hour a week does not either', () => {
    expect(new Weeks().weeks(8, weekly).told).toEqual([]);
  });

  it('who runs the job of the night by day once is not told for it', () => {
    const weeks = new Weeks()
      .weeks(2, nightly)
      .pass(14, nightly)
      .pass(1, () => 50_000);
    expect(weeks.told).toEqual([]);
  });

  it('a daemon that was down for nine days knows what it knew', () => {
    const isWatched = (hour: number): boolean =>
      hour < MONDAY + 20 * 24 || hour >= MONDAY + 29 * 24;
    const weeks = new Weeks(MONDAY, DEFAULTS, isWatched);
    weeks.pass(20 * 24, office);
    weeks.hour += 9 * 24;
    weeks.weeks(1, office);
    expect(weeks.told).toEqual([]);
    expect(hourAt(weeks, 1, 10).usual.queries).toMatchObject({ low: 400, high: 400, limit: 1600 });
  });

  it('one wild hour is told and teaches nothing', () => {
    const wild = (hour: number): number => (hour === 4 * WEEK_HOURS + 34 ? 90_000 : 400);
    const weeks = new Weeks().weeks(6, wild);
    expect(weeks.told).toHaveLength(1);
    expect(weeks.pass(34, () => 400).usual.queries.limit).toBe(1600);
  });

  it('new domains: a server that meets 50 in an hour is told, a browser that always does is not', () => {
    const server = new Weeks().weeks(1, () => ({ queries: 100, fresh: 0 }));
    expect(server.pass(1, () => ({ queries: 100, fresh: 50 })).told).toMatchObject([
      { kind: 'fresh' },
    ]);
    const browser = new Weeks().weeks(1, () => ({ queries: 900, fresh: 40 }));
    expect(browser.pass(1, () => ({ queries: 900, fresh: 50 })).told).toEqual([]);
  });

  it('names that do not exist: a burst is told; search lists, where they are usual, are not', () => {
    const clean = new Weeks().weeks(1, () => ({ queries: 400, nxdomain: 4 }));
    expect(clean.pass(1, () => ({ queries: 500, nxdomain: 180 })).told).toMatchObject([
      { kind: 'nxdomain' },
    ]);
    const searching = new Weeks().weeks(1, () => ({ queries: 4000, nxdomain: 2500 }));
    expect(searching.pass(1, () => ({ queries: 6000, nxdomain: 4000 })).told).toEqual([]);
    const few = new Weeks().weeks(1, () => ({ queries: 40_000, nxdomain: 4 }));
    expect(few.pass(1, () => ({ queries: 40_000, nxdomain: 300 })).told).toEqual([]);
  });
});

describe('how fast the usual can be raised', () => {
  it('by a patient attacker who always stays below the limit: at most double in a week', () => {
    const weeks = new Weeks().weeks(2, () => 1000);
    const limits: number[] = [];
    for (let week = 0; week < 5; week++) {
      limits.push(weeks.usual.queries.limit);
      for (let i = 0; i < WEEK_HOURS; i++) {
        const { limit } = weeks.usual.queries;
        weeks.pass(1, () => limit);
      }
    }
    expect(weeks.told).toEqual([]);
    for (const [i, limit] of limits.slice(1).entries())
      expect(limit).toBeLessThanOrEqual(2 * limits[i]! + 1);
    expect(limits.at(-1)).toBeGreaterThan(2 * limits[0]!);
  });

  it('what is real growth is usual after as many doublings', () => {
    const weeks = new Weeks().weeks(3, () => 1000).weeks(3, () => 10_000);
    const last = weeks.told.at(-1)?.hour ?? 0;
    expect((last - MONDAY) / WEEK_HOURS - 3).toBeLessThanOrEqual(2);
  });
});

describe('random traffic with a stationary rate', () => {
  /** Means from nearly nothing to much, by day and night or the same at all times. */
  const rates = [3, 80, 2000, 40_000];
  it.each(rates)(
    '%i queries an hour: no alarm in 12 weeks, and a burst of ten times is told',
    (rate) => {
      const random = randomOf(rate);
      let told = 0;
      for (let run = 0; run < 2; run++) {
        const byDay = (hour: number): number =>
          rate * (run % 2 === 0 ? 1 : 1 + Math.sin((hour * Math.PI) / 12) * 0.9);
        const traffic = (hour: number) => {
          const queries = poisson(byDay(hour), random);
          return {
            queries,
            fresh: Math.min(queries, poisson(2, random)),
            nxdomain: Math.min(queries, poisson(byDay(hour) / 20, random)),
          };
        };
        const weeks = new Weeks().weeks(6, traffic);
        told += weeks.told.length;
        const before = weeks.told.length;
        weeks.pass(1, (hour) =>
          poisson(10 * Math.max(byDay(hour), DEFAULTS.floors.queries / 5), random),
        );
        expect(weeks.told.length).toBe(before + 1);
      }
      expect(told).toBe(0);
    },
  );
});

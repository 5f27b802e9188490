/** Baselines as part of the recorder: records in, alarms out, and all of it across restarts. */

import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/baseline/settings.ts';
import type { BurnInEnd, Unusual } from '../../src/baseline/unusual.ts';
import {
  type Fixture,
  fixture,
  tableRows,
  temporaryDirectory,
} from '../history/support/fixture.ts';
import { NOON, type RecordSpec } from '../history/support/records.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const baseline = { ...DEFAULTS, burnInMs: 0 };

class Day {
  readonly test: Fixture;

  constructor(test: Fixture) {
    this.test = test;
  }

  /** Lives until `untilMs`, a minute at a time; every minute brings what `traffic` says. */
  live(untilMs: number, traffic: (ms: number) => readonly RecordSpec[]): this {
    const { clock, recording } = this.test;
    for (; clock.ms < untilMs; clock.ms += MINUTE) {
      const firstMs = clock.ms;
      this.test.put(traffic(firstMs).map((one) => ({ firstMs, lastMs: firstMs, ...one })));
      recording.flush();
      recording.maintain();
    }
    return this;
  }

  get unusual(): Unusual[] {
    return this.test.messages.flatMap((m) => (m.kind === 'unusual' ? [m.unusual] : []));
  }

  get ended(): BurnInEnd[] {
    return this.test.messages.flatMap((m) => (m.kind === 'burnInEnd' ? [m.end] : []));
  }
}

const calm = (): RecordSpec[] => [{ name: 'api.example.com', allowed: 2 }];
const news = (ms: number): RecordSpec[] =>
  Array.from({ length: 5 }, (_, i) => ({ name: `d${ms / MINUTE}x${i}.example`, allowed: 1 }));

describe('volume', () => {
  it('is told in the moment it is too much, with its numbers and domain, and again when it is twice that', () => {
    const day = new Day(fixture({ baseline })).live(NOON + 30 * HOUR, calm);
    const burst = (): RecordSpec[] => [
      { name: 'www.example.net', allowed: 100, nxdomain: 10 },
      { name: 'api.example.com', allowed: 20 },
    ];
    day.live(NOON + 30 * HOUR + 20 * MINUTE, burst);
    const [first, ...more] = day.unusual;
    expect(first).toMatchObject({
      kind: 'queries',
      workload: 'pay',
      count: 580,
      limit: 480,
      low: 120,
      high: 120,
      learntHours: 30,
      isByWeek: false,
      domain: 'example.net',
      domainCount: 500,
      hourMs: NOON + 30 * HOUR,
    });
    expect(more.map(({ count }) => count)).toEqual([1180, 2380]);
  });

  it('is not told again by a restart in the same hour, and counts on', () => {
    const path = `${temporaryDirectory()}/history.db`;
    const before = fixture({ path, baseline });
    const start = NOON + 30 * HOUR;
    const burst = (): RecordSpec[] => [{ name: 'www.example.net', allowed: 100 }];
    const day = new Day(before).live(start, calm).live(start + 8 * MINUTE, burst);
    expect(day.unusual).toHaveLength(1);
    before.recording.close();
    const after = fixture({ path, baseline });
    after.clock.ms = start + 8 * MINUTE;
    const next = new Day(after).live(start + 9 * MINUTE, burst);
    expect(next.unusual).toEqual([]);
    next.live(start + 12 * MINUTE, burst);
    expect(next.unusual).toMatchObject([{ kind: 'queries', count: 1100, learntHours: 30 }]);
  });

  it('is silent where action is off, and before a day was watched', () => {
    const off = new Day(fixture({ baseline: { ...baseline, action: 'off' } }));
    const early = new Day(fixture({ baseline }));
    const burst = (): RecordSpec[] => [{ name: 'www.example.net', allowed: 1000 }];
    off.live(NOON + 26 * HOUR, calm).live(NOON + 26.2 * HOUR, burst);
    early.live(NOON + 20 * HOUR, calm).live(NOON + 20.2 * HOUR, burst);
    expect([off.unusual, early.unusual]).toEqual([[], []]);
  });

  it('a burst of names that do not exist is told by its share', () => {
    const day = new Day(fixture({ baseline })).live(NOON + 30 * HOUR, calm);
    const burst = (): RecordSpec[] => [
      { name: 'x.example.org', allowed: 12, nxdomain: 11 },
      ...calm(),
    ];
    day.live(NOON + 30 * HOUR + 12 * MINUTE, burst);
    expect(day.unusual).toMatchObject([{ kind: 'nxdomain', count: 110, domain: 'example.org' }]);
  });
});

describe('a clock', () => {
  it('that jumps a year ahead for a minute and back makes nobody forget, and no alarm', () => {
    const day = new Day(fixture({ baseline })).live(NOON + 30 * HOUR, calm);
    const { clock } = day.test;
    clock.ms += 365 * 24 * HOUR;
    day.live(clock.ms + MINUTE, calm);
    clock.ms = NOON + 30 * HOUR + MINUTE;
    day.live(NOON + 40 * HOUR, calm);
    expect(day.unusual).toEqual([]);
    day.live(NOON + 40.1 * HOUR, () => [{ name: 'www.example.net', allowed: 1000 }]);
    expect(day.unusual[0]).toMatchObject({ limit: 480, learntHours: 40 });
  });

  it('hours in which the machine slept are not learnt as silent ones', () => {
    const day = new Day(fixture({ baseline })).live(NOON + 12 * HOUR, calm);
    day.test.clock.ms += 48 * HOUR;
    day.live(day.test.clock.ms + 2 * HOUR, calm);
    const { baseline: stats } = day.test.recording.stats();
    expect(stats.watchedHours).toBe(14);
  });
});

describe('burn-in', () => {
  const burning = { ...DEFAULTS, burnInMs: HOUR };
  const told = (day: Day): string[] =>
    day.test
      .observations()
      .flatMap(({ isNew, isHeld, registrable }) => (isNew && !isHeld ? [registrable] : []));

  it('tells ten new domains of a workload one by one, and the others in one sum', () => {
    const day = new Day(fixture({ baseline: burning })).live(NOON + HOUR, news);
    expect([told(day).length, day.ended]).toEqual([10, []]);
    day.live(NOON + HOUR + 2 * MINUTE, news);
    expect(day.ended).toEqual([{ workload: 'pay', endMs: NOON + HOUR, told: 10, held: 290 }]);
    expect(told(day)).toHaveLength(20);
  });

  it('a denial is told whatever burns in', () => {
    const day = new Day(fixture({ baseline: burning })).live(NOON + 10 * MINUTE, news);
    day.live(NOON + 11 * MINUTE, () => [{ name: 'evil.example', denied: 1 }]);
    expect(day.test.observations().at(-1)).toMatchObject({ qname: 'evil.example', isHeld: false });
  });

  it('of an earlier run ends in this one, and sums up what both held', () => {
    const path = `${temporaryDirectory()}/history.db`;
    const before = fixture({ path, baseline: burning });
    new Day(before).live(NOON + 10 * MINUTE, news);
    before.recording.close();
    const after = fixture({ path, baseline: burning });
    after.clock.ms = NOON + 20 * MINUTE;
    const day = new Day(after).live(NOON + HOUR + 2 * MINUTE, news);
    expect(day.ended).toMatchObject([{ workload: 'pay', held: 40 + 190 }]);
  });

  it('is over for a workload that the history knows for longer', () => {
    const path = `${temporaryDirectory()}/history.db`;
    const before = fixture({ path });
    new Day(before).live(NOON + MINUTE, calm);
    before.recording.close();
    const after = fixture({ path, baseline: burning });
    after.clock.ms = NOON + 5 * HOUR;
    const day = new Day(after).live(NOON + 5 * HOUR + 10 * MINUTE, news);
    expect([told(day).length, day.ended]).toEqual([50, []]);
  });
});

describe('the hour of the week', () => {
  it('stands with what is told: null at first, later by what was usual', () => {
    const day = new Day(fixture({ baseline }));
    day.live(NOON + 10 * MINUTE, news);
    expect(day.test.observations().at(-1)?.isUnusualHour).toBeNull();
    const byDay = (ms: number): RecordSpec[] => (new Date(ms).getUTCHours() < 12 ? [] : calm());
    day.live(NOON + 14 * 24 * HOUR, (ms) => (ms % (10 * MINUTE) === 0 ? byDay(ms) : []));
    day.live(NOON + 14 * 24 * HOUR + MINUTE, news);
    expect(day.test.observations().at(-1)?.isUnusualHour).toBe(false);
    day.live(NOON + 14.5 * 24 * HOUR + 4 * HOUR, () => []);
    day.live(day.test.clock.ms + MINUTE, news);
    expect(day.test.observations().at(-1)?.isUnusualHour).toBe(true);
  });
});

describe('what is kept', () => {
  it('is one row an hour of each workload, with distinct domains once', () => {
    const test = fixture({ baseline });
    const two = (): RecordSpec[] => [
      ...calm(),
      { name: 'b.example.net', allowed: 1, failed: 1, denied: 1 },
    ];
    new Day(test).live(NOON + 2 * HOUR, two);
    test.recording.close();
    const rows = tableRows(test.path, 'SELECT * FROM activity ORDER BY hour');
    const common = {
      queries: 240,
      denied: 60,
      failed: 60,
      nxdomain: 0,
      domains: 2,
      day_domains: 2,
    };
    expect(rows).toMatchObject([
      { ...common, fresh: 2 },
      { ...common, fresh: 0 },
    ]);
  });

  it('is forgotten when it is older than the weeks that count', () => {
    const test = fixture({ baseline });
    const day = new Day(test).live(NOON + 2 * HOUR, calm);
    test.clock.ms = NOON + 80 * 24 * HOUR;
    day.live(test.clock.ms + 2 * HOUR, () => []);
    expect(tableRows(test.path, 'SELECT count(*) AS n FROM activity')).toEqual([{ n: 0 }]);
  });
});

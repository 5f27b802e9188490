import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { CommonQueries } from '../../src/history/queries-common.ts';
import { type Reach, rangeOf } from '../../src/history/queries-filter.ts';
import { Pairs } from '../../src/history/queries-pairs.ts';
import { openForReading } from '../../src/history/reader.ts';
import { fixture, readHistory, temporaryDirectory } from './support/fixture.ts';
import { NOON, type RecordSpec } from './support/records.ts';

const MINUTE = 60_000;
const ALL = { workload: null, sinceMs: 0, limit: -1 };

function query(name: string, minute: number, more: Partial<RecordSpec> = {}): RecordSpec[] {
  const registrable = more.registrable ?? name.split('.').slice(-2).join('.');
  const base = { name, registrable, firstMs: NOON + minute * MINUTE, allowed: 1, ...more };
  return [base, { ...base, kind: KIND_NAME }];
}

/** pay asks for example.com three times, web twice; one asks for names that only look alike. */
function history() {
  const test = fixture();
  test.put([
    ...query('www.example.com', 0, { workload: 1, source: '10.0.0.1' }),
    ...query('api.example.com', 1, { workload: 2, source: '10.0.0.2' }),
    ...query('www.example.com', 2, { workload: 2, denied: 1, allowed: 0 }),
    ...query('www.notexample.com', 3, { workload: 3 }),
    ...query('example.com.evil.test', 4, { workload: 3, registrable: 'evil.test' }),
    ...query('a.b.example.com', 5, { workload: 1 }),
    ...query('bucket.host.example', 6, { workload: 1, registrable: 'bucket.host.example' }),
    ...query('x\\.example.com', 7, { workload: 3, registrable: 'x\\.example.com' }),
  ]);
  test.recording.flush();
  return readHistory(test.path);
}

describe('ofName', () => {
  const rows: { name: string; asked: string; reach: Reach; want: string[] }[] = [
    {
      name: 'gives the workloads of a domain, who asked first first',
      asked: 'com.example.',
      reach: 'exact',
      want: ['pay example.com', 'web example.com'],
    },
    {
      name: 'gives what lies below a name, and nothing that only ends alike',
      asked: 'com.',
      reach: 'subtree',
      want: ['pay example.com', 'web example.com', 'batch notexample.com', 'batch x\\.example.com'],
    },
    {
      name: 'gives nothing for a name that only has domains below it, where it alone is meant',
      asked: 'com.',
      reach: 'exact',
      want: [],
    },
    {
      name: 'narrows to a full name below a registrable domain',
      asked: 'com.example.www.',
      reach: 'exact',
      want: ['pay www.example.com', 'web www.example.com'],
    },
    {
      name: 'narrows to the names below a full name',
      asked: 'com.example.b.',
      reach: 'subtree',
      want: ['pay a.b.example.com'],
    },
    {
      name: 'finds a domain below a suffix that strangers share',
      asked: 'example.host.',
      reach: 'subtree',
      want: ['pay bucket.host.example'],
    },
    { name: 'gives nothing for what nobody asked', asked: 'org.', reach: 'subtree', want: [] },
  ];
  for (const { name, asked, reach, want } of rows) {
    it(name, () => {
      const found = history().ofName(asked, reach, ALL);
      expect(found.map((row) => `${row.workload} ${row.name}`)).toEqual(want);
    });
  }

  it('counts a full name by itself, and tells of the first query only where it was that name', () => {
    const [pay, web] = history().ofName('com.example.www.', 'exact', ALL);
    expect(pay).toMatchObject({ queries: 1, firstSource: '10.0.0.1', firstVerdict: 'allowed' });
    expect(web).toMatchObject({ queries: 1, denied: 1, firstSource: '', firstVerdict: 'denied' });
  });

  it('keeps to a workload, a time and a limit', () => {
    const found = history();
    const of = (filter: object) =>
      found.ofName('com.', 'subtree', { ...ALL, ...filter }).map(({ workload }) => workload);
    expect(of({ workload: 'web' })).toEqual(['web']);
    expect(of({ workload: 'nobody' })).toEqual([]);
    expect(of({ sinceMs: NOON + 3 * MINUTE })).toEqual(['pay', 'batch', 'batch']);
    expect(of({ limit: 1 })).toEqual(['pay']);
  });

  it('says how many queries may hide behind folded detail', () => {
    const test = fixture({ namesPerDomain: 1 });
    test.put([...query('a.example.com', 0), ...query('b.example.com', 1)]);
    test.recording.flush();
    const found = readHistory(test.path);
    expect(found.foldedAbove('com.example.b.')).toBe(1);
    expect(found.foldedAbove('com.example.')).toBe(0);
  });
});

describe('ofNames', () => {
  it('gives for every name what ofName gives, by any filter', () => {
    const found = history();
    const names = [
      'com.',
      'com.example.',
      'com.example.www.',
      'com.example.b.',
      'org.',
      'example.host.',
    ];
    const filters = [
      {},
      { workload: 'web' },
      { workload: 'nobody' },
      { sinceMs: NOON + 3 * MINUTE },
      { untilMs: NOON + 3 * MINUTE },
      { verdict: 'denied' as const },
    ];
    for (const more of filters) {
      const filter = { ...ALL, ...more };
      const want = names.flatMap((name) => found.ofName(name, 'subtree', filter));
      expect(found.ofNames(names, filter).map(({ row }) => row)).toEqual(want);
    }
    expect(found.ofNames(names, { ...ALL, limit: 3 })).toHaveLength(3);
  });
});

describe('a suffix with very many domains', () => {
  it('gives the same as by names, for one workload and for all, and out of a list', () => {
    const test = fixture();
    const records = Array.from({ length: 20_500 }, (_, i) => ({
      name: `d${i}.com`,
      workload: 1 + (i % 3),
      firstMs: NOON + i,
      allowed: 1,
    }));
    test.put([...records, { name: 'd0.org', allowed: 1 }]);
    test.recording.flush();
    const found = readHistory(test.path);
    const first = (workload: string | null) =>
      found.ofName('com.', 'subtree', { workload, sinceMs: 0, limit: 3 }).map((row) => row.name);
    expect(first(null)).toEqual(['d0.com', 'd1.com', 'd2.com']);
    expect(first('web')).toEqual(['d1.com', 'd4.com', 'd7.com']);
    const late = { workload: null, sinceMs: NOON + 20_498, limit: 3 };
    const lateNames = found.ofName('com.', 'subtree', late).map((row) => row.name);
    expect(lateNames).toEqual(['d20498.com', 'd20499.com']);
    const list = ['org.d0.', 'org.', 'com.', 'com.d7.', 'com.d5.'];
    const listed = (limit: number): string[] =>
      found
        .ofNames(list, { workload: null, sinceMs: 0, limit })
        .map(({ indicator, row }) => `${indicator} ${row.name}`);
    expect(listed(4)).toEqual(['d0.org d0.org', 'org d0.org', 'com d0.com', 'com d1.com']);
    const all = listed(-1);
    expect(all).toHaveLength(20_504);
    expect(all.slice(-3)).toEqual(['com d20499.com', 'd7.com d7.com', 'd5.com d5.com']);
  });
});

describe('a workload that was denied a good part of all', () => {
  it('is told of its own below a common suffix', () => {
    const test = fixture();
    const records = Array.from({ length: 120 }, (_, i) => {
      return { name: `d${i}.com`, workload: i < 10 ? 2 : 1, firstMs: NOON + i, denied: 1 };
    });
    test.put(records);
    test.recording.flush();
    const db = openForReading(test.path);
    const pairs = new Pairs(db);
    const filter = { workload: 'pay', id: pairs.workloadId('pay') ?? 0, sinceMs: 0, limit: 1 };
    const common = new CommonQueries(pairs);
    const found = common.find(rangeOf('com.', 'subtree'), { ...filter, verdict: 'denied' });
    expect(found.map(({ domain_rev }) => domain_rev)).toEqual(['com.d10.']);
    db.close();
  });
});

describe('ofName of a common suffix since a time', () => {
  const DAY = 86_400_000;

  /** A pair each over ten days; every third is asked for again up to three days later. */
  function tenDays() {
    const test = fixture();
    const records = Array.from({ length: 20_500 }, (_, i) => {
      const firstMs = NOON + ((i * 7919) % 20_500) * (DAY / 2050);
      return { name: `d${i}.com`, workload: 1 + (i % 3), firstMs, allowed: 1 };
    });
    const again = records
      .filter((_, i) => i % 3 === 0)
      .map((record, i) => ({ ...record, firstMs: record.firstMs + ((i % 30) * DAY) / 10 }));
    test.put(records);
    test.recording.flush();
    test.put([...again, { name: 'late.org', firstMs: NOON + 9 * DAY, allowed: 1 }]);
    test.recording.flush();
    return readHistory(test.path);
  }

  it('gives those first seen first whose last query is not older, whatever the days', () => {
    const found = tenDays();
    const all = found.ofName('com.', 'subtree', ALL);
    expect(all).toHaveLength(20_500);
    for (const day of [-400, 0, 0.3, 1, 5.7, 9, 9.999, 12, 13, 400]) {
      for (const limit of [1, 7, 300, -1]) {
        const sinceMs = Math.round(NOON + day * DAY);
        const want = all.filter((row) => row.lastMs >= sinceMs);
        const rows = found.ofName('com.', 'subtree', { workload: null, sinceMs, limit });
        const times = (list: typeof rows) => list.map(({ firstMs }) => firstMs);
        expect(times(rows)).toEqual(times(limit < 0 ? want : want.slice(0, limit)));
        expect(rows.every((row) => row.lastMs >= sinceMs)).toBe(true);
      }
    }
  });
});

describe('firstSeen', () => {
  it('gives new pairs in the order of time, and a limit keeps the newest', () => {
    const found = history();
    const of = (filter: object) => found.firstSeen({ ...ALL, ...filter }).map((row) => row.domain);
    expect(of({})).toHaveLength(6);
    expect(of({ limit: 2 })).toEqual(['bucket.host.example', 'x\\.example.com']);
    expect(of({ sinceMs: NOON + 6 * MINUTE })).toEqual(['bucket.host.example', 'x\\.example.com']);
    expect(of({ workload: 'pay' })).toEqual(['example.com', 'bucket.host.example']);
    expect(of({ workload: 'nobody' })).toEqual([]);
  });
});

describe('newForNetwork', () => {
  it('gives domains that nobody asked for before the window, with who was first', () => {
    const found = history();
    const of = (filter: object) =>
      found.newForNetwork({ ...ALL, ...filter }).map((row) => `${row.workload} ${row.domain}`);
    const all = ['pay example.com', 'batch notexample.com', 'batch evil.test'];
    const late = ['pay bucket.host.example', 'batch x\\.example.com'];
    expect(of({})).toEqual([...all, ...late]);
    // web is new to example.com in this window, the network is not.
    expect(of({ sinceMs: NOON + MINUTE })).toEqual([...all.slice(1), ...late]);
    expect(of({ untilMs: NOON + 4 * MINUTE })).toEqual(all.slice(0, 2));
    expect(of({ workload: 'web' })).toEqual([]);
    expect(of({ workload: 'pay' })).toEqual(['pay example.com', 'pay bucket.host.example']);
    expect(of({ limit: 2 })).toEqual(late);
    expect(of({ verdict: 'denied' })).toEqual([]);
  });
});

describe('ofWorkload', () => {
  it('gives what a workload asked for since a time, by its last query', () => {
    const found = history();
    const of = (sinceMs: number) =>
      found.ofWorkload({ workload: 'pay', sinceMs, limit: -1 }).map((row) => row.domain);
    expect(of(0)).toEqual(['example.com', 'bucket.host.example']);
    expect(of(NOON + 5 * MINUTE)).toEqual(['example.com', 'bucket.host.example']);
    expect(of(NOON + 6 * MINUTE)).toEqual(['bucket.host.example']);
  });
});

describe('reading', () => {
  it('sees commits of a daemon that goes on writing', () => {
    const test = fixture();
    test.put([{ name: 'one.test', allowed: 1 }]);
    test.recording.flush();
    const found = readHistory(test.path);
    expect(found.firstSeen(ALL)).toHaveLength(1);
    test.put([{ name: 'two.test', allowed: 1 }]);
    test.recording.flush();
    expect(found.firstSeen(ALL)).toHaveLength(2);
  });

  it('changes nothing', () => {
    const test = fixture();
    const db = openForReading(test.path);
    expect(() => db.exec('DELETE FROM pair')).toThrow(/readonly/);
    db.close();
  });

  const rows = [
    { name: 'a missing file', make: () => {}, want: /no such file/ },
    {
      name: 'a file that is no database',
      make: (path: string) => writeFileSync(path, 'x'.repeat(5000)),
      want: /not a database/,
    },
    {
      name: 'the database of another program',
      make: (path: string) => new Database(path).exec('CREATE TABLE t (x)').close(),
      want: /not a history database/,
    },
    {
      name: 'a newer schema',
      make: (path: string) =>
        new Database(path)
          .exec('PRAGMA application_id = 0x646e7376; PRAGMA user_version = 999')
          .close(),
      want: /schema version 999/,
    },
  ];
  for (const { name, make, want } of rows) {
    it(`${name} is an error that names the path`, () => {
      const path = join(temporaryDirectory(), 'history.db');
      make(path);
      expect(() => openForReading(path)).toThrow(want);
      expect(() => openForReading(path)).toThrow(path);
    });
  }
});

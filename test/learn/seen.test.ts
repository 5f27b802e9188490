import { describe, expect, it, onTestFinished } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { openForReading } from '../../src/history/reader.ts';
import { Seen, type SeenName, type SeenWindow } from '../../src/learn/seen.ts';
import { type Fixture, type FixtureOptions, fixture } from '../history/support/fixture.ts';
import { NOON, type RecordSpec } from '../history/support/records.ts';

const DAY = 86_400_000;
const ALL = { sinceMs: 0 };

function query(name: string, more: Partial<RecordSpec> = {}): RecordSpec[] {
  const base = { name, allowed: 1, ...more };
  return [base, { ...base, kind: KIND_NAME }];
}

function history(records: readonly RecordSpec[], options: FixtureOptions = {}): Fixture {
  const test = fixture({ retentionMs: 30 * DAY, ...options });
  test.put(records);
  test.recording.flush();
  return test;
}

function seen(test: Fixture, window: SeenWindow = ALL, workload = 'pay'): SeenName[] {
  const db = openForReading(test.path);
  onTestFinished(() => void db.close());
  return [...new Seen(db).names(workload, window)];
}

function brief(names: readonly SeenName[]): string[] {
  return names.map(({ kind, name, queries }) => `${kind} ${name} ${queries}`);
}

describe('names seen of a workload', () => {
  it('are the full names with their counts, of that workload alone', () => {
    const test = history([
      ...query('www.example.com'),
      ...query('api.example.com', { wouldDeny: 1, firstMs: NOON + 1 }),
      ...query('example.com', { denied: 3, allowed: 0, firstMs: NOON + 2 }),
      ...query('only.one.test', { failed: 1, allowed: 0, firstMs: NOON + 3 }),
      ...query('of.others.test', { workload: 2 }),
    ]);
    const names = seen(test);
    const want = ['www.example.com 1', 'api.example.com 1', 'example.com 3', 'only.one.test 1'];
    expect(brief(names)).toEqual(want.map((each) => `name ${each}`));
    expect(names[1]).toMatchObject({ domain: 'example.com', allowed: 1, wouldDeny: 1, denied: 0 });
    expect(names.map(({ firstType }) => firstType)).toEqual([1, 0, 0, 1]);
    expect(names[3]).toMatchObject({ domain: 'one.test', failed: 1, firstMs: NOON + 3 });
    expect(seen(test, ALL, 'nobody')).toEqual([]);
  });

  const rows: { name: string; window: SeenWindow; want: string[] }[] = [
    {
      name: 'a window keeps what was seen again in it',
      window: { sinceMs: NOON + 1 },
      want: ['b.example.com', 'sole.test'],
    },
    {
      name: 'a window leaves out what was first seen at its end',
      window: { sinceMs: 0, untilMs: NOON + 5 },
      want: ['a.example.com', 'b.example.com'],
    },
  ];
  for (const { name, window, want } of rows) {
    it(name, () => {
      const test = history([
        ...query('a.example.com'),
        ...query('b.example.com', { firstMs: NOON, lastMs: NOON + 9 }),
        ...query('sole.test', { firstMs: NOON + 5 }),
      ]);
      expect(seen(test, window).map((each) => each.name)).toEqual(want);
    });
  }

  it('a domain stands for its names beyond the bound of detail', () => {
    const names = ['a', 'b', 'c', 'd'].flatMap((label, i) =>
      query(`${label}.example.com`, { firstMs: NOON + i, lastMs: NOON + i }),
    );
    const test = history(names, { namesPerDomain: 2 });
    const found = seen(test);
    const want = ['name a.example.com 1', 'name b.example.com 1', 'domain example.com 2'];
    expect(brief(found)).toEqual(want);
    expect(found[2]).toMatchObject({ domain: 'example.com', firstMs: NOON, lastMs: NOON + 3 });
  });

  it('a domain stands for folded names, also where it is older than the retention', () => {
    const last = { lastMs: NOON + 9 };
    const test = history(
      [
        ...query('a.example.com', { firstMs: NOON - 40 * DAY, ...last, allowed: 2 }),
        ...query('b.example.com', { firstMs: NOON, ...last }),
        ...query('c.example.com', { firstMs: NOON + 1, lastMs: NOON + 1 }),
      ],
      { namesPerDomain: 2 },
    );
    const detailFromMs = NOON - 30 * DAY;
    const names = brief(seen(test, { sinceMs: detailFromMs, detailFromMs }));
    expect(names).toEqual(['name a.example.com 2', 'name b.example.com 1', 'domain example.com 1']);
  });

  it('a domain stands for queries whose detail never came', () => {
    const test = history([...query('a.example.com'), { name: 'b.example.com', allowed: 2 }]);
    expect(brief(seen(test))).toEqual(['name a.example.com 1', 'domain example.com 2']);
  });

  it('a domain stands for purged names where the window reaches beyond the retention', () => {
    const old = NOON - 40 * DAY;
    const test = history([
      ...query('old.example.com', { firstMs: old, lastMs: old }),
      ...query('new.example.com'),
    ]);
    test.recording.maintain();
    const detailFromMs = NOON - 30 * DAY;
    const both = ['name new.example.com 1', 'domain example.com 1'];
    expect(brief(seen(test, { sinceMs: 0, detailFromMs }))).toEqual(both);
    const young = ['name new.example.com 1'];
    expect(brief(seen(test, { sinceMs: detailFromMs, detailFromMs }))).toEqual(young);
  });

  it('come whole where there are more pairs than are read at once', () => {
    const test = fixture();
    const want = Array.from({ length: 1203 }, (_, i) => `www.d${i}.test`);
    for (let at = 0; at < want.length; at += 400) {
      test.put(want.slice(at, at + 400).flatMap((name) => query(name)));
      test.recording.flush();
    }
    const found = seen(test).map(({ name }) => name);
    expect(found.toSorted()).toEqual(want.toSorted());
  });

  it('of a workload are known by the workloads of the window', () => {
    const test = history([
      ...query('a.test'),
      ...query('b.test', { workload: 2, firstMs: NOON + 9 }),
    ]);
    const db = openForReading(test.path);
    onTestFinished(() => void db.close());
    const found = new Seen(db);
    expect(found.workloads(ALL)).toEqual(['pay', 'web']);
    expect(found.workloads({ sinceMs: NOON + 1 })).toEqual(['web']);
    expect(found.workloads({ sinceMs: 0, untilMs: NOON + 9 })).toEqual(['pay']);
  });
});

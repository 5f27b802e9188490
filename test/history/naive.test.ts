/** What questions answer is what a walk over every row says, on random small histories. */

import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { reversedFromText, textOfReversed } from '../../src/history/names.ts';
import { HistoryQueries } from '../../src/history/queries.ts';
import { CommonQueries } from '../../src/history/queries-common.ts';
import { type AskedVerdict, type Filter, rangeOf } from '../../src/history/queries-filter.ts';
import { Pairs } from '../../src/history/queries-pairs.ts';
import { openForReading } from '../../src/history/reader.ts';
import type { PairRow } from '../../src/history/rows.ts';
import { hunt } from '../../src/hunt/hunt.ts';
import { fixture } from './support/fixture.ts';
import { NOON, type RecordSpec } from './support/records.ts';
import { spread } from './support/spread.ts';

const RUNS = 3;
const FILTERS = 30;
const HOUR_MS = 3_600_000;
/** So far apart that a history of 200 pairs has runs that are whole, and what is in none. */
const APART = 20_000;
const STRANGERS = 1500;

interface Asked {
  readonly workload: number;
  readonly domain: number;
  readonly label: string;
  readonly hours: number;
  readonly verdict: AskedVerdict;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  workload: fc.integer({ min: 1, max: 3 }),
  domain: fc.integer({ min: 0, max: 60 }),
  label: fc.constantFrom('www', 'api', 'a.b'),
  hours: fc.integer({ min: 0, max: 6 }),
  verdict: fc.constantFrom('allowed', 'allowed', 'denied', 'would-deny', 'failed'),
});

const filters: fc.Arbitrary<Filter> = fc.record({
  workload: fc.constantFrom(null, 'pay', 'web', 'nobody'),
  sinceMs: fc
    .constantFrom(0, 20, 60, 120)
    .map((hours) => (hours === 0 ? 0 : NOON + hours * HOUR_MS)),
  untilMs: fc.constantFrom(40, 100, 10_000).map((hours) => NOON + hours * HOUR_MS),
  verdict: fc.constantFrom(null, 'allowed', 'denied', 'would-deny', 'failed'),
  limit: fc.constantFrom(-1, 1, 5, 40),
});

const domainOf = (n: number): string => `d${n}.${['com', 'test', 'co.uk'][n % 3]}`;

/** A query of each, every one a little later than the one before. */
function recordsOf(all: readonly Asked[]): RecordSpec[] {
  let hours = 0;
  return all.flatMap(({ workload, domain, label, hours: more, verdict }, i) => {
    hours += more;
    const name = `${label}.${domainOf(domain)}`;
    const firstMs = NOON + hours * HOUR_MS + i;
    const counts = {
      allowed: verdict === 'allowed' || verdict === 'would-deny' ? 1 : 0,
      denied: verdict === 'denied' ? 1 : 0,
      wouldDeny: verdict === 'would-deny' ? 1 : 0,
      failed: verdict === 'failed' ? 1 : 0,
    };
    const base = { name, registrable: domainOf(domain), workload, firstMs, ...counts };
    return [base, { ...base, kind: KIND_NAME }];
  });
}

interface Row {
  readonly workload: string;
  readonly domain: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly counts: Readonly<Record<AskedVerdict, number>>;
}

function historyOf(all: readonly Asked[], apart = APART): { db: Database.Database; rows: Row[] } {
  const test = fixture({ retentionMs: 400 * 24 * HOUR_MS });
  for (const [i, record] of recordsOf(all).entries()) {
    test.put([record]);
    if (i % 16 === 15) test.recording.flush();
  }
  test.recording.flush();
  test.recording.close();
  const nowMs = NOON + all.reduce((sum, { hours }) => sum + hours, 0) * HOUR_MS;
  spread(test.path, { apart, nowMs });
  makeLarge(test.path, 'web');
  const db = openForReading(test.path);
  onTestFinished(() => void db.close());
  return { db, rows: rowsOf(db) };
}

/** Has a workload taken for one that a good part of all pairs are of. */
function makeLarge(path: string, workload: string): void {
  const db = new Database(path);
  db.prepare('UPDATE workload SET domains = 1000000 WHERE name = ?').run(workload);
  db.close();
}

/** Every pair, first seen first. */
function rowsOf(db: Database.Database): Row[] {
  const raws = db.prepare<[], Record<string, number | string>>(`
SELECT w.name, p.* FROM pair p JOIN workload w ON w.id = p.workload_id ORDER BY p.first_ms`);
  return raws.all().map((raw) => ({
    workload: String(raw['name']),
    domain: textOfReversed(String(raw['name_rev'])),
    firstMs: Number(raw['first_ms']),
    lastMs: Number(raw['last_ms']),
    counts: {
      allowed: Number(raw['allowed']),
      denied: Number(raw['denied']),
      'would-deny': Number(raw['would_deny']),
      failed: Number(raw['failed']),
    },
  }));
}

function answersTo(row: Row, { sinceMs, untilMs = Infinity, verdict = null }: Filter): boolean {
  const isInWindow = row.lastMs >= sinceMs && row.firstMs < untilMs;
  return isInWindow && (verdict === null || row.counts[verdict] > 0);
}

const isOf = (row: Row, { workload }: Filter): boolean =>
  workload === null || row.workload === workload;
const newest = <T>(rows: readonly T[], limit: number): T[] =>
  limit < 0 ? [...rows] : rows.slice(Math.max(0, rows.length - limit));
const oldest = <T>(rows: readonly T[], limit: number): T[] =>
  limit < 0 ? [...rows] : rows.slice(0, limit);
const isBelow = (domain: string, name: string): boolean =>
  domain === name || domain.endsWith(`.${name}`);

const shown = (rows: readonly (Row | PairRow)[]): string[] =>
  rows.map(({ workload, domain, firstMs }) => `${workload} ${domain} ${firstMs}`);

/** The first row of each domain that nobody asked for before the window. */
function freshOf(rows: readonly Row[], { sinceMs, untilMs = Infinity }: Filter): Row[] {
  const first = new Map<string, Row>();
  for (const row of rows) if (!first.has(row.domain)) first.set(row.domain, row);
  return [...first.values()].filter((row) => row.firstMs >= sinceMs && row.firstMs < untilMs);
}

function hold(
  check: (db: Database.Database, rows: readonly Row[], filter: Filter) => void,
  apart = APART,
): void {
  const sizes = { minLength: 60, maxLength: 200 };
  fc.assert(
    fc.property(
      fc.array(asked, sizes),
      fc.array(filters, { minLength: FILTERS, maxLength: FILTERS }),
      (all, some) => {
        const { db, rows } = historyOf(all, apart);
        for (const filter of some) check(db, rows, filter);
      },
    ),
    { numRuns: RUNS },
  );
}

describe('a question answers what a walk over every row says', () => {
  it('history of a workload', () => {
    hold((db, rows, filter) => {
      const workload = filter.workload ?? 'batch';
      const found = new HistoryQueries(db).ofWorkload({ ...filter, workload });
      const own = rows.filter((row) => row.workload === workload && answersTo(row, filter));
      expect(shown(found)).toEqual(shown(newest(own, filter.limit)));
    });
  });

  it('first seen', () => {
    hold((db, rows, filter) => {
      const found = new HistoryQueries(db).firstSeen(filter);
      const own = rows.filter((row) => {
        return isOf(row, filter) && answersTo(row, filter) && row.firstMs >= filter.sinceMs;
      });
      expect(shown(found)).toEqual(shown(newest(own, filter.limit)));
    });
  });

  it('new for the whole network', () => {
    hold((db, rows, filter) => {
      const found = new HistoryQueries(db).newForNetwork(filter);
      const own = freshOf(rows, filter).filter(
        (row) => isOf(row, filter) && answersTo(row, filter),
      );
      expect(shown(found)).toEqual(shown(newest(own, filter.limit)));
    });
  });

  it.each([
    ['few', APART],
    ['a good part', 1],
  ])('who asked below a suffix that %s of all pairs lie below', (_, apart) => {
    hold((db, rows, filter) => {
      const pairs = new Pairs(db);
      const common = new CommonQueries(pairs);
      const id = filter.workload === null ? null : (pairs.workloadId(filter.workload) ?? 0);
      for (const suffix of ['com', 'co.uk', 'd4.test']) {
        const own = rows.filter((row) => isOf(row, filter) && answersTo(row, filter));
        const below = own.filter(({ domain }) => isBelow(domain, suffix));
        const want = shown(oldest(below, filter.limit));
        const reversed = reversedFromText(suffix);
        expect(shown(new HistoryQueries(db).ofName(reversed, 'subtree', filter))).toEqual(want);
        const asIfCommon = common.find(rangeOf(reversed, 'subtree'), { ...filter, id });
        expect(shown(pairs.rows(asIfCommon))).toEqual(want);
      }
    }, apart);
  });

  it('who asked for a list of names', () => {
    hold((db, rows, filter) => {
      const strangers = Array.from({ length: STRANGERS }, (_, i) => `s${i}.com`);
      const list = ['d3.com', ...strangers, 'nobody.example', 'd5.co.uk', 'test'];
      // The first of those that are looked for second.
      list.splice(1000, 0, 'd4.test');
      const found = new HistoryQueries(db).ofNames(list.map(reversedFromText), filter);
      const own = rows.filter((row) => isOf(row, filter) && answersTo(row, filter));
      const want = list.flatMap((name) => own.filter(({ domain }) => isBelow(domain, name)));
      expect(shown(found.map(({ row }) => row))).toEqual(shown(oldest(want, filter.limit)));
    });
  });

  it('the detail of many domains is that of each', () => {
    hold((db, _, filter) => {
      const queries = new HistoryQueries(db);
      const rows = queries.firstSeen({ ...filter, sinceMs: 0 });
      const all = queries.namesOf(rows);
      for (const row of rows) {
        const one = queries.names(row.workload, reversedFromText(row.domain), -1);
        const told = (names: readonly { name: string; firstMs: number; queries: number }[]) =>
          names.map((name) => [name.name, name.firstMs, name.queries]);
        expect(told(all.get(row.id) ?? [])).toEqual(told(one));
      }
    });
  });

  it('a hunt for a long list finds what a hunt for a short one does', () => {
    hold((db, rows, filter) => {
      const past = { db, queries: new HistoryQueries(db) };
      const names = ['d3.com', 'www.d4.test', 'b.d7.test', 'd9.com', 'co.uk'];
      const short = new Map(names.map((name) => [reversedFromText(name), 3]));
      const strangers = Array.from({ length: STRANGERS }, (_, i) => `com.s${i}.`);
      const long = new Map([...short, ...strangers.map((name) => [name, 3] as const)]);
      const told = (list: ReadonlyMap<string, number>): string[] => {
        const { hits } = hunt(past, list, { ...filter, limit: -1 });
        return hits
          .map((hit) => `${hit.indicator} ${hit.workload} ${hit.name} ${hit.firstMs}`)
          .sort();
      };
      expect(told(long)).toEqual(told(short));
      const own = rows.filter((row) => isOf(row, filter) && answersTo(row, filter));
      const below = own.filter(({ domain }) => isBelow(domain, 'co.uk'));
      expect(told(short).filter((line) => line.startsWith('co.uk ')).length).toBe(below.length);
    });
  });
});

it('the random histories have runs, several days and every verdict', () => {
  const all = fc.sample(fc.array(asked, { minLength: 150, maxLength: 200 }), {
    numRuns: 1,
    seed: 7,
  });
  const { db, rows } = historyOf(all[0] ?? []);
  const whole = db.prepare('SELECT count(*) FROM domain_run WHERE cursor IS NULL').pluck().get();
  expect(Number(whole)).toBeGreaterThan(0);
  expect(rows.some(({ counts }) => counts.failed > 0 && counts.denied > 0)).toBe(true);
  expect(rows.at(-1)!.lastMs - NOON).toBeGreaterThan(72 * HOUR_MS);
});

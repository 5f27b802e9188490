/** Every question goes by an index: the plans of all statements that it prepares are looked at. */

import type Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HistoryQueries } from '../../src/history/queries.ts';
import { CommonQueries } from '../../src/history/queries-common.ts';
import { rangeOf } from '../../src/history/queries-filter.ts';
import { Pairs } from '../../src/history/queries-pairs.ts';
import { recentSince } from '../../src/history/queries-recent.ts';
import { Walks } from '../../src/history/queries-walk.ts';
import { openForReading } from '../../src/history/reader.ts';
import { fixture } from './support/fixture.ts';
import { NOON } from './support/records.ts';

/** A scan of a table that grows with what workloads ask for. */
const BIG_SCAN =
  /\bSCAN (p|n|pair|name|heard|finding|activity|answer|debut|domain|woken|workload_day)\b(?! USING COVERING INDEX \S+ \()/;

const WINDOW = { sinceMs: NOON - 1, untilMs: NOON + 1, limit: 10 };
const ALL = { ...WINDOW, workload: null };
const ONE = { ...WINDOW, workload: 'pay' };
const DENIED = { ...ALL, verdict: 'denied' as const };
const DENIED_ONE = { ...ONE, verdict: 'denied' as const };
const WALKED = { range: rangeOf('com.', 'subtree'), filter: { ...ALL, id: null }, wanted: null };
const walksOf = (db: Database.Database): Walks => new Walks(new Pairs(db));

describe('no question reads a big table whole', () => {
  type Ask = (queries: HistoryQueries, db: Database.Database) => unknown;
  const rows: { name: string; ask: Ask }[] = [
    { name: 'first-seen', ask: (q) => q.firstSeen(ALL) },
    { name: 'first-seen --verdict', ask: (q) => q.firstSeen(DENIED) },
    { name: 'who --verdict', ask: (q) => q.ofName('com.', 'subtree', DENIED) },
    { name: 'first-seen --workload', ask: (q) => q.firstSeen(ONE) },
    { name: 'first-seen --network', ask: (q) => q.newForNetwork(ALL) },
    { name: 'first-seen --workload --verdict', ask: (q) => q.firstSeen(DENIED_ONE) },
    { name: 'history --workload', ask: (q) => q.ofWorkload(ONE) },
    { name: 'history --workload --verdict', ask: (q) => q.ofWorkload(DENIED_ONE) },
    { name: 'history --names', ask: (q) => q.names('pay', 'com.example.', 10) },
    { name: 'history --names of many', ask: (q) => q.namesOf(q.ofName('com.', 'subtree', ALL)) },
    { name: 'who of a domain', ask: (q) => q.ofName('com.example.', 'subtree', ALL) },
    { name: 'who of a full name', ask: (q) => q.ofName('com.example.www.', 'subtree', DENIED) },
    { name: 'who --workload', ask: (q) => q.ofName('com.', 'subtree', ONE) },
    ...[ALL, DENIED, ONE, DENIED_ONE].flatMap((filter) => {
      const narrowed = { ...filter, id: filter.workload === null ? null : 1 };
      const words = Object.values(narrowed).join(' ');
      return ['com.', 'org.'].map((suffix) => ({
        name: `who below a common suffix: ${suffix} ${words}`,
        ask: (_: HistoryQueries, db: Database.Database) =>
          new CommonQueries(new Pairs(db)).find(rangeOf(suffix, 'subtree'), narrowed),
      }));
    }),
    { name: 'a walk by name', ask: (_, db) => walksOf(db).byName(WALKED) },
    { name: 'a walk by number', ask: (_, db) => walksOf(db).byNumber(WALKED) },
    { name: 'who --file', ask: (q) => q.ofNames(['com.example.', 'test.'], ALL) },
    { name: 'top domain', ask: (q) => q.top('domain', ALL) },
    { name: 'top workload', ask: (q) => q.top('workload', ALL) },
    { name: 'top domain --workload', ask: (q) => q.top('domain', ONE) },
    { name: 'tail', ask: (_, db) => recentSince(db, null) },
    { name: 'history --answer', ask: (q) => q.givenAddress(new Uint8Array(16), ALL) },
    { name: 'workloads', ask: (q) => q.workloads(ALL) },
    { name: 'what was folded', ask: (q) => q.foldedAbove('com.example.www.') },
  ];
  for (const { name, ask } of rows) {
    it(name, () => {
      const plans = plansOf(ask);
      expect(plans.length).toBeGreaterThan(0);
      expect(plans.filter((plan) => BIG_SCAN.test(plan))).toEqual([]);
    });
  }
});

function plansOf(ask: (queries: HistoryQueries, db: Database.Database) => unknown): string[] {
  const test = fixture();
  test.put([{ name: 'www.example.com', allowed: 1 }]);
  test.recording.flush();
  const db = openForReading(test.path);
  onTestFinished(() => void db.close());
  const statements = new Set<string>();
  const watched = new Proxy(db, {
    get: (target, key) => {
      const value = Reflect.get(target, key, target);
      if (key !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
      return (sql: string) => {
        statements.add(sql);
        return target.prepare(sql);
      };
    },
  });
  ask(new HistoryQueries(watched), watched);
  return [...statements].flatMap((sql) => planOf(db, sql));
}

function planOf(db: Database.Database, sql: string): string[] {
  const names = [...new Set(sql.match(/@\w+/g) ?? [])].map((name) => [name.slice(1), null]);
  const count = sql.match(/\?/g)?.length ?? 0;
  const values = names.length > 0 ? [Object.fromEntries(names)] : new Array(count).fill(null);
  const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
  return plan.all(...values).map(({ detail }) => detail);
}

/** Who and what was asked for most in a window: by the hour for all, by the day for a workload. */

import type Database from 'better-sqlite3';
import type { BusyEntry } from './busy.ts';
import { HOUR_MS } from './busy-rows.ts';
import { type FourCounts, NONE, plus } from './day-counts.ts';
import { dayOf } from './days.ts';
import { Most } from './most.ts';
import { sumsOfDays } from './queries-days.ts';
import { type AskedVerdict, type Filter, untilOf } from './queries-filter.ts';
import type { Counts } from './rows.ts';
import { Sums } from './sums.ts';

const DAY_MS = 86_400_000;

export interface TopRow extends Counts {
  /** A workload's name, or a domain, reversed. */
  readonly key: string;
}

export interface Top {
  /** Those with most queries, or most of the verdict that is asked for, first; none without any. */
  readonly rows: readonly TopRow[];
  /** Of all that was counted, with those that the limit left out. */
  readonly sum: Counts;
  /** What is counted begins and ends at whole hours, or days: these, ms since the epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Queries of that time for domains that no list holds. */
  readonly missed: number;
}

interface Entry<Key> {
  readonly key: Key;
  readonly counts: FourCounts;
  /** By which it is ranked. */
  readonly count: number;
}

type Raw = readonly [hour: number, entries: string, missed: number];

/** @param by of which an entry is told */
export function topOf(db: Database.Database, by: 'workload' | 'domain', filter: Filter): Top {
  if (by === 'domain' && filter.workload !== null) {
    return domainsOf(db, { ...filter, workload: filter.workload });
  }
  const statement = db.prepare<[number, number], Raw>(`
SELECT hour, ${by}s, missed FROM busy WHERE hour >= ? AND hour <= ? ORDER BY hour`);
  const from = Math.floor(filter.sinceMs / HOUR_MS);
  const until = Math.floor((untilOf(filter) - 1) / HOUR_MS);
  const only = by === 'workload' ? filter.workload : null;
  const sums = new Sums<string>();
  let missed = 0;
  let [first, last] = [-1, -1];
  for (const [hour, entries, missedThen] of statement.raw().iterate(from, until)) {
    if (first < 0) first = hour;
    last = hour;
    missed += by === 'domain' ? missedThen : 0;
    for (const [name, ...counts] of JSON.parse(entries) as BusyEntry[]) {
      if (only === null || only === name) sums.add(name, counts);
    }
  }
  return {
    rows: rankedOf(sums, filter).map(({ key, counts }) => ({ key, ...countsOf(counts) })),
    sum: totalOf(sums),
    fromMs: first * HOUR_MS,
    untilMs: (last + 1) * HOUR_MS,
    missed,
  };
}

/** Exact: of every pair that the workload has, and it has one of each domain. */
function domainsOf(db: Database.Database, filter: Filter & { readonly workload: string }): Top {
  const firstDay = dayOf(filter.sinceMs);
  const lastDay = dayOf(untilOf(filter) - 1);
  const workloadId = workloadIdOf(db, filter.workload);
  const sums = sumsOfDays(db, { workloadId, firstDay, lastDay });
  const name = db.prepare<[number], string>('SELECT name_rev FROM pair WHERE id = ?').pluck();
  const rows = rankedOf(sums, filter).map(({ key, counts }) => {
    return { key: name.get(key) ?? '', ...countsOf(counts) };
  });
  const [fromMs, untilMs] = [firstDay * DAY_MS, (lastDay + 1) * DAY_MS];
  return { rows, sum: totalOf(sums), fromMs, untilMs, missed: 0 };
}

/** Those with most first, of equals the one that is first by its key; none without any. */
function rankedOf<Key extends string | number>(
  sums: Sums<Key>,
  { verdict, limit }: Filter,
): Entry<Key>[] {
  const most = new Most<Entry<Key>>(limit, (a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
  for (const [key, counts] of sums) {
    const count = countOf(countsOf(counts), verdict ?? undefined);
    if (count > 0) most.add({ key, counts, count });
  }
  return most.inOrder();
}

/** The queries of a verdict, or all. */
export function countOf(counts: Counts, verdict: AskedVerdict | undefined): number {
  if (verdict === undefined) return counts.queries;
  return verdict === 'would-deny' ? counts.wouldDeny : counts[verdict];
}

function totalOf<Key>(sums: Sums<Key>): Counts {
  let total = NONE;
  for (const [, counts] of sums) total = plus(total, counts, 1);
  return countsOf(total);
}

/** 0, which no workload has, where the history has not heard of it. */
function workloadIdOf(db: Database.Database, name: string): number {
  const statement = db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?');
  return statement.pluck().get(name) ?? 0;
}

function countsOf([allowed, denied, wouldDeny, failed]: FourCounts): Counts {
  return { queries: allowed + denied + failed, allowed, denied, wouldDeny, failed };
}

/** Who and what was asked for most in a window: by the hour for all, by the day for a workload. */

import type Database from 'better-sqlite3';
import type { BusyEntry } from './busy.ts';
import { HOUR_MS } from './busy-rows.ts';
import { daysOf, type FourCounts, NONE, plus } from './day-counts.ts';
import { dayOf } from './days.ts';
import { type Filter, untilOf } from './queries-filter.ts';
import { heardOf } from './queries-heard.ts';
import type { Counts } from './rows.ts';

const DAY_MS = 86_400_000;

export interface TopRow extends Counts {
  /** A workload's name, or a domain, reversed. */
  readonly key: string;
}

export interface Top {
  /** In no order. */
  readonly rows: readonly TopRow[];
  /** What is counted begins and ends at whole hours, or days: these, ms since the epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Queries of that time for domains that no list holds. */
  readonly missed: number;
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
  const sums = new Sums();
  let missed = 0;
  let [first, last] = [-1, -1];
  for (const [hour, entries, missedThen] of statement.raw().iterate(from, until)) {
    if (first < 0) first = hour;
    last = hour;
    missed += by === 'domain' ? missedThen : 0;
    for (const [name, ...counts] of JSON.parse(entries) as BusyEntry[]) sums.add(name, counts);
  }
  const { workload } = filter;
  const rows = sums
    .rows()
    .filter(({ key }) => by === 'domain' || workload === null || key === workload);
  return { rows, fromMs: first * HOUR_MS, untilMs: (last + 1) * HOUR_MS, missed };
}

type RawPair = readonly [string, number, number, number, number, number, number, Buffer | null];

/** Exact: of every pair that the workload has, and it has one of each domain. */
function domainsOf(db: Database.Database, filter: Filter & { readonly workload: string }): Top {
  const firstDay = dayOf(filter.sinceMs);
  const endDay = dayOf(untilOf(filter) - 1);
  const statement = db.prepare<[string, number], RawPair>(`
SELECT p.name_rev, p.first_ms, p.last_day, p.allowed, p.denied, p.would_deny, p.failed, p.days
FROM json_each(?) j CROSS JOIN pair p ON p.id = j.value WHERE p.last_day >= ?`);
  const rows: TopRow[] = [];
  for (const { ids } of heardOf(db, workloadId(db, filter.workload), 0)) {
    for (const raw of statement.raw().all(JSON.stringify(ids), firstDay)) {
      const counts = countsIn(raw, firstDay, endDay);
      if (counts !== null) rows.push(rowOf(raw[0], counts));
    }
  }
  const fromMs = firstDay * DAY_MS;
  return { rows, fromMs, untilMs: (endDay + 1) * DAY_MS, missed: 0 };
}

/** What a pair asked for on the days from `firstDay` to `endDay`; null where it asked on none. */
function countsIn(raw: RawPair, firstDay: number, endDay: number): FourCounts | null {
  const [, firstMs, lastDay, allowed, denied, wouldDeny, failed, days] = raw;
  const counts: FourCounts = [allowed, denied, wouldDeny, failed];
  const first = dayOf(firstMs);
  // Most pairs have one day only: nothing is unpacked for it.
  if (days === null) return first === lastDay && lastDay <= endDay ? counts : null;
  const within = daysOf({ firstDay: first, lastDay, counts, days }).days.filter(
    ({ day }) => day >= firstDay && day <= endDay,
  );
  if (within.length === 0) return null;
  return within.reduce((sum, of) => plus(sum, of.counts, 1), NONE);
}

/** 0, which no workload has, where the history has not heard of it. */
function workloadId(db: Database.Database, name: string): number {
  const statement = db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?');
  return statement.pluck().get(name) ?? 0;
}

class Sums {
  readonly #sums = new Map<string, [number, number, number, number]>();

  add(name: string, [allowed, denied, wouldDeny, failed]: FourCounts): void {
    const sum = this.#sums.get(name);
    if (sum === undefined) {
      this.#sums.set(name, [allowed, denied, wouldDeny, failed]);
      return;
    }
    sum[0] += allowed;
    sum[1] += denied;
    sum[2] += wouldDeny;
    sum[3] += failed;
  }

  rows(): TopRow[] {
    return [...this.#sums].map(([key, counts]) => rowOf(key, counts));
  }
}

function rowOf(key: string, [allowed, denied, wouldDeny, failed]: FourCounts): TopRow {
  return { key, queries: allowed + denied + failed, allowed, denied, wouldDeny, failed };
}

/** Who and what was asked for most in a window: by the hour for all, by the day for a workload. */

import type Database from 'better-sqlite3';
import { HOUR_MS } from './busy-rows.ts';
import { dayOf } from './days.ts';
import { busyBetween } from './queries-busy.ts';
import { sumsOfDays } from './queries-days.ts';
import { type AskedVerdict, type Filter, untilOf } from './queries-filter.ts';
import type { Counts } from './rows.ts';
import type { Ranked } from './sums.ts';

const DAY_MS = 86_400_000;

/** By a workload's name, or a domain, reversed. */
export type TopRow = Ranked<string>;

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

/** @param by of which an entry is told */
export function topOf(db: Database.Database, by: 'workload' | 'domain', filter: Filter): Top {
  if (by === 'domain' && filter.workload !== null) {
    return domainsOf(db, { ...filter, workload: filter.workload });
  }
  const from = Math.floor(filter.sinceMs / HOUR_MS);
  const until = Math.floor((untilOf(filter) - 1) / HOUR_MS);
  const { sums, firstHour, lastHour, missed } = busyBetween(db, by, from, until);
  const only = by === 'workload' ? filter.workload : null;
  const wanted = only === null ? sums : sums.only(only);
  return {
    rows: wanted.most(filter.verdict ?? null, filter.limit),
    sum: wanted.total(),
    fromMs: firstHour * HOUR_MS,
    untilMs: (lastHour + 1) * HOUR_MS,
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
  const ranked = sums.most(filter.verdict ?? null, filter.limit);
  return {
    rows: ranked.map((row) => ({ ...row, key: name.get(row.key) ?? '' })),
    sum: sums.total(),
    fromMs: firstDay * DAY_MS,
    untilMs: (lastDay + 1) * DAY_MS,
    missed: 0,
  };
}

/** The queries of a verdict, or all. */
export function countOf(counts: Counts, verdict: AskedVerdict | undefined): number {
  if (verdict === undefined) return counts.queries;
  return verdict === 'would-deny' ? counts.wouldDeny : counts[verdict];
}

/** 0, which no workload has, where the history has not heard of it. */
function workloadIdOf(db: Database.Database, name: string): number {
  const statement = db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?');
  return statement.pluck().get(name) ?? 0;
}

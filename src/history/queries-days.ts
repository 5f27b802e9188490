/** What a workload asked for on some days: which of its pairs, and how much of each. */

import type Database from 'better-sqlite3';
import { countsOn, type FourCounts } from './day-counts.ts';
import { dayOf, endOfDay } from './days.ts';
import { type CountsSink, unpackCounts } from './packed-counts.ts';
import { unpackIds } from './packed-ids.ts';
import { PairSet } from './pair-set.ts';
import { heardOf } from './queries-heard.ts';
import { Sums } from './sums.ts';

/** Rows that one statement reads. */
const READ_PAIRS = 1000;

const WOKEN = 'SELECT ids FROM woken WHERE workload_id = ? AND day = ?';
const SETTLED = `
SELECT day, counts FROM workload_day WHERE workload_id = ? AND day BETWEEN ? AND ?`;
const READ = `
SELECT p.id, p.first_ms, p.last_day, p.allowed, p.denied, p.would_deny, p.failed, p.days
FROM json_each(?) j CROSS JOIN pair p ON p.id = j.value`;

type Raw = readonly [number, number, number, ...FourCounts, Buffer | null];

/** A workload's days, both included. */
export interface DaysOf {
  readonly workloadId: number;
  readonly firstDay: number;
  readonly lastDay: number;
}

/** Exact, of every pair: by rows of whole days where there are such, and by the pairs' own. */
export function sumsOfDays(db: Database.Database, days: DaysOf): Sums<number> {
  const sums = new Sums<number>();
  const asked = daysKnown(db, days);
  if (asked === null) {
    const ids = [...heardOf(db, days.workloadId)].flatMap((part) => part.ids);
    addPairs(sums, db, ids, (day) => day >= days.firstDay && day <= days.lastDay);
    return sums;
  }
  const open = settledOf(db, asked, sums);
  addPairs(sums, db, pairsOnDays(db, days.workloadId, open), (day) => open.has(day));
  return sums;
}

/**
 * Every pair of a workload that something was asked of on a day or after it, and maybe others; null
 * where that is not known.
 */
export function pairsSince(
  db: Database.Database,
  workloadId: number,
  firstDay: number,
): PairSet | null {
  const asked = daysKnown(db, { workloadId, firstDay, lastDay: Number.MAX_SAFE_INTEGER });
  if (asked === null) return null;
  const ids = new PairSet();
  const open = settledOf(db, asked, ids);
  for (const id of pairsOnDays(db, workloadId, open)) ids.add(id);
  return ids;
}

/** Adds what rows of whole days say. @returns the days that have none */
function settledOf(db: Database.Database, asked: DaysOf, sink: CountsSink): Set<number> {
  const { workloadId, firstDay, lastDay } = asked;
  const open = new Set<number>();
  for (let day = firstDay; day <= lastDay; day++) open.add(day);
  const rows = db.prepare<number[], [number, Buffer]>(SETTLED).raw();
  for (const [day, counts] of rows.iterate(workloadId, firstDay, lastDay)) {
    open.delete(day);
    unpackCounts(counts, sink);
  }
  return open;
}

/** Pairs of which something was asked on days that have no row, in order; some others with them. */
export function pairsOnDays(
  db: Database.Database,
  workloadId: number,
  days: Iterable<number>,
): number[] {
  const woken = db.prepare<[number, number], Buffer>(WOKEN).pluck();
  const ids = new Set<number>();
  for (const day of days) {
    const bounds = { fromMs: endOfDay(day - 1), beforeMs: endOfDay(day) };
    for (const part of heardOf(db, workloadId, bounds)) for (const id of part.ids) ids.add(id);
    for (const some of woken.iterate(workloadId, day)) {
      for (const id of unpackIds(some)) ids.add(id);
    }
  }
  return [...ids].sort((a, b) => a - b);
}

/** Adds what rows of pairs say of the days that are asked for. */
export function addPairs(
  sink: CountsSink,
  db: Database.Database,
  ids: readonly number[],
  isAsked: (day: number) => boolean,
): void {
  const statement = db.prepare<[string], Raw>(READ).raw();
  for (let at = 0; at < ids.length; at += READ_PAIRS) {
    const some = JSON.stringify(ids.slice(at, at + READ_PAIRS));
    for (const raw of statement.all(some)) {
      const [id, firstMs, lastDay, allowed, denied, wouldDeny, failed, days] = raw;
      const counts = [allowed, denied, wouldDeny, failed] as const;
      const found = countsOn({ firstDay: dayOf(firstMs), lastDay, counts, days }, isAsked);
      if (found !== null) sink.add(id, found[0], found[1], found[2], found[3]);
    }
  }
}

/** Those of the days that the workload was there on; null where of some nothing is kept. */
function daysKnown(db: Database.Database, days: DaysOf): DaysOf | null {
  const sql = 'SELECT (SELECT day FROM days_from), first_ms, last_ms FROM workload WHERE id = ?';
  const found = db.prepare<[number], [number, number, number]>(sql).raw().get(days.workloadId);
  if (found === undefined) return { ...days, firstDay: 0, lastDay: -1 };
  const [from, firstMs, lastMs] = found;
  const firstDay = Math.max(days.firstDay, dayOf(firstMs));
  if (firstDay < from) return null;
  return { ...days, firstDay, lastDay: Math.min(days.lastDay, dayOf(lastMs)) };
}

/** What was busy in a window of hours: days that have a sum by that, the rest hour by hour. */

import type Database from 'better-sqlite3';
import { addEntries, HOURS_OF_DAY } from './busy-days.ts';
import { Sums, type SumsLists } from './sums.ts';

export interface Busy {
  readonly sums: Sums<string>;
  /** The first and the last of the window that there are, since the epoch; -1 for none. */
  readonly firstHour: number;
  readonly lastHour: number;
  /** Queries for domains that no list holds; none where workloads are asked for. */
  readonly missed: number;
}

/** A day's sum, or an hour. */
type Row = readonly [first: number, last: number, entries: string, missed: number];
type Between = Database.Statement<[number, number], Row>;

/** @param from first hour since the epoch, and `until` the last: both are in the window */
export function busyBetween(
  db: Database.Database,
  by: 'workload' | 'domain',
  from: number,
  until: number,
): Busy {
  const missed = by === 'domain' ? 'missed' : '0';
  const days: Between = db
    .prepare<[number, number], Row>(`
SELECT first_hour, last_hour, ${by}s, ${missed} FROM busy_day WHERE day >= ? AND day <= ?`)
    .raw();
  const hours: Between = db
    .prepare<[number, number], Row>(`
SELECT hour, hour, ${by}s, ${missed} FROM busy WHERE hour >= ? AND hour <= ? ORDER BY hour`)
    .raw();
  const busy = { sums: new Sums<string>(), firstHour: -1, lastHour: -1, missed: 0 };
  const note = ([first, last, , missedThen]: Row): void => {
    if (busy.firstHour < 0) busy.firstHour = first;
    busy.lastHour = last;
    busy.missed += missedThen;
  };
  const addHours = (first: number, last: number): void => {
    for (const row of hours.iterate(first, last)) {
      addEntries(busy.sums, row[2]);
      note(row);
    }
  };
  let next = from;
  const wholeDays = [Math.ceil(from / HOURS_OF_DAY), Math.floor((until + 1) / HOURS_OF_DAY) - 1];
  for (const row of days.all(wholeDays[0] ?? 0, wholeDays[1] ?? -1)) {
    const day = Math.floor(row[0] / HOURS_OF_DAY);
    addHours(next, day * HOURS_OF_DAY - 1);
    busy.sums.addLists(JSON.parse(row[2]) as SumsLists<string>);
    note(row);
    next = (day + 1) * HOURS_OF_DAY;
  }
  addHours(next, until);
  return busy;
}

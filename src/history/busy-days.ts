/**
 * Sums of the hours of `busy` for each day that is over, so that a month is 31 rows and not 744, of
 * which each names the same domains again. What they say is what the hours say, no less: a day
 * whose hours change has its row made anew.
 */

import type Database from 'better-sqlite3';
import type { BusyEntry } from './busy.ts';
import { Sums } from './sums.ts';

export const HOURS_OF_DAY = 24;

// A day is over when an hour of a later one is there, whatever a clock says. The first that is
// kept may have lost hours already.
const NEXT = `
SELECT hour / ${HOURS_OF_DAY} FROM busy
WHERE hour / ${HOURS_OF_DAY} * ${HOURS_OF_DAY} >= (SELECT min(hour) FROM busy)
AND hour / ${HOURS_OF_DAY} < (SELECT max(hour) / ${HOURS_OF_DAY} FROM busy)
AND hour / ${HOURS_OF_DAY} NOT IN (SELECT day FROM busy_day) LIMIT 1`;
const HOURS = `
SELECT hour, workloads, domains, missed FROM busy
WHERE hour >= ? AND hour <= ? ORDER BY hour`;

type Hour = readonly [hour: number, workloads: string, domains: string, missed: number];
type DayRow = [number, number, number, string, string, number];

export class BusyDays {
  readonly #newest: Database.Statement<[], number | null>;
  readonly #next: Database.Statement<[], number>;
  readonly #hours: Database.Statement<[number, number], Hour>;
  readonly #add: Database.Statement<DayRow>;
  readonly #transaction: Database.Transaction<(day: number) => void>;
  /** The newest hour when there was nothing to do. */
  #idleAt: number | null = -1;

  constructor(db: Database.Database) {
    this.#newest = db.prepare<[], number | null>('SELECT max(hour) FROM busy').pluck();
    this.#next = db.prepare<[], number>(NEXT).pluck();
    this.#hours = db.prepare<[number, number], Hour>(HOURS).raw();
    this.#add = db.prepare<DayRow>('INSERT INTO busy_day VALUES (?, ?, ?, ?, ?, ?)');
    this.#transaction = db.transaction((day) => this.#sum(day));
  }

  /**
   * One day: 5 to 10 ms here.
   *
   * @returns whether there may be more to do
   * @throws SqliteError, and the step may be tried again
   */
  step(): boolean {
    const newest = this.#newest.get() ?? null;
    if (newest === this.#idleAt) return false;
    const day = this.#next.get();
    if (day === undefined) this.#idleAt = newest;
    else this.#transaction.immediate(day);
    return day !== undefined;
  }

  #sum(day: number): void {
    const [workloads, domains] = [new Sums<string>(), new Sums<string>()];
    const first = day * HOURS_OF_DAY;
    const hours = this.#hours.all(first, first + HOURS_OF_DAY - 1);
    let missed = 0;
    for (const [, ofWorkloads, ofDomains, missedThen] of hours) {
      addEntries(workloads, ofWorkloads);
      addEntries(domains, ofDomains);
      missed += missedThen;
    }
    const [firstHour, lastHour] = [hours[0]?.[0] ?? first, hours.at(-1)?.[0] ?? first];
    const lists = [workloads, domains].map((sums) => JSON.stringify(sums.lists())) as [
      string,
      string,
    ];
    this.#add.run(day, firstHour, lastHour, ...lists, missed);
  }
}

/** Adds what an hour's list says. */
export function addEntries(sums: Sums<string>, entries: string): void {
  // Each by its place: an hour has hundreds, and to spread them takes three times as long.
  for (const entry of JSON.parse(entries) as BusyEntry[]) {
    sums.add(entry[0], entry[1], entry[2], entry[3], entry[4]);
  }
}

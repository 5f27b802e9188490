/** What a baseline knows of a workload, read from the history for people. Read-only. */

import type Database from 'better-sqlite3';
import { hourOf, hourOfWeek, WEEK_HOURS, WINDOW_HOURS } from './hours.ts';
import { type BaselineSettings, DEFAULTS } from './settings.ts';
import { BaselineTable } from './table.ts';
import {
  activeShare,
  activityByHour,
  HIGH,
  type HourRow,
  LOW,
  Past,
  quantile,
  type Usual,
  usualOf,
} from './usual.ts';
import { Watch } from './watch.ts';

export interface BaselineReport {
  readonly usual: Usual;
  /** Of the hour that runs, as far as it is stored; null while it is silent. */
  readonly now: HourRow | null;
  /** Shares of the queries of an ordinary day, by hour (UTC). */
  readonly byHour: readonly number[];
  /** By hour of the week from Monday 00:00 UTC: in which share of its weeks it was active. */
  readonly activeWeeks: readonly (number | null)[];
  /** Distinct domains, 10th and 90th percentile. */
  readonly domainsPerHour: readonly [number, number];
  readonly domainsPerDay: readonly [number, number];
  readonly failedShare: number;
  readonly nxdomainShare: number;
}

export class BaselineReading {
  readonly #table: BaselineTable;
  readonly #watch = new Watch();
  readonly #hour: number;
  readonly #settings: (workload: string) => BaselineSettings;

  constructor(
    db: Database.Database,
    nowMs: number,
    settings: (workload: string) => BaselineSettings = () => DEFAULTS,
  ) {
    this.#table = new BaselineTable(db);
    this.#hour = hourOf(nowMs);
    this.#settings = settings;
    this.#watch.load(this.#table.watched(this.#hour - WINDOW_HOURS));
  }

  /** Null for a workload that the history has not heard of. */
  of(workload: string): BaselineReport | null {
    const key = this.#table.workload(workload);
    if (key === undefined) return null;
    const rows = this.#table.hours(key.id, this.#hour - WINDOW_HOURS, this.#hour);
    const past = this.#pastAt(rows, this.#hour);
    const ended = rows.filter(({ hour }) => hour < this.#hour && this.#watch.isWatched(hour));
    return {
      usual: usualOf(past, this.#settings(workload)),
      now: rows.find(({ hour }) => hour === this.#hour) ?? null,
      byHour: activityByHour(past),
      activeWeeks: this.#activeWeeks(rows),
      domainsPerHour: range(ended.map(({ domains }) => domains)),
      domainsPerDay: range(daysOf(ended)),
      failedShare: shareOf(ended, 'failed'),
      nxdomainShare: shareOf(ended, 'nxdomain'),
    };
  }

  #pastAt(rows: readonly HourRow[], hour: number): Past {
    return new Past(rows, this.#watch.isWatched, hour);
  }

  #activeWeeks(rows: readonly HourRow[]): (number | null)[] {
    const shares = new Array<number | null>(WEEK_HOURS).fill(null);
    const past = this.#pastAt(rows, this.#hour);
    // An hour of the week that comes is compared with those a week before it and earlier.
    for (let ahead = 0; ahead < WEEK_HOURS; ahead++) {
      shares[hourOfWeek(this.#hour + ahead)] = activeShare(past, ahead);
    }
    return shares;
  }
}

function shareOf(rows: readonly HourRow[], part: 'failed' | 'nxdomain'): number {
  let queries = 0;
  let counted = 0;
  for (const row of rows) {
    queries += row.queries;
    counted += row[part];
  }
  return queries === 0 ? 0 : counted / queries;
}

/** Distinct domains of each day. */
function daysOf(rows: readonly HourRow[]): number[] {
  const days = new Map<number, number>();
  for (const { hour, dayDomains } of rows) {
    const day = Math.floor(hour / 24);
    days.set(day, Math.max(days.get(day) ?? 0, dayDomains));
  }
  return [...days.values()];
}

function range(values: readonly number[]): readonly [number, number] {
  return [quantile(values, LOW), quantile(values, HIGH)];
}

/**
 * Activity: what one workload did in the hour that runs, and what of it was told. Counts only;
 * what is usual comes from usual.ts, when to write from baselines.ts.
 */

import type { KnownPair } from '../history/known.ts';
import type { Workload } from '../history/snapshots.ts';
import { DAY_HOURS, hourOf } from './hours.ts';
import type { UnusualKind } from './unusual.ts';
import type { HourRow, Usual } from './usual.ts';

/** After one alert about a count of a workload, the next within this time must be twice as much. */
const REPEAT_MS = 86_400_000;

/** Counts of one hour. */
export class HourCounts {
  queries = 0;
  denied = 0;
  failed = 0;
  nxdomain = 0;
  domains = 0;
  fresh = 0;

  add(other: HourCounts | HourRow): void {
    this.queries += other.queries;
    this.denied += other.denied;
    this.failed += other.failed;
    this.nxdomain += other.nxdomain;
    this.domains += other.domains;
    this.fresh += other.fresh;
  }

  get isEmpty(): boolean {
    return this.queries + this.denied + this.domains + this.fresh === 0;
  }
}

/** An alert that went out, so that it is not repeated every hour. */
export interface Told {
  readonly atMs: number;
  readonly count: number;
}

/** Counts of an hour that wait for the database, cut at what may be learnt of it. */
export interface Unwritten {
  readonly hour: number;
  readonly counts: HourCounts;
  readonly dayDomains: number;
  readonly usual: Usual | null;
}

export class Activity {
  readonly workload: Workload;
  /** The hour that runs; -1 before the first. */
  hour = -1;
  /** What the database has of the hour, and what came since. */
  base = new HourCounts();
  since = new HourCounts();
  /** Distinct domains of the day so far. */
  dayDomains = 0;
  /** Null until it was looked up for the hour that runs. */
  usual: Usual | null = null;
  readonly told = new Map<UnusualKind, Told>();
  /** The domains with most queries and with most NXDOMAINs of the hour. */
  top: KnownPair | null = null;
  topNxdomain: KnownPair | null = null;
  /** Hours that ended and are not written yet. */
  ended: Unwritten[] = [];
  /** When the workload was first heard of, as the database says; NaN while it does not. */
  firstMs = Number.NaN;
  /** Of the last query, ms since the epoch. */
  lastMs = 0;

  constructor(workload: Workload) {
    this.workload = workload;
  }

  /** Makes `hour` the one that runs. What came late from the hour before counts in this one. */
  turnTo(hour: number): void {
    if (hour === this.hour || hour === this.hour - 1) return;
    if (!this.since.isEmpty) this.ended.push(this.unwritten());
    const isSameDay = Math.floor(hour / DAY_HOURS) === Math.floor(this.hour / DAY_HOURS);
    if (!isSameDay) this.dayDomains = 0;
    this.hour = hour;
    this.base = new HourCounts();
    this.since = new HourCounts();
    this.usual = null;
    this.top = null;
    this.topNxdomain = null;
  }

  /** What came since the last write. */
  unwritten(): Unwritten {
    const { hour, since, dayDomains, usual } = this;
    return { hour, counts: since, dayDomains, usual };
  }

  /** It is in the database now. */
  written(): void {
    this.base.add(this.since);
    this.since = new HourCounts();
    this.ended = [];
  }

  /** A pair was stored: `wasMs` is when it was asked for before, 0 for never. */
  addDomain(lastMs: number, wasMs: number, isFresh: boolean): void {
    const hour = hourOf(lastMs);
    if (hour !== this.hour && hour !== this.hour - 1) return;
    const wasHour = hourOf(wasMs);
    if (wasHour < this.hour) this.since.domains += 1;
    if (isFresh) this.since.fresh += 1;
    if (Math.floor(wasHour / DAY_HOURS) < Math.floor(this.hour / DAY_HOURS)) this.dayDomains += 1;
  }

  count(kind: UnusualKind): number {
    return this.base[kind] + this.since[kind];
  }

  /** Whether the count is more than usual, and was not told already. */
  isToTell(kind: UnusualKind, nowMs: number): boolean {
    if (this.usual === null) return false;
    const count = this.count(kind);
    if (count <= this.usual[kind].limit) return false;
    const share = count / Math.max(1, this.count('queries'));
    if (kind === 'nxdomain' && share <= this.usual.shareLimit) return false;
    const told = this.told.get(kind);
    // A clock that was set back or ahead makes no alert wait for longer.
    if (told === undefined || Math.abs(nowMs - told.atMs) >= REPEAT_MS) return true;
    return count > 2 * told.count;
  }
}

/**
 * Usual: what a workload did in the hours before, and from it the bounds of the hour that begins.
 * Pure arithmetic over at most eight weeks of hours; no clock, no database.
 *
 * Robust where it can be: quantiles, so that one wild hour moves nothing. Hours that nobody watched
 * (the daemon was down, the machine slept) count as unknown and never as silent.
 */

import { DAY_HOURS, WEEK_HOURS, WINDOW_HOURS } from './hours.ts';
import {
  type BaselineSettings,
  GROWTH_PER_WEEK,
  SHARE_FLOOR,
  VOLUME_LEARNING_HOURS,
} from './settings.ts';

/** What was counted in one hour. An hour without a row was silent, or nobody watched. */
export interface HourRow {
  readonly hour: number;
  /** Let through or failed: what was denied is told by its own alerts. */
  readonly queries: number;
  readonly denied: number;
  readonly failed: number;
  readonly nxdomain: number;
  /** Distinct registrable domains. */
  readonly domains: number;
  /** Of them, never asked for before by this workload, and let through. */
  readonly fresh: number;
  /** Distinct registrable domains from the day's begin (UTC) to the end of the hour. */
  readonly dayDomains: number;
  /** The counts as far as they are learnt: cut at the cap of their hour. */
  readonly learntQueries: number;
  readonly learntFresh: number;
  readonly learntNxdomain: number;
}

/** Bounds of one count in one hour. */
export interface Bounds {
  /** What is usual, the 10th and 90th percentile. */
  readonly low: number;
  readonly high: number;
  /** More than this is told; infinite while it is learnt. */
  readonly limit: number;
  /** As much as is learnt of the hour; infinite while it is learnt. */
  readonly cap: number;
}

export interface Usual {
  /** Hours watched since the workload's first one, of the last eight weeks. */
  readonly learntHours: number;
  /** Whether the bounds are those of this hour of the week, or of all hours so far. */
  readonly isByWeek: boolean;
  /** Whether the workload is not usually active now; null while that is learnt. */
  readonly isUnusualHour: boolean | null;
  readonly queries: Bounds;
  readonly fresh: Bounds;
  readonly nxdomain: Bounds;
  /** More than this share of the queries must not exist, too, for a burst to be told. */
  readonly shareLimit: number;
}

/** Which hours somebody watched from begin to end. */
export type IsWatched = (hour: number) => boolean;

/** An hour is usual when it was active in this share of its weeks. */
const ACTIVE_SHARE = 0.25;
export const LOW = 0.1;
export const HIGH = 0.9;
/** New domains and NXDOMAINs come in fits: their usual is what 19 of 20 active hours hold. */
const HIGH_OF_FITS = 0.95;
/** Weeks after which an hour's own samples are enough. */
const WEEKS_ENOUGH = 4;

type Count = 'queries' | 'fresh' | 'nxdomain';
const LEARNT = {
  queries: 'learntQueries',
  fresh: 'learntFresh',
  nxdomain: 'learntNxdomain',
} as const satisfies Record<Count, keyof HourRow>;

/** The weeks before `hour`, an hour a place: the newest at the end. */
export class Past {
  readonly hour: number;
  /** Hours that were watched since the workload's first. */
  readonly watchedHours: number;
  /** The workload's first hour in the window; `hour` where it has none. */
  readonly #first: number;
  /** By hour of the window: 1 when it was watched and the workload was known. */
  readonly #isWatched = new Uint8Array(WINDOW_HOURS);
  readonly #learnt: Readonly<Record<Count, Float64Array>> = {
    queries: new Float64Array(WINDOW_HOURS),
    fresh: new Float64Array(WINDOW_HOURS),
    nxdomain: new Float64Array(WINDOW_HOURS),
  };

  /** Rows of `hour` itself and of later ones do not count. */
  constructor(rows: Iterable<HourRow>, isWatched: IsWatched, hour: number) {
    this.hour = hour;
    const oldest = hour - WINDOW_HOURS;
    let first = hour;
    for (const row of rows) {
      if (row.hour < oldest || row.hour >= hour) continue;
      first = Math.min(first, row.hour);
      for (const count of COUNTS) this.#learnt[count][row.hour - oldest] = row[LEARNT[count]];
    }
    let watchedHours = 0;
    for (let at = first; at < hour; at++) {
      if (!isWatched(at)) continue;
      this.#isWatched[at - oldest] = 1;
      watchedHours += 1;
    }
    this.watchedHours = watchedHours;
    this.#first = first;
  }

  isWatched(hour: number): boolean {
    return this.#isWatched[hour - this.hour + WINDOW_HOURS] === 1;
  }

  learnt(hour: number, count: Count): number {
    return this.#learnt[count][hour - this.hour + WINDOW_HOURS] ?? 0;
  }

  /**
   * The same hour of the week in the weeks before, where it was watched. Not what was just now: it
   * says nothing about what is usual, and may be what is to be told.
   */
  likeThis(beside: number): number[] {
    const hours: number[] = [];
    for (
      let at = this.hour + beside - WEEK_HOURS;
      at >= this.hour - WINDOW_HOURS;
      at -= WEEK_HOURS
    ) {
      if (this.isWatched(at)) hours.push(at);
    }
    return hours;
  }

  /** Learnt counts of the hours, `age` hours old or older, in which anything was asked for. */
  active(count: Count, age = 1): number[] {
    const values: number[] = [];
    for (let at = this.#first; at <= this.hour - age; at++) {
      if (this.isWatched(at) && this.learnt(at, 'queries') > 0) values.push(this.learnt(at, count));
    }
    return values;
  }

  /** Watched hours that are a week old or older. */
  get oldHours(): number {
    let count = 0;
    for (let at = 0; at <= WINDOW_HOURS - OLD; at++) count += this.#isWatched[at] ?? 0;
    return count;
  }
}

const COUNTS = ['queries', 'fresh', 'nxdomain'] as const;
/** Age from which an hour is as old as the last one like this and those beside it. */
const OLD = WEEK_HOURS - 1;

export function usualOf(past: Past, settings: BaselineSettings): Usual {
  const queries = past.active('queries');
  const nxdomain = past.active('nxdomain');
  const share = sum(nxdomain) / Math.max(1, sum(queries));
  return {
    learntHours: past.watchedHours,
    isByWeek: past.watchedHours >= settings.learningHours,
    isUnusualHour: isUnusual(past, settings),
    queries: boundsOf('queries', past, settings),
    fresh: boundsOf('fresh', past, settings),
    nxdomain: boundsOf('nxdomain', past, settings),
    shareLimit: Math.max(SHARE_FLOOR, 2 * share),
  };
}

/**
 * Unusual: active in fewer than a quarter of the weeks, in this hour of the week and in the one
 * before and after. So one week of somebody else's doing makes no hour usual after the fourth.
 */
function isUnusual(past: Past, settings: BaselineSettings): boolean | null {
  if (past.watchedHours < settings.learningHours) return null;
  const shares = [-1, 0, 1].map((beside) => activeShare(past, beside));
  if (shares.some((share) => share !== null && share >= ACTIVE_SHARE)) return false;
  return shares[1] === null ? null : true;
}

/** In which share of the weeks watched the workload was active in this hour; or null. */
export function activeShare(past: Past, beside = 0): number | null {
  const hours = past.likeThis(beside);
  if (hours.length === 0) return null;
  return hours.filter((hour) => past.learnt(hour, 'queries') > 0).length / hours.length;
}

function boundsOf(count: Count, past: Past, settings: BaselineSettings): Bounds {
  const { factor, floors, learningHours } = settings;
  const least = floors[count] / factor;
  const reach = Math.max(least, reachOf(count, past, settings));
  const old = past.oldHours < learningHours ? reach : reachOf(count, past, settings, OLD);
  const { watchedHours } = past;
  return {
    ...rangeOf(count, past, settings),
    limit: watchedHours >= VOLUME_LEARNING_HOURS ? Math.ceil(factor * reach) : Infinity,
    cap:
      watchedHours < learningHours ? Infinity : Math.ceil(GROWTH_PER_WEEK * Math.max(least, old)),
  };
}

/** What is usual, as people are told. */
function rangeOf(
  count: Count,
  past: Past,
  settings: BaselineSettings,
): Pick<Bounds, 'low' | 'high'> {
  const isByWeek = count === 'queries' && past.watchedHours >= settings.learningHours;
  const like = isByWeek ? learntBeside(past, count) : [];
  const values = like.length > 0 ? like : past.active(count);
  const high = count === 'queries' ? HIGH : HIGH_OF_FITS;
  return { low: quantile(values, LOW), high: quantile(values, high) };
}

/**
 * The most that is usual: what limits and caps are multiples of.
 *
 * @param age hours that what counts must be old
 */
function reachOf(count: Count, past: Past, settings: BaselineSettings, age = 1): number {
  const active = past.active(count, age);
  if (count !== 'queries') return quantile(active, HIGH_OF_FITS);
  if (past.watchedHours < settings.learningHours) return quantile(active, 1);
  const reach = quantile(learntBeside(past, count), HIGH);
  const isOwn = past.likeThis(0).length >= WEEKS_ENOUGH;
  if (isOwn && (activeShare(past) ?? 0) >= ACTIVE_SHARE) return reach;
  // A silent hour is no reason to shout at the first queries in it: that the hour is unusual is
  // said elsewhere. And a week or two are little to go by.
  return Math.max(reach, quantile(active, 0.5));
}

function learntBeside(past: Past, count: Count): number[] {
  const hours = [-1, 0, 1].flatMap((beside) => past.likeThis(beside));
  return hours.map((hour) => past.learnt(hour, count));
}

/** How the queries of all days deal over the hours of a day (UTC): 24 shares. */
export function activityByHour(past: Past): number[] {
  const byHour = new Array<number>(DAY_HOURS).fill(0);
  for (let at = past.hour - WINDOW_HOURS; at < past.hour; at++) {
    if (past.isWatched(at)) byHour[at % DAY_HOURS]! += past.learnt(at, 'queries');
  }
  const total = sum(byHour);
  return byHour.map((queries) => (total === 0 ? 0 : queries / total));
}

/** The value that `part` of the values do not exceed, rounded up to one that is there. */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) return 0;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(part * (sorted.length - 1))] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

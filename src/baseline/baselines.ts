/**
 * Baselines: counts what each workload does hour by hour, and says when it is more than usual.
 *
 * Part of the recorder: it is given every record (`add`) and every pair that was stored (`stored`),
 * and once a second a moment with the database (`tend`). No query pays for it. While the database
 * cannot be read nothing is known to be usual, and so nothing is told to be unusual.
 */

import {
  AT_ALLOWED,
  AT_DENIED,
  AT_FAILED,
  AT_KIND,
  AT_LAST_MS,
  AT_NXDOMAIN,
  KIND_PAIR,
} from '../events/kinds.ts';
import type { PairGather } from '../history/gather.ts';
import type { KnownPair } from '../history/known.ts';
import { wireToText } from '../history/names.ts';
import type { RecordPlace } from '../history/record.ts';
import type { Workload } from '../history/snapshots.ts';
import { Activity } from './activity.ts';
import { BurnIn, type BurnInSummary } from './burn-in.ts';
import { DAY_HOURS, hourOf, startOf, WEEK_HOURS, WINDOW_HOURS } from './hours.ts';
import type { BaselineSettings } from './settings.ts';
import type { BaselineTable } from './table.ts';
import type { BaselineStats, Unusual, UnusualKind } from './unusual.ts';
import { Past, type Usual, usualOf } from './usual.ts';
import { Watch } from './watch.ts';

/** Between two writes: as much is lost of an hour's counts when the process is killed, ms. */
const WRITE_MS = 30_000;
/**
 * Workloads looked up at a time, about 1 ms each: at the full hour a thousand of them take their
 * turns within 20 s.
 */
const LOOKED_UP_AT_ONCE = 50;
/** Idle hours after which a workload is forgotten here; the database remembers it. */
const IDLE_HOURS = 25;

export interface BaselinesContext {
  /** Settings of a workload by its name. */
  readonly settings: (workload: string) => BaselineSettings;
  readonly tell: (unusual: Unusual) => void;
  readonly tellBurnIn: (end: BurnInSummary) => void;
  /** Runs `work` with the database; false where there is none just now. */
  readonly database: (work: (table: BaselineTable) => void) => boolean;
}

export class Baselines {
  readonly #context: BaselinesContext;
  /** By number of the workload; null for what is no workload of the configuration. */
  readonly #activities: (Activity | null | undefined)[] = [];
  readonly #watch = new Watch();
  readonly #burnIn = new BurnIn();
  #isLoaded = false;
  #writtenMs = Number.NEGATIVE_INFINITY;
  /** Key of the workload whose old hours were forgotten last. */
  #forgotten = 0;

  constructor(context: BaselinesContext) {
    this.#context = context;
  }

  /** Counts a record about `known`. */
  add({ view, at }: RecordPlace, known: KnownPair): void {
    if (view.getUint32(at + AT_KIND, true) !== KIND_PAIR) return;
    const activity = this.#activityOf(known.workload);
    if (activity === null) return;
    const lastMs = view.getFloat64(at + AT_LAST_MS, true);
    const hour = hourOf(lastMs);
    if (hour !== activity.hour) activity.turnTo(hour);
    const { since } = activity;
    const failed = view.getUint32(at + AT_FAILED, true);
    const queries = view.getUint32(at + AT_ALLOWED, true) + failed;
    const nxdomain = view.getUint32(at + AT_NXDOMAIN, true);
    since.queries += queries;
    since.denied += view.getUint32(at + AT_DENIED, true);
    since.failed += failed;
    since.nxdomain += nxdomain;
    activity.lastMs = lastMs;
    countTop(activity, known, queries, nxdomain);
    if (activity.usual === null) return;
    if (activity.isToTell('queries', lastMs)) this.#tell(activity, 'queries');
    if (activity.isToTell('nxdomain', lastMs)) this.#tell(activity, 'nxdomain');
  }

  /**
   * Counts a domain that was stored.
   *
   * @returns whether it is new and its news is held for the end of the workload's burn-in
   */
  stored(pair: PairGather): boolean {
    const activity = this.#activityOf(pair.known.workload);
    if (activity === null) return false;
    const isFresh = pair.isNew && pair.allowed + pair.failed > 0;
    activity.addDomain(pair.lastMs, pair.wasMs, isFresh);
    if (!isFresh) return false;
    const { name } = pair.known.workload;
    const lengthMs = this.#context.settings(name).burnInMs;
    if (Number.isNaN(activity.firstMs)) {
      this.#context.database((table) => this.#lookUp(table, activity));
      if (Number.isNaN(activity.firstMs)) activity.firstMs = pair.firstMs;
    }
    const moment = { atMs: pair.firstMs, lengthMs };
    if (lengthMs > 0 && this.#burnIn.holds(name, activity.firstMs, moment)) return true;
    if (activity.isToTell('fresh', pair.lastMs)) this.#tell(activity, 'fresh');
    return false;
  }

  /** Whether the workload is not usually active at that time; null while nobody knows. */
  isUnusualHour(workload: Workload, ms: number): boolean | null {
    const activity = this.#activityOf(workload);
    if (activity === null || hourOf(ms) !== activity.hour) return null;
    if (activity.usual === null) this.#context.database((table) => this.#lookUp(table, activity));
    return activity.usual?.isUnusualHour ?? null;
  }

  /** Looks up, tells what ended and now and then writes; to be called about once a second. */
  tend(nowMs: number): void {
    this.#load(nowMs);
    this.#watch.tick(nowMs);
    this.#context.database((table) => this.#lookUpSome(table));
    for (const end of this.#burnIn.ended(nowMs)) this.#context.tellBurnIn(end);
    if (Math.abs(nowMs - this.#writtenMs) >= WRITE_MS) this.write(nowMs);
  }

  /** Writes all that is known. */
  write(nowMs: number): void {
    this.#load(nowMs);
    this.#writtenMs = nowMs;
    const activities = this.#activities.filter((one) => one instanceof Activity);
    const added = this.#watch.takeAdded();
    const isDone = this.#context.database((table) => {
      for (const activity of activities) this.#lookUp(table, activity);
      let written: Activity[] = [];
      table.atOnce(() => {
        written = activities.filter((activity) => writeActivity(table, activity));
        for (const hour of added) table.addWatched(hour);
        if (this.#burnIn.isChanged) table.writeBurning(this.#burnIn.rows());
        this.#forgetOld(table, hourOf(nowMs));
      });
      for (const activity of written) activity.written();
    });
    if (isDone) this.#forgetIdle(hourOf(nowMs));
    else this.#watch.giveBack(added);
  }

  stats(nowMs: number): BaselineStats {
    return {
      watchedHours: this.#watch.watchedBefore(hourOf(nowMs)),
      learningHours: this.#context.settings('').learningHours,
      burningIn: this.#burnIn.size,
    };
  }

  #activityOf(workload: Workload): Activity | null {
    const known = this.#activities[workload.number];
    if (known !== undefined) return known;
    // `(unmapped)` is nobody in particular, and has an alert of its own.
    const activity = workload.name.startsWith('(') ? null : new Activity(workload);
    this.#activities[workload.number] = activity;
    return activity;
  }

  /** Takes over what earlier runs saw, when the database can be read. */
  #load(nowMs: number): void {
    if (this.#isLoaded) return;
    this.#isLoaded = this.#context.database((table) => {
      this.#watch.load(table.watched(hourOf(nowMs) - WINDOW_HOURS));
      this.#burnIn.load(table.burning(), this.#context.settings('').burnInMs);
    });
  }

  #lookUpSome(table: BaselineTable): void {
    let left = LOOKED_UP_AT_ONCE;
    for (const activity of this.#activities) {
      if (activity?.usual !== null || activity.hour < 0) continue;
      this.#lookUp(table, activity);
      if (--left === 0) return;
    }
  }

  /** What the database has of the hour that runs, and what is usual in it. */
  #lookUp(table: BaselineTable, activity: Activity): void {
    if (activity.usual !== null || activity.hour < 0) return;
    const { hour, workload } = activity;
    const key = table.workload(workload.name);
    if (key === undefined) return;
    const rows = table.hours(key.id, hour - WINDOW_HOURS, hour);
    const past = new Past(rows, this.#watch.isWatched, hour);
    const usual = usualOf(past, this.#context.settings(workload.name));
    if (Number.isNaN(activity.firstMs)) {
      for (const told of table.told(key.id)) activity.told.set(told.kind, told);
      activity.dayDomains += dayDomainsOf(rows, hour);
    }
    activity.firstMs = key.firstMs;
    activity.usual = usual;
    const own = rows.at(-1);
    if (own?.hour === hour) activity.base.add(own);
  }

  #tell(activity: Activity, kind: UnusualKind): void {
    const { workload, usual, hour, lastMs } = activity;
    if (usual === null || this.#context.settings(workload.name).action === 'off') return;
    activity.told.set(kind, { atMs: lastMs, count: activity.count(kind) });
    this.#context.tell(unusualOf(activity, kind, usual, startOf(hour)));
  }

  /** Old hours of one workload, so that what left the configuration goes with time. */
  #forgetOld(table: BaselineTable, hour: number): void {
    // By what was watched: a clock that is a year ahead for a minute must not forget all.
    const newest = this.#watch.newestBefore(hour);
    if (newest < 0) return;
    const before = newest - WINDOW_HOURS - WEEK_HOURS;
    this.#forgotten = table.workloadAfter(this.#forgotten) ?? 0;
    if (this.#forgotten > 0) table.forgetHours(this.#forgotten, before);
    table.forgetWatched(before);
    this.#watch.forgetBefore(before);
  }

  #forgetIdle(hour: number): void {
    for (const [number, activity] of this.#activities.entries()) {
      if (activity && Math.abs(hour - activity.hour) > IDLE_HOURS) {
        this.#activities[number] = undefined;
      }
    }
  }
}

function countTop(activity: Activity, known: KnownPair, queries: number, nxdomain: number): void {
  if (known.hour !== activity.hour) {
    known.hour = activity.hour;
    known.hourQueries = 0;
    known.hourNxdomain = 0;
  }
  known.hourQueries += queries;
  known.hourNxdomain += nxdomain;
  if (known.hourQueries > (activity.top?.hourQueries ?? 0)) activity.top = known;
  if (known.hourNxdomain > (activity.topNxdomain?.hourNxdomain ?? 0)) activity.topNxdomain = known;
}

/** False where the database has not heard of the workload yet: it waits. */
function writeActivity(table: BaselineTable, activity: Activity): boolean {
  const key = table.workload(activity.workload.name);
  if (key === undefined) return false;
  for (const ended of activity.ended) table.addHour(key.id, ended);
  if (!activity.since.isEmpty) table.addHour(key.id, activity.unwritten());
  for (const [kind, { atMs, count }] of activity.told) table.tell(key.id, { kind, atMs, count });
  return true;
}

function dayDomainsOf(rows: readonly { hour: number; dayDomains: number }[], hour: number): number {
  const day = Math.floor(hour / DAY_HOURS);
  const ofDay = rows.filter((row) => Math.floor(row.hour / DAY_HOURS) === day);
  return Math.max(0, ...ofDay.map((row) => row.dayDomains));
}

function unusualOf(activity: Activity, kind: UnusualKind, usual: Usual, hourMs: number): Unusual {
  const { low, high, limit } = usual[kind];
  const top = kind === 'nxdomain' ? activity.topNxdomain : activity.top;
  const named = kind === 'fresh' ? null : top;
  const domainCount = kind === 'nxdomain' ? named?.hourNxdomain : named?.hourQueries;
  return {
    kind,
    workload: activity.workload.name,
    hourMs,
    atMs: activity.lastMs,
    count: activity.count(kind),
    queries: activity.count('queries'),
    limit,
    low,
    high,
    learntHours: usual.learntHours,
    isByWeek: usual.isByWeek,
    isUnusualHour: usual.isUnusualHour,
    domain: named === null ? '' : wireToText(named.domain),
    domainCount: domainCount ?? 0,
  };
}

/**
 * Judging whether a workload is ready for `enforce`: what was seen and is not covered, and whether
 * the window is long enough to have seen what there is. Says all that stands against it at once.
 */

import type Database from 'better-sqlite3';
import { DAY_HOURS, HOUR_MS, hourOf, WINDOW_HOURS } from '../baseline/hours.ts';
import { BaselineTable } from '../baseline/table.ts';
import { Watch } from '../baseline/watch.ts';
import type { Question } from './ask.ts';
import { collapse } from './collapse.ts';
import { hoursBetween, missedHours, rhythmOf } from './rhythm.ts';
import type { SeenName } from './seen.ts';
import { dateOf, queriesText } from './suspects.ts';

export type RefusalCode = 'window' | 'heard' | 'watched' | 'weekly-job' | 'monthly-job' | 'name';

export interface Refusal {
  readonly code: RefusalCode;
  readonly text: string;
  /** What was seen, where it is about a name. */
  readonly seen: SeenName | null;
}

export interface Judgement {
  readonly refusals: readonly Refusal[];
  /** What does not stand against it, and may surprise. */
  readonly notes: readonly string[];
  /** Names seen in the window, of which rules allow and deny so many. */
  readonly names: number;
  readonly allowed: number;
  readonly denied: number;
}

const DAY_MS = DAY_HOURS * HOUR_MS;
/** A query that came a little after midnight is no reason to wait for a day. */
const LATE_MS = HOUR_MS;

export function judge(question: Question, db: Database.Database): Judgement {
  const names = judgeNames(question);
  const refusals = [...windowRefusals(question, db), ...hourRefusals(question, db)];
  return { ...names, refusals: [...refusals, ...names.refusals] };
}

/** How long somebody looked. */
function windowRefusals(question: Question, db: Database.Database): Refusal[] {
  const { config, window, workload, nowMs } = question;
  const leastMs = config.learn.windowMs;
  const least = `at least ${daysText(leastMs)} (learn.window)`;
  if (nowMs - window.sinceMs < leastMs - LATE_MS) {
    const text = `the window is ${daysText(nowMs - window.sinceMs)} long; ${least}`;
    return [{ code: 'window', text, seen: null }];
  }
  const firstMs = new BaselineTable(db).workload(workload.name)?.firstMs;
  if (firstMs === undefined) {
    return [{ code: 'heard', text: 'the history has never heard of it', seen: null }];
  }
  if (nowMs - firstMs >= leastMs - LATE_MS) return [];
  const from = dateOf(firstMs + leastMs);
  const text = `it was first heard of on ${dateOf(firstMs)}; ${least}: from ${from} on`;
  return [{ code: 'heard', text, seen: null }];
}

/** Hours of the week that the window lacks. */
function hourRefusals({ window, workload, nowMs }: Question, db: Database.Database): Refusal[] {
  const table = new BaselineTable(db);
  const id = table.workload(workload.name)?.id;
  if (id === undefined) return [];
  const { from, to } = hoursBetween(window.sinceMs, Math.min(window.untilMs, nowMs));
  const watch = new Watch();
  watch.load(table.watched(to - WINDOW_HOURS));
  const rows = table.hours(id, to - WINDOW_HOURS, hourOf(nowMs));
  return missedHours({ rows, isWatched: watch.isWatched, from, to }).map(({ kind, text }) =>
    kind === 'unwatched'
      ? { code: 'watched', text: `nobody watched ${text} in the window`, seen: null }
      : {
          code: 'weekly-job',
          text: `a weekly job: active on ${text} in the weeks before, and not in the window`,
          seen: null,
        },
  );
}

function judgeNames(question: Question): Judgement {
  const { engine, seen, window, workload } = question;
  const refusals: Refusal[] = [];
  const notes: string[] = [];
  let [names, allowed, denied, older, partly] = [0, 0, 0, 0, 0];
  for (const one of seen.names(workload.name, { ...window, sinceMs: 0 })) {
    const isInWindow = one.lastMs >= window.sinceMs;
    const { verdict } = engine.ofSeen(one);
    if (isInWindow) names += 1;
    if (isInWindow && engine.isPartly(one)) partly += 1;
    if (verdict === 'allowed') allowed += Number(isInWindow);
    if (verdict === 'denied' || verdict === 'score') denied += Number(isInWindow);
    if (verdict !== 'undecided' || one.allowed + one.failed === 0) continue;
    const refusal = refusalOf(one, isInWindow);
    if (refusal === null) older += 1;
    else if (isUnwritable(one)) notes.push(`${one.name}: will be denied; no pattern can say it`);
    else refusals.push(refusal);
  }
  if (older > 0) notes.push(`${older} names last seen before the window are not covered`);
  if (partly > 0) notes.push(`${partly} names are covered for some types only; see suggest`);
  return { refusals, notes, names, allowed, denied };
}

/** Null for what was seen before the window and shows no rhythm. */
function refusalOf(seen: SeenName, isInWindow: boolean): Refusal | null {
  const below = seen.kind === 'domain' ? ' and names below it that are not known' : '';
  const what = `${seen.name}${below} (${queriesText(seen.queries)}, last ${dateOf(seen.lastMs)})`;
  if (isInWindow) return { code: 'name', text: `not covered: ${what}`, seen };
  const rhythm = rhythmOf(seen);
  if (rhythm === null) return null;
  const days = `${dateOf(seen.firstMs)} to ${dateOf(seen.lastMs)}`;
  const time = new Date(seen.lastMs).toISOString().slice(11, 16);
  const text = `a ${rhythm} job, not in the window and not covered: ${seen.name}`;
  return { code: `${rhythm}-job`, text: `${text} (about ${time} UTC, ${days})`, seen };
}

function isUnwritable(seen: SeenName): boolean {
  return collapse([seen], 0).unwritable.length > 0;
}

function daysText(ms: number): string {
  const days = Math.floor((ms / DAY_MS) * 10) / 10;
  return `${days} ${days === 1 ? 'day' : 'days'}`;
}

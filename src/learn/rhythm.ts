/**
 * Rhythm: names and hours that come back weekly or monthly. The history keeps the first and the
 * last query of a name and their number, not each of them, so a rhythm is inferred: two ends at the
 * same hour of the same day, and few queries between.
 */

import {
  DAY_HOURS,
  HOUR_MS,
  hourOf,
  hourOfWeek,
  WEEK_HOURS,
  WINDOW_HOURS,
} from '../baseline/hours.ts';
import type { HourRow, IsWatched } from '../baseline/usual.ts';
import type { Life } from './collapse.ts';

export type Rhythm = 'weekly' | 'monthly';

const DAY_MS = DAY_HOURS * HOUR_MS;
const WEEK_MS = WEEK_HOURS * HOUR_MS;
/** The shortest month less what a job may start late. */
const MONTH_MS = 28 * DAY_MS - HOUR_MS;
/** Queries of one run: more, and the ends are those of something that never rests. */
const RUN_QUERIES = 50;

/** Null where nothing speaks for one. */
export function rhythmOf({ firstMs, lastMs, queries }: Life): Rhythm | null {
  const spanMs = lastMs - firstMs;
  const isRare = (periodMs: number): boolean =>
    queries > 1 && queries <= RUN_QUERIES * (Math.round(spanMs / periodMs) + 1);
  const isSameDay =
    dayOfMonth(firstMs) === dayOfMonth(lastMs) || (isLast(firstMs) && isLast(lastMs));
  const isSameTime = offBy(spanMs, DAY_MS) <= HOUR_MS;
  if (spanMs >= MONTH_MS && isSameDay && isSameTime && isRare(30 * DAY_MS)) return 'monthly';
  const isWeek = spanMs >= WEEK_MS - HOUR_MS && offBy(spanMs, WEEK_MS) <= HOUR_MS;
  return isWeek && isRare(WEEK_MS) ? 'weekly' : null;
}

/** How far a span is from the nearest multiple. */
function offBy(spanMs: number, ofMs: number): number {
  const rest = spanMs % ofMs;
  return Math.min(rest, ofMs - rest);
}

function dayOfMonth(ms: number): number {
  return new Date(ms).getUTCDate();
}

function isLast(ms: number): boolean {
  return dayOfMonth(ms + DAY_MS) === 1;
}

export interface Activity {
  /** Hours with queries, of the last eight weeks. */
  readonly rows: readonly HourRow[];
  readonly isWatched: IsWatched;
  /** First hour of the window, and the one after its last. */
  readonly from: number;
  readonly to: number;
}

/** Hours of the week that the window lacks, and why. */
export interface Missed {
  /** `unwatched`: nobody saw this hour. `silent`: it was active before, and not in the window. */
  readonly kind: 'unwatched' | 'silent';
  readonly text: string;
}

/** In so many of the weeks before it was active: then it is a habit. */
const HABIT_SHARE = 0.5;
const HABIT_WEEKS = 2;

/** Nothing where no hour was watched at all: then nobody noted it. */
export function missedHours(activity: Activity): Missed[] {
  const { rows, isWatched, from, to } = activity;
  const active = new Set(rows.filter(({ queries }) => queries > 0).map(({ hour }) => hour));
  const oldest = to - WINDOW_HOURS;
  if (to - from < WEEK_HOURS || !someWatched(isWatched, oldest, to)) return [];
  const kinds = Array.from({ length: WEEK_HOURS }, (_, slot) => {
    const hours = hoursOf(slot, Math.max(from, oldest), to);
    if (!hours.some(isWatched)) return 'unwatched' as const;
    const before = hoursOf(slot, oldest, from).filter(isWatched);
    const habit = before.filter((hour) => active.has(hour)).length;
    const isHabit = habit >= HABIT_WEEKS && habit >= before.length * HABIT_SHARE;
    // A job may start a little earlier or later.
    const isThere = hours.some((hour) => [-1, 0, 1].some((beside) => active.has(hour + beside)));
    return isHabit && !isThere ? ('silent' as const) : null;
  });
  return runsOf(kinds);
}

function someWatched(isWatched: IsWatched, from: number, to: number): boolean {
  for (let hour = from; hour < to; hour++) if (isWatched(hour)) return true;
  return false;
}

/** Hours in a range that are this hour of the week. */
function hoursOf(slot: number, from: number, to: number): number[] {
  const hours: number[] = [];
  const first = from + ((slot - hourOfWeek(from) + WEEK_HOURS) % WEEK_HOURS);
  for (let hour = first; hour < to; hour += WEEK_HOURS) hours.push(hour);
  return hours;
}

/** Hours of one kind that follow each other are one. */
function runsOf(kinds: readonly (Missed['kind'] | null)[]): Missed[] {
  const missed: Missed[] = [];
  for (let from = 0; from < kinds.length; ) {
    const kind = kinds[from] ?? null;
    let to = from + 1;
    while (to < kinds.length && kinds[to] === kind) to += 1;
    if (kind !== null) missed.push({ kind, text: `${slotText(from)} to ${slotText(to)} UTC` });
    from = to;
  }
  return missed;
}

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

function slotText(slot: number): string {
  const day = DAYS[Math.floor(slot / DAY_HOURS) % DAYS.length];
  return `${day} ${String(slot % DAY_HOURS).padStart(2, '0')}:00`;
}

export function hoursBetween(sinceMs: number, untilMs: number): { from: number; to: number } {
  return { from: Math.ceil(sinceMs / HOUR_MS), to: hourOf(untilMs) };
}

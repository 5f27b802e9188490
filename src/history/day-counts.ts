/**
 * Day counts: what a pair asked for on each of its last days that are over, packed into its row.
 * Only a pair that is heard on a second day has any: what is not in here belongs to the row's last
 * day, so that a new pair costs nothing. Kept in the row because that is written at that moment
 * anyway: no table more, and nothing to purge.
 */

import { putVarint, Varints } from './varints.ts';

/** Days that are kept of one pair, the last one not counted: 8 octets each. */
const DAYS_KEPT = 31;

/** Allowed, denied, would deny, failed. */
export type FourCounts = readonly [number, number, number, number];

export interface DayCounts {
  /** Since the epoch. */
  readonly day: number;
  readonly counts: FourCounts;
}

export interface PackedDays {
  /** Of days that are no longer kept, and of before days were told apart. */
  readonly before: FourCounts;
  /** In the order of time. */
  readonly days: readonly DayCounts[];
}

/** What a row says of its times and counts. */
export interface DayRow {
  readonly firstDay: number;
  readonly lastDay: number;
  readonly counts: FourCounts;
  readonly days: Uint8Array | null;
}

export const NONE: FourCounts = [0, 0, 0, 0];

/** Every day of a pair that is known by itself, its last one with it. */
export function daysOf({ firstDay, lastDay, counts, days }: DayRow): PackedDays {
  // A row from before this was kept, that was heard on several days: on which, nobody knows.
  if (days === null && firstDay !== lastDay) return { before: counts, days: [] };
  const packed = days === null ? { before: NONE, days: [] } : unpackDays(days);
  const earlier = packed.days.reduce((sum, { counts: of }) => plus(sum, of, 1), packed.before);
  const last = { day: lastDay, counts: plus(counts, earlier, -1) };
  return { before: packed.before, days: [...packed.days, last] };
}

/** What the row says of the days that are asked for; null where it was silent on them. */
export function countsOn(row: DayRow, isAsked: (day: number) => boolean): FourCounts | null {
  // Most pairs have one day only: nothing is unpacked for it.
  if (row.days === null) {
    return row.firstDay === row.lastDay && isAsked(row.lastDay) ? row.counts : null;
  }
  const asked = daysOf(row).days.filter(({ day }) => isAsked(day));
  if (asked.length === 0) return null;
  return asked.reduce((sum, { counts }) => plus(sum, counts, 1), NONE);
}

/** The row's `days` once another day follows its last one. */
export function packDays(row: DayRow): Buffer {
  const { before, days } = daysOf(row);
  const dropped = days.slice(0, Math.max(0, days.length - DAYS_KEPT));
  const kept = days.slice(dropped.length);
  const base = dropped.reduce((sum, { counts }) => plus(sum, counts, 1), before);
  const octets: number[] = [];
  for (const count of base) putVarint(octets, count);
  let day = 0;
  for (const one of kept) {
    putVarint(octets, one.day - day);
    for (const count of one.counts) putVarint(octets, count);
    day = one.day;
  }
  return Buffer.from(octets);
}

function unpackDays(octets: Uint8Array): PackedDays {
  const varints = new Varints(octets);
  const four = (): FourCounts => [varints.next(), varints.next(), varints.next(), varints.next()];
  const before = four();
  const days: DayCounts[] = [];
  for (let day = 0; !varints.isAtEnd; ) {
    day += varints.next();
    days.push({ day, counts: four() });
  }
  return { before, days };
}

export function plus(a: FourCounts, b: FourCounts, sign: 1 | -1): FourCounts {
  return [a[0] + sign * b[0], a[1] + sign * b[1], a[2] + sign * b[2], a[3] + sign * b[3]];
}

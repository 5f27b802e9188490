/**
 * Hours as baselines count them: whole hours since the epoch, UTC.
 *
 * UTC and not local time, because workloads of one network sit in several zones, a zone's rules
 * change, and a day of 25 hours has no place for its last. What a shift of an hour in summer costs
 * is made good by looking at the hours beside, too (usual.ts).
 */

export const HOUR_MS = 3_600_000;
export const DAY_HOURS = 24;
export const WEEK_HOURS = 168;
/** Hours that are looked back at: eight weeks. */
export const WINDOW_HOURS = 8 * WEEK_HOURS;
/** The epoch was a Thursday; hour 0 of the week is Monday 00:00. */
const EPOCH_HOUR_OF_WEEK = 3 * DAY_HOURS;

export function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS);
}

/** 0 is Monday 00:00 to 01:00 UTC, 167 the last hour of Sunday. */
export function hourOfWeek(hour: number): number {
  return (hour + EPOCH_HOUR_OF_WEEK) % WEEK_HOURS;
}

export function startOf(hour: number): number {
  return hour * HOUR_MS;
}

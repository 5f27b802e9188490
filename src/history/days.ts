/**
 * Days as `pair.last_day` counts them: whole days in UTC since the epoch, no calendar.
 */

const DAY_MS = 86_400_000;

/** @param ms since the epoch */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** The first ms after a day. */
export function endOfDay(day: number): number {
  return (day + 1) * DAY_MS;
}

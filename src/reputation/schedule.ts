/** When a feed is fetched next. Spread out, so that a fleet does not ask a server in one second. */

const RETRY_FIRST_MS = 30_000;
const RETRY_DOUBLINGS_MAX = 16;
/** setTimeout counts in 31 bits. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** @param random 0..1, from Math.random or a test */
export function delayAfterSuccess(refreshMs: number, random: number): number {
  return Math.min(DELAY_MAX_MS, refreshMs * (0.9 + random * 0.2));
}

/**
 * 30 s doubled with each failure in a row, never longer than the refresh, of which a random half is
 * taken off.
 *
 * @param failures in a row, 1 or more
 * @param random 0..1
 */
export function delayAfterFailure(failures: number, refreshMs: number, random: number): number {
  const doublings = Math.min(failures - 1, RETRY_DOUBLINGS_MAX);
  const longest = Math.min(DELAY_MAX_MS, refreshMs, RETRY_FIRST_MS * 2 ** doublings);
  return longest * (0.5 + random * 0.5);
}

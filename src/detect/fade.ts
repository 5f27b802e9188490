/** How ledgers fade, for the slow lane; rows.ts does the same in place. */

import { FADE_SECONDS } from './rows.ts';

/** What is left of 1 after `seconds`; of a clock set back, all. */
export function fadeOf(seconds: number): number {
  return seconds <= 0 ? 1 : Math.exp(-seconds / FADE_SECONDS);
}

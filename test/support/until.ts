/** Waiting for what comes of itself: looked for again and again, never for a fixed time. */

import { setTimeout as pause } from 'node:timers/promises';

const LOOK_MS = 10;
const WAIT_MS = 20_000;

/** Asks again and again until the answer is not null. @throws Error that names what never came */
export async function until<T>(
  what: string,
  look: () => T | null | Promise<T | null>,
  waitMs = WAIT_MS,
): Promise<T> {
  const end = performance.now() + waitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await pause(LOOK_MS);
  }
}

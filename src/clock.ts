/**
 * Clock: the time as the fast lane knows it, read once per batch and per turn of the worker's
 * timer.
 *
 * Monotonic time drives TTLs and deadlines, so that a clock jump neither freezes nor empties the
 * store; wall time is only written down.
 */

export class Clock {
  /** Monotonic milliseconds, whole seconds of it (1 or more), and wall clock milliseconds. */
  nowMs = 0;
  nowSeconds = 1;
  wallMs = 0;

  constructor() {
    this.update();
  }

  update(): void {
    this.nowMs = performance.now();
    this.nowSeconds = 1 + Math.floor(this.nowMs / 1000);
    this.wallMs = Date.now();
  }
}

/**
 * What this thread's monotonic milliseconds lack of those that all threads of the machine share:
 * each thread counts from its own start.
 */
export const SHARED_MS = sharedMsNow() - performance.now();

/** Milliseconds of the machine's monotonic clock. */
export function sharedMsNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

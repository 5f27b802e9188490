/**
 * Loaded before the valve (`node --import`) in a run of its own: each thread appends a line for each
 * of its garbage collections to the file that BENCH_GC_FILE names.
 */

import { appendFileSync } from 'node:fs';
import { PerformanceObserver, performance } from 'node:perf_hooks';
import { isMainThread, threadName } from 'node:worker_threads';

/** One collection: when it began, in ms since 1970, and for how long its thread stood still. */
export interface Pause {
  readonly thread: string;
  readonly at: number;
  readonly ms: number;
}

const path = process.env['BENCH_GC_FILE'];
if (path !== undefined) {
  const thread = isMainThread ? 'main' : (threadName ?? '');
  new PerformanceObserver((list) => {
    let lines = '';
    for (const { startTime, duration } of list.getEntries()) {
      const pause: Pause = { thread, at: performance.timeOrigin + startTime, ms: duration };
      lines += `${JSON.stringify(pause)}\n`;
    }
    appendFileSync(path, lines);
  }).observe({ entryTypes: ['gc'] });
}

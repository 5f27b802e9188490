/**
 * Who goes first where processors are short: the threads that answer, then the recorder, then what
 * compiles. Linux keeps a priority per thread, and lowering it needs no privilege.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Steps of nice(2) of a thread that builds tables. */
export const BUILDER_NICE = 10;
/**
 * Of the recorder: a third of the share of a worker while both want the whole core. Mixed load of
 * 20,000 queries a second on one core, together with HELPER_NICE: p99.9 33 ms without, 7 ms with
 * it (Unbound 7 ms in the same minutes; medians of 3).
 */
export const RECORDER_NICE = 5;
/** Of the thread of the query log, which may wait as long as the rings last. */
export const LOGGER_NICE = 5;
/**
 * Of the threads that collect garbage and compile code for all others, four of them: while a feed
 * of 1,000,000 domains was built on the core of a worker, it waited for them as long as for the
 * builder. A lower priority does not end that, for the kernel looks anew every 4 ms only. What
 * it gives without that of the recorder was not measured.
 */
const HELPER_NICE = 10;
/** As V8 names them. */
const HELPER_NAME = 'V8Worker\n';

const TASKS = '/proc/self/task';

/** Puts a thread behind the others: the one that calls, where none is named. */
export function standBack(nice: number, thread = 0): void {
  try {
    setPriority(thread, nice);
  } catch {
    // Where that is forbidden it works all the same.
  }
}

/** Puts the helpers of this process behind its threads; without /proc nothing happens. */
export function helpersStandBack(tasks = TASKS): number[] {
  const helpers = threadsOf(tasks).filter((id) => nameOf(`${tasks}/${id}/comm`) === HELPER_NAME);
  for (const id of helpers) standBack(HELPER_NICE, id);
  return helpers;
}

function threadsOf(tasks: string): number[] {
  try {
    return readdirSync(tasks).map(Number);
  } catch {
    return [];
  }
}

/** Empty for a thread that has just ended. */
function nameOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/**
 * Loaded before the program (`node --import`): the data-plane worker with the number DNSVALVE_CRASH
 * dies by a defect as soon as the file DNSVALVE_CRASH_FILE is there.
 */

import { rmSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

const LOOK_MS = 10;

/** The settings of a data-plane worker have a ring for the query log; no other thread's have. */
function isVictim(data: unknown): boolean {
  const { index, tapRing } = (data ?? {}) as { index?: number; tapRing?: unknown };
  return tapRing !== undefined && String(index) === process.env['DNSVALVE_CRASH'];
}

if (!isMainThread && isVictim(workerData)) {
  setInterval(() => {
    try {
      rmSync(process.env['DNSVALVE_CRASH_FILE'] ?? '');
    } catch {
      return; // not yet
    }
    throw new Error('crash on purpose');
  }, LOOK_MS).unref();
}

/**
 * Main's handle on the thread that takes an evidence snapshot: of a large history it takes a while,
 * and neither a query nor an act of people waits for it.
 */

import { Worker } from 'node:worker_threads';

export interface SnapshotJob {
  /** Main file of the configuration. */
  readonly configPath: string;
  readonly historyPath: string;
  readonly workload: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** A new file, in a folder that is made where there is none. */
  readonly output: string;
}

export interface Snapshot {
  /** Null where there is none. */
  readonly sha256: string | null;
  /** Why there is none, or null. */
  readonly failure: string | null;
}

/** Never rejects. */
export function takeSnapshot(job: SnapshotJob): Promise<Snapshot> {
  return new Promise((resolve) => {
    const failed = (failure: string): void => resolve({ sha256: null, failure });
    const worker = new Worker(new URL('./snapshot-worker.ts', import.meta.url), {
      workerData: job,
      name: 'dnsvalve-evidence',
    });
    worker.once('message', resolve);
    worker.once('error', (error) => failed(error instanceof Error ? error.message : String(error)));
    // After a message the promise is settled, and this does nothing.
    worker.once('exit', (code) => failed(`the thread ended with code ${code}`));
    worker.unref();
  });
}

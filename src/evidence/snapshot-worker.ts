/** Entry of the thread that `snapshot.ts` starts: one bundle, one message back, and it ends. */

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { messageOf } from '../errors.ts';
import { openForReading } from '../history/reader.ts';
import { BUILDER_NICE, standBack } from '../priority.ts';
import { exportBundle } from './export.ts';
import { intoFile } from './file.ts';
import type { Snapshot, SnapshotJob } from './snapshot.ts';

const FOLDER_MODE = 0o750;

async function take(job: SnapshotJob): Promise<Snapshot> {
  const { workload, sinceMs, untilMs, output, historyPath } = job;
  try {
    // The state directory is there; node's own recursive form may never return.
    mkdirSync(dirname(output), { mode: FOLDER_MODE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const db = openForReading(historyPath);
  try {
    const config = configOf(job);
    const { sha256 } = await intoFile(output, (write) =>
      exportBundle({ db, config }, workload, { sinceMs, untilMs }, write),
    );
    return { sha256, failure: null };
  } finally {
    db.close();
  }
}

/** Null while somebody edits the files: what the history knows is kept all the same. */
function configOf({ configPath }: SnapshotJob): Config | null {
  try {
    return loadConfig(configPath);
  } catch {
    return null;
  }
}

standBack(BUILDER_NICE);
parentPort?.postMessage(
  await take(workerData as SnapshotJob).catch(
    (error: unknown): Snapshot => ({ sha256: null, failure: messageOf(error) }),
  ),
);

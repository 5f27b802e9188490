/** Entry of the thread that server/long-known.ts starts: one job, one message back, and it ends. */

import { parentPort, workerData } from 'node:worker_threads';
import { BUILDER_NICE, standBack } from '../priority.ts';
import type { LongKnownJob } from '../server/long-known.ts';
import { setHashKey } from '../wire/hash.ts';
import { longKnown } from './long-known.ts';
import { openForReading } from './reader.ts';

standBack(BUILDER_NICE);
const { path, days, nowMs, key } = workerData as LongKnownJob;
setHashKey(key.k0, key.k1);
const db = openForReading(path);
try {
  parentPort?.postMessage(longKnown(db, days, nowMs));
} finally {
  db.close();
}

/** Entry of the thread that `loader.ts` starts: one job, one message back, and it ends. */

import { parentPort, workerData } from 'node:worker_threads';
import { BUILDER_NICE, standBack } from '../priority.ts';
import { setHashKey } from '../wire/hash.ts';
import { compileFeeds, inspect } from './compile.ts';
import type { LoaderJob } from './loader.ts';

standBack(BUILDER_NICE);
const job = workerData as LoaderJob;
if (job.kind === 'build') {
  setHashKey(job.key.k0, job.key.k1);
  parentPort?.postMessage(compileFeeds(job.inputs, job.feeds));
} else {
  parentPort?.postMessage(inspect(job.input));
}

/** Entry of the thread that `loader.ts` starts: one job, one message back, and it ends. */

import { parentPort, workerData } from 'node:worker_threads';
import { setHashKey } from '../wire/hash.ts';
import { compileFeeds, inspect } from './compile.ts';
import { type LoaderJob, standBack } from './loader.ts';

standBack();
const job = workerData as LoaderJob;
if (job.kind === 'build') {
  setHashKey(job.key.k0, job.key.k1);
  parentPort?.postMessage(compileFeeds(job.inputs, job.feeds));
} else {
  parentPort?.postMessage(inspect(job.input));
}

/** Entry of the thread that `build.ts` starts: one job, one message back, and it ends. */

import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { DnsvalveError, ProblemsError } from '../errors.ts';
import { BUILDER_NICE, standBack } from '../priority.ts';
import { KeptPolicies } from '../reports/kept.ts';
import { policyOf } from '../reports/policy.ts';
import { FeedSet } from '../reputation/refresh.ts';
import { setHashKey } from '../wire/hash.ts';
import type { BuildJob, Built, FromBuild } from './build.ts';
import { compileSnapshot } from './snapshot.ts';

/** The configuration that was built; none where it was refused. */
const built: Config[] = [];

async function build(job: BuildJob): Promise<Built> {
  const { hashKey } = job;
  const startedMs = performance.now();
  setHashKey(hashKey.k0, hashKey.k1);
  const config = loadConfig(job.configPath, job.load);
  const { stateDirectory } = config;
  const feeds = new FeedSet(config.feeds, { stateDirectory, hashKey, compilesHere: true });
  const snapshot = await compileSnapshot(config, job.revision, (rules) => feeds.compile(rules));
  built.push(config);
  return { snapshot, feeds: feeds.progress(), loadMs: performance.now() - startedMs };
}

async function answer(job: BuildJob): Promise<FromBuild> {
  try {
    return { kind: 'built', built: await build(job) };
  } catch (error) {
    if (!(error instanceof DnsvalveError)) throw error;
    const { code, message } = error;
    const problems = error instanceof ProblemsError ? error.problems : null;
    return { kind: 'refused', code, message, problems };
  }
}

const job = workerData as BuildJob;
if (job.isBackground) standBack(BUILDER_NICE);
parentPort?.postMessage(await answer(job));
// After main has what it waits for. That it could not be kept is said by the report that misses it.
for (const config of built) {
  standBack(BUILDER_NICE);
  new KeptPolicies(config.stateDirectory).keep(policyOf(config), Date.now());
}

/**
 * Main's handle on the build thread, which reads a configuration and compiles it whole. A large one
 * takes seconds and hundreds of megabytes; the thread takes both with it when it ends, and alerts,
 * feeds and the control socket never wait for it. The tables come back in shared memory.
 */

import { randomInt } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { LoadOptions } from '../config/load.ts';
import { DnsvalveError, type ErrorCode, type Problem, ProblemsError } from '../errors.ts';
import type { HashKey } from '../reputation/loader.ts';
import type { FeedProgress } from '../reputation/refresh.ts';
import type { Snapshot } from './snapshot.ts';

export interface BuildJob {
  readonly configPath: string;
  readonly load: LoadOptions;
  readonly revision: number;
  readonly hashKey: HashKey;
  /** Let the data plane go first: true for all but the first build, which nobody can overtake. */
  readonly isBackground: boolean;
}

export interface Built {
  readonly snapshot: Snapshot;
  /** What the feeds of the configuration went through, in their order. */
  readonly feeds: readonly FeedProgress[];
  /** Reading and compiling together, ms. */
  readonly loadMs: number;
}

export type FromBuild =
  | { readonly kind: 'built'; readonly built: Built }
  /** An error that a person is told about; classes do not cross threads. */
  | {
      readonly kind: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
      readonly problems: readonly Problem[] | null;
    };

/** The first build, under way, and what every later one takes over from it. */
export interface FirstBuild {
  readonly job: BuildJob;
  readonly built: Promise<Built>;
}

/**
 * Starts the first build, so that it runs while main loads what it needs to serve. The key of all
 * tables is drawn anew at each start, so that nobody outside can know it.
 */
export function firstBuild(configPath: string, load: LoadOptions): FirstBuild {
  const hashKey = { k0: randomInt(2 ** 32), k1: randomInt(2 ** 32) };
  const job = { configPath, load, revision: 1, hashKey, isBackground: false };
  const built = build(job);
  // It may fail before anybody waits for it; who does wait still gets the error.
  built.catch(() => {});
  return { job, built };
}

/** Reads and compiles in a thread of its own. @throws DnsvalveError with all that is wrong */
export async function build(job: BuildJob): Promise<Built> {
  const answer = await new Promise<FromBuild>((resolve, reject) => {
    const worker = new Worker(new URL('./build-worker.ts', import.meta.url), {
      workerData: job,
      name: 'dnsvalve-build',
    });
    const fail = (why: string, cause?: unknown): void =>
      reject(new DnsvalveError('SYSTEM', `compiling the configuration: ${why}`, cause));
    worker.once('message', resolve);
    worker.once('error', (error) => fail(String(error), error));
    // After a message the promise is settled, and this does nothing.
    worker.once('exit', (code) => fail(`the thread ended with code ${code}`));
  });
  if (answer.kind === 'built') return answer.built;
  if (answer.problems !== null) throw new ProblemsError(answer.code, answer.problems);
  throw new DnsvalveError(answer.code, answer.message);
}

/**
 * Parses and compiles feeds in a thread of its own, so that a million-line list never holds up the
 * control plane. The tables come back in shared memory; the text of the feeds is copied once.
 */

import { Worker } from 'node:worker_threads';
import { DnsvalveError } from '../errors.ts';
import {
  type Compiled,
  type FeedInput,
  type FeedReport,
  feedTable,
  type RuleTexts,
} from './compile.ts';
import type { FeedTable } from './memory.ts';

/** The key of `setHashKey`: tables are only readable under the one they were built with. */
export interface HashKey {
  readonly k0: number;
  readonly k1: number;
}

/** What the thread is asked for; see loader-worker.ts. */
export type LoaderJob =
  | {
      readonly kind: 'build';
      readonly inputs: readonly FeedInput[];
      readonly feeds: FeedTable;
      readonly key: HashKey;
    }
  | { readonly kind: 'inspect'; readonly input: FeedInput };

/**
 * `buildReputation` in another thread. The rules are registered here, before it starts.
 *
 * @throws DnsvalveError FEED with more than 255 feeds, SYSTEM when the thread fails
 */
export async function loadReputation(
  inputs: readonly FeedInput[],
  rules: RuleTexts,
  key: HashKey,
): Promise<Compiled> {
  const feeds = feedTable(
    inputs.map(({ feed }) => feed),
    rules,
  );
  return run<Compiled>({ kind: 'build', inputs, feeds, key });
}

/** Parses one feed only to report on it: whether a download may replace the last good one. */
export async function inspectFeed(input: FeedInput): Promise<FeedReport> {
  return run<FeedReport>({ kind: 'inspect', input });
}

function run<Result>(job: LoaderJob): Promise<Result> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./loader-worker.ts', import.meta.url), { workerData: job });
    const fail = (why: string, cause?: unknown): void =>
      reject(new DnsvalveError('SYSTEM', `compiling feeds: ${why}`, cause));
    worker.once('message', resolve);
    worker.once('error', (error) => fail(String(error), error));
    // After a message the promise is settled, and this does nothing.
    worker.once('exit', (code) => fail(`the thread ended with code ${code}`));
  });
}

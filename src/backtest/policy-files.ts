/**
 * Files compiled for a command, exactly as the daemon would, without any daemon: with the lists as
 * they are written, which a snapshot no longer has.
 */

import { type LoadOptions, loadConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { FeedSet } from '../reputation/refresh.ts';
import { compileSnapshot, type Snapshot } from '../server/snapshot.ts';
import { setHashKey } from '../wire/hash.ts';

/** Any key does: the tables live as long as the command. */
const KEY = { k0: 1, k1: 2 };

/** A configuration as its files have it, and the same compiled. */
export interface CompiledPolicy {
  readonly config: Config;
  readonly snapshot: Snapshot;
}

export interface CompileOptions {
  readonly load?: LoadOptions;
  /** Where copies of downloaded feeds are, in place of what the configuration says. */
  readonly stateDirectory?: string;
}

/** @throws ProblemsError with all that is wrong in the configuration, zones, feeds and tests */
export async function compiledPolicy(
  configPath: string,
  { load, stateDirectory }: CompileOptions = {},
): Promise<CompiledPolicy> {
  const config = loadConfig(configPath, load);
  return { config, snapshot: await snapshotFrom(config, stateDirectory) };
}

/**
 * Several in one process have the same key, so that a name is hashed once for all.
 *
 * @param copies where copies of downloaded feeds are
 * @throws ProblemsError with all that is wrong in its zones, feeds and tests
 */
export async function snapshotFrom(
  config: Config,
  copies: string = config.stateDirectory,
): Promise<Snapshot> {
  setHashKey(KEY.k0, KEY.k1);
  const options = { stateDirectory: copies, hashKey: KEY, compilesHere: true };
  const feeds = new FeedSet(config.feeds, options);
  try {
    return await compileSnapshot(config, 1, (rules) => feeds.compile(rules));
  } finally {
    await feeds.stop();
  }
}

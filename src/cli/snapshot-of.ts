/** Compiles a configuration for a command, exactly as the daemon would, without any daemon. */

import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { FeedSet } from '../reputation/refresh.ts';
import { compileSnapshot, type Snapshot } from '../server/snapshot.ts';
import { setHashKey } from '../wire/hash.ts';

/** Any key does: the tables live as long as the command. */
const KEY = { k0: 1, k1: 2 };

/** @throws ProblemsError with all that is wrong in the configuration, zones, feeds and tests */
export async function snapshotOf(configPath: string): Promise<Snapshot> {
  return snapshotFrom(loadConfig(configPath));
}

/** @throws ProblemsError with all that is wrong in its zones, feeds and tests */
export async function snapshotFrom(config: Config): Promise<Snapshot> {
  setHashKey(KEY.k0, KEY.k1);
  const { stateDirectory } = config;
  const feeds = new FeedSet(config.feeds, { stateDirectory, hashKey: KEY, compilesHere: true });
  try {
    return await compileSnapshot(config, 1, (rules) => feeds.compile(rules));
  } finally {
    await feeds.stop();
  }
}

/** Compiles a configuration for a command, exactly as the daemon would, without any daemon. */

import { compiledPolicy, compileHere } from '../backtest/policy-files.ts';
import type { Config } from '../config/types.ts';
import type { Snapshot } from '../server/snapshot.ts';

/** @throws ProblemsError with all that is wrong in the configuration, zones, feeds and tests */
export async function snapshotOf(configPath: string): Promise<Snapshot> {
  return (await compiledPolicy(configPath)).snapshot;
}

/** @throws ProblemsError with all that is wrong in its zones, feeds and tests */
export function snapshotFrom(config: Config): Promise<Snapshot> {
  return compileHere(config, config.stateDirectory);
}

/** Compiles a configuration for a command, exactly as the daemon would, without any daemon. */

import { compiledPolicy } from '../backtest/policy-files.ts';
import type { Snapshot } from '../server/snapshot.ts';

/** @throws ProblemsError with all that is wrong in the configuration, zones, feeds and tests */
export async function snapshotOf(configPath: string): Promise<Snapshot> {
  return (await compiledPolicy(configPath)).snapshot;
}

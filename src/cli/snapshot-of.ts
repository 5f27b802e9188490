/** Compiles a configuration for a command, exactly as the daemon would, without any daemon. */

import { snapshotFrom } from '../backtest/policy-files.ts';
import { loadConfig } from '../config/load.ts';
import type { Snapshot } from '../server/snapshot.ts';

export { snapshotFrom };

/** @throws ProblemsError with all that is wrong in the configuration, zones, feeds and tests */
export async function snapshotOf(configPath: string): Promise<Snapshot> {
  return snapshotFrom(loadConfig(configPath));
}

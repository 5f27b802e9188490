/** What only a restart can change is said at a reload, not silently left. */

import type { Log } from '../log.ts';
import type { RunningConfig } from './snapshot.ts';

const KEYS = ['listen', 'workers', 'cache', 'history', 'control'] as const;

export function warnOfRestart(log: Log, now: RunningConfig, next: RunningConfig): void {
  const keys = KEYS.filter((key) => JSON.stringify(next[key]) !== JSON.stringify(now[key]));
  if (keys.length > 0) log.warn({ keys }, 'these take effect with the next restart');
}

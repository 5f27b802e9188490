/** The audit log of a resolver: opened beside it, and told which policy is in force. */

import { createRequire } from 'node:module';
import { AuditLog, type AuditStats } from '../audit/log.ts';
import { Trail } from '../audit/trail.ts';
import { configurationDigest } from '../config/digest.ts';
import type { Log } from '../log.ts';
import type { Resolver } from './resolver.ts';

/** How long the end of the program waits for the disk. */
const GRACE_MS = 2000;

export interface Audited {
  readonly trail: Trail;
  stats(): AuditStats;
  /** Records the end, and waits until the disk has all that it takes. */
  stop(signal: string): Promise<void>;
}

/** Records the start. Where the log is does not change with a reload. */
export function startAudit(resolver: Resolver, log: Log): Audited {
  const audit = new AuditLog({
    stateDirectory: resolver.snapshot.config.stateDirectory,
    now: Date.now,
    report: (line) => log.error(line),
  });
  const trail = new Trail(audit, () => {
    const { config, memory } = resolver.snapshot;
    return { revision: memory.revision, configuration: configurationDigest(config) };
  });
  trail.started(programVersion());
  return {
    trail,
    stats: () => audit.stats(),
    stop: async (signal) => {
      trail.stopped(signal);
      await audit.close(GRACE_MS);
    },
  };
}

function programVersion(): string {
  const require = createRequire(import.meta.url);
  return (require('../../package.json') as { version: string }).version;
}

/** One bundle: everything that is known about a workload in a window. Changes nothing. */

import type Database from 'better-sqlite3';
import { configurationDigest } from '../config/digest.ts';
import type { Config } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { alertRows, type Window } from './alerts.ts';
import { auditRows, lastPolicy } from './audit.ts';
import { BundleWriter, type PartDigest } from './bundle.ts';
import { configurationRows, feedRows, identityRows, workloadOf } from './configuration.ts';
import { HistoryEvidence } from './history.ts';

export interface Sources {
  readonly db: Database.Database;
  /** Null where only the history is at hand: then the bundle says nothing of the rest. */
  readonly config: Config | null;
}

export interface Exported {
  /** The digest to keep elsewhere. */
  readonly sha256: string;
  readonly parts: readonly PartDigest[];
}

/**
 * @param write gets whole lines
 * @throws DnsvalveError USAGE where nobody has heard of the workload
 */
export async function exportBundle(
  { db, config }: Sources,
  workload: string,
  window: Window,
  write: (text: string) => void,
): Promise<Exported> {
  const feeds = config === null ? [] : await feedRows(config);
  // One transaction: the parts are of the same moment, whatever the daemon writes meanwhile.
  db.prepare('BEGIN').run();
  try {
    const history = new HistoryEvidence(db, workload, window);
    if (!history.isKnown && (config === null || workloadOf(config, workload) === undefined)) {
      const text = `workload "${workload}": neither the history nor the configuration knows it`;
      throw new DnsvalveError('USAGE', text);
    }
    const scope = {
      workload,
      since: new Date(window.sinceMs).toISOString(),
      until: new Date(window.untilMs).toISOString(),
    };
    const audit = config === null ? [] : auditRows(config.stateDirectory, window);
    const writer = new BundleWriter(write);
    writer.part('scope', [scope]);
    writer.part('configuration', config === null ? [] : configurationRows(config, workload));
    writer.part('identity', config === null ? [] : identityRows(config, workload));
    writer.part('feeds', feeds);
    writer.part('policies', history.policies());
    writer.part('audit', audit);
    writer.part('alerts', config === null ? [] : alertRows(config, workload, window));
    writer.part('findings', history.findings());
    writer.part('hours', history.hours());
    writer.part('history', history.pairs());
    return writer.manifest({
      ...scope,
      configuration: config === null ? null : configurationDigest(config),
      policy: lastPolicy(audit),
    });
  } finally {
    db.prepare('COMMIT').run();
  }
}

/**
 * Revisions: what the numbers of a policy revision mean, kept for the records and observations that
 * are still under way when the next one is in force.
 */

import type { Directory } from '../alerts/observe.ts';
import type { RevisionNames } from '../history/messages.ts';
import { type RunningConfig, revisionNames, type Snapshot } from './snapshot.ts';

const KEPT = 64;

export class Revisions {
  readonly #feedNames = new Map<number, readonly string[]>();
  readonly #names = new Map<number, RevisionNames>();

  remember(snapshot: Snapshot): RevisionNames {
    const { revision, reputation } = snapshot.memory;
    this.#feedNames.set(revision, reputation.feeds.names);
    this.#feedNames.delete(revision - KEPT);
    const names = revisionNames(snapshot, Date.now());
    this.#names.set(revision, names);
    this.#names.delete(revision - KEPT);
    return names;
  }

  /** Of those that are kept, the oldest first. */
  names(): Iterable<RevisionNames> {
    return this.#names.values();
  }

  /** Who is who by `config`, and the feeds of every revision that is kept. */
  directory(config: RunningConfig): Directory {
    const workloads = new Map(config.workloads.map((workload) => [workload.name, workload]));
    return {
      describe: (name) => {
        const workload = workloads.get(name);
        return { owner: workload?.owner ?? null, env: workload?.env ?? null };
      },
      feedName: (feed, revision) => this.#feedNames.get(revision)?.[feed - 1] ?? null,
    };
  }
}

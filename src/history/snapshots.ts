/**
 * Names of the last policy snapshots: records carry numbers, and old ones may still be in the rings
 * when a new policy is already in force.
 */

import type { RevisionNames } from './messages.ts';
import type { Facts } from './record.ts';
import type { FactsNames } from './writer.ts';

/** Snapshots remembered; a record older than that is a worker that stood still for 64 reloads. */
const REMEMBERED = 64;

/** Workload name of a record whose snapshot is no longer known. */
export const UNKNOWN_WORKLOAD = '(unknown)';

export class Snapshots implements FactsNames {
  readonly #byRevision = new Map<number, RevisionNames>();

  add(names: RevisionNames): void {
    this.#byRevision.delete(names.revision);
    this.#byRevision.set(names.revision, names);
    const oldest = this.#byRevision.keys().next();
    if (this.#byRevision.size > REMEMBERED && oldest.done !== true) {
      this.#byRevision.delete(oldest.value);
    }
  }

  has(revision: number): boolean {
    return this.#byRevision.has(revision);
  }

  workload(revision: number, id: number): string {
    return this.#byRevision.get(revision)?.workloads[id] ?? UNKNOWN_WORKLOAD;
  }

  rule(facts: Facts): string {
    return this.#byRevision.get(facts.revision)?.rules[facts.rule] ?? '';
  }

  loadedMs(facts: Facts): number {
    return this.#byRevision.get(facts.revision)?.at ?? 0;
  }
}

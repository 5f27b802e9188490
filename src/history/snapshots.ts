/**
 * Names of the last policy snapshots: records carry numbers, and old ones may still be in the rings
 * when a new policy is already in force.
 */

import { Texts } from '../policy/texts.ts';
import type { FactsNames } from './decisions.ts';
import type { RevisionNames } from './messages.ts';
import type { Facts } from './record.ts';

/** Snapshots remembered; a record older than that is a worker that stood still for 64 reloads. */
const REMEMBERED = 64;

/** A workload as records of all snapshots mean it: one object for each name. */
export interface Workload {
  readonly name: string;
  /** Counts up from 0; of this run only. */
  readonly number: number;
}

/** Workload name of a record whose snapshot is no longer known. */
export const UNKNOWN_WORKLOAD = '(unknown)';

interface Snapshot {
  readonly workloads: readonly Workload[];
  readonly rules: Texts;
  readonly at: number;
}

export class Snapshots implements FactsNames {
  readonly #byRevision = new Map<number, Snapshot>();
  /** By name; grows with the names that policies ever had. */
  readonly #workloads = new Map<string, Workload>();

  add(names: RevisionNames): void {
    const workloads = names.workloads.map((name) => this.#workloadOf(name));
    this.#byRevision.delete(names.revision);
    const rules = new Texts(names.rules);
    this.#byRevision.set(names.revision, { workloads, rules, at: names.at });
    const oldest = this.#byRevision.keys().next();
    if (this.#byRevision.size > REMEMBERED && oldest.done !== true) {
      this.#byRevision.delete(oldest.value);
    }
  }

  /** All that were ever heard of. */
  workloads(): Iterable<Workload> {
    return this.#workloads.values();
  }

  has(revision: number): boolean {
    return this.#byRevision.has(revision);
  }

  workload(revision: number, id: number): Workload {
    const known = this.#byRevision.get(revision)?.workloads[id];
    return known ?? this.#workloadOf(UNKNOWN_WORKLOAD);
  }

  rule(facts: Facts): string {
    return this.ruleText(facts.revision, facts.rule);
  }

  ruleText(revision: number, rule: number): string {
    return this.#byRevision.get(revision)?.rules.text(rule) ?? '';
  }

  loadedMs(facts: Facts): number {
    return this.#byRevision.get(facts.revision)?.at ?? 0;
  }

  #workloadOf(name: string): Workload {
    let workload = this.#workloads.get(name);
    if (workload === undefined) {
      workload = { name, number: this.#workloads.size };
      this.#workloads.set(name, workload);
    }
    return workload;
  }
}

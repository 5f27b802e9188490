/**
 * Keys of the rules and policies that decided first queries, remembered while they are the same:
 * most rows of a transaction were decided by few rules of one policy.
 */

import type { Facts } from './record.ts';
import type { Statements } from './statements.ts';

/** Rules whose keys are remembered; a fleet's policy has thousands. */
const RULES_REMEMBERED = 10_000;

/** What a snapshot's numbers mean, where it is still known. */
export interface FactsNames {
  rule(facts: Facts): string;
  /** When the snapshot was made, ms since the epoch; 0 where it is not known. */
  loadedMs(facts: Facts): number;
}

export class Decisions {
  readonly #sql: Statements;
  readonly #names: FactsNames;
  /** The policy that `#policyId` and `#ruleIds` belong to. */
  #revision = -1;
  #loadedMs = -1;
  #policyId = 0;
  readonly #ruleIds = new Map<number, number>();

  constructor(sql: Statements, names: FactsNames) {
    this.#sql = sql;
    this.#names = names;
  }

  /** Keys that a transaction made are gone with it. */
  forget(): void {
    this.#revision = -1;
    this.#loadedMs = -1;
    this.#ruleIds.clear();
  }

  /** Key of the policy that the facts belong to. */
  policyId(facts: Facts): number {
    const loadedMs = Math.floor(this.#names.loadedMs(facts));
    if (facts.revision === this.#revision && loadedMs === this.#loadedMs) return this.#policyId;
    this.#sql.addPolicy.run(facts.revision, loadedMs);
    this.#policyId = this.#sql.findPolicy.get(facts.revision, loadedMs) ?? 0;
    this.#revision = facts.revision;
    this.#loadedMs = loadedMs;
    this.#ruleIds.clear();
    return this.#policyId;
  }

  /** Key of the rule, of the policy of the last `policyId`; 0 for none. */
  ruleId(facts: Facts): number {
    const known = this.#ruleIds.get(facts.rule);
    if (known !== undefined) return known;
    const text = this.#names.rule(facts);
    const id = text === '' ? 0 : this.#sql.ruleKey(text);
    if (this.#ruleIds.size >= RULES_REMEMBERED) this.#ruleIds.clear();
    this.#ruleIds.set(facts.rule, id);
    return id;
  }
}

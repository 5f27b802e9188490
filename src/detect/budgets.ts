/**
 * Budgets: which rule has one, and which account a workload's use of it is. Fast lane; part of the
 * snapshot, written by budget-compile.ts.
 */

import type { TextsMemory } from '../policy/texts.ts';
import { Texts } from '../policy/texts.ts';

/** What crosses threads. Budgets count from 1; 0 is none. */
export interface BudgetsMemory {
  /** By rule id; empty when no rule has a budget. */
  readonly ofRule: Int32Array;
  /** By budget: the limit in units, milliseconds of a cell, seconds of the window. */
  readonly limit: Float64Array;
  readonly cellMs: Float64Array;
  readonly seconds: Int32Array;
  /** By budget: 1 when it only tells. */
  readonly isAlert: Uint8Array;
  /** By budget: its first account, and where its workloads' ranks start; -1 for one workload. */
  readonly first: Int32Array;
  readonly ranksAt: Int32Array;
  /** By workload, for each list that several use: the how-manieth it is; -1 when it does not. */
  readonly ranks: Int32Array;
  /** By workload: 1 when a rule with a budget is for it. */
  readonly holds: Uint8Array;
  /** By account: its row of the accounts, which main gives out; -1 until then. */
  readonly rows: Int32Array;
  /** By account: what it is about, as accounts-keeper.ts knows it again after a restart. */
  readonly keys: TextsMemory;
  /** By budget: `budget of 1kB/h`. */
  readonly texts: TextsMemory;
}

/** Of `denied`: why a name was denied. */
export const IS_USED_UP = 0;
export const IS_NOT_TO_BE_HAD = 1;

export class Budgets {
  readonly memory: BudgetsMemory;
  /** `budget of 1kB/h`, by budget. */
  readonly texts: Texts;
  /** The budget and the row of the query at hand. */
  budget = 0;
  row = -1;
  /** Why it was denied (IS_*), and in how many seconds it could leave. */
  denied = IS_USED_UP;
  freesSeconds = 0;

  constructor(memory: BudgetsMemory) {
    this.memory = memory;
    this.texts = new Texts(memory.texts);
  }

  /** The budget of a rule, 0 for none. */
  of(rule: number): number {
    const { ofRule } = this.memory;
    return rule < ofRule.length ? ofRule[rule]! : 0;
  }

  /** Finds `budget` and `row` of what a workload asks by a rule; false when it has no budget. */
  find(rule: number, workload: number): boolean {
    const budget = this.of(rule);
    this.budget = budget;
    if (budget === 0) return false;
    const { first, ranksAt, ranks, rows } = this.memory;
    const at = ranksAt[budget]!;
    const rank = at === -1 ? 0 : ranks[at + workload]!;
    this.row = rank === -1 ? -1 : rows[first[budget]! + rank]!;
    return true;
  }
}

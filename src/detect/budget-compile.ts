/**
 * Compiles the budgets of rules to the flat tables of budgets.ts: every (workload, rule) that can
 * ever be charged is known when the configuration is, and gets its account here. Control plane,
 * once per reload; the rows of the accounts are given out when it is published.
 */

import type { Budget, Config, Entry, Workload } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { packTexts } from '../policy/rules.ts';
import { CELLS_PER_WINDOW } from './account-row.ts';
import { ACCOUNTS_MAX } from './accounts.ts';
import type { BudgetsMemory } from './budgets.ts';
import { UNITS_PER_OCTET } from './code-lengths.ts';

/** A rule with a budget: its id, and the workloads that may use it (numbers from 1). */
export interface BudgetedRule {
  readonly id: number;
  readonly entry: Entry;
  readonly workloads: readonly number[];
}

/**
 * What an account is about: the same after a reload moved or renumbered the rule. Two rules of one
 * workload that say the same share their account.
 */
export function accountKey(workload: string, { pattern, types }: Entry, budget: Budget): string {
  return JSON.stringify([workload, pattern.text, types, budget.windowMs]);
}

/** @throws DnsvalveError CONFIG when there are more accounts than are kept */
export function compileBudgets(
  { workloads }: Pick<Config, 'workloads'>,
  rules: readonly BudgetedRule[],
): BudgetsMemory {
  const budgeted = rules.flatMap(({ id, entry, workloads }) =>
    entry.budget === null ? [] : [{ id, entry, budget: entry.budget, workloads }],
  );
  const keys: string[] = [];
  const ranks = new Ranks(workloads.length + 1);
  const memory = emptyMemory(budgeted, workloads.length + 1);
  for (const [i, { id, entry, budget, workloads: users }] of budgeted.entries()) {
    const number = i + 1;
    memory.ofRule[id] = number;
    memory.limit[number] = budget.bytes * UNITS_PER_OCTET;
    memory.cellMs[number] = Math.ceil(budget.windowMs / CELLS_PER_WINDOW);
    memory.seconds[number] = budget.windowMs / 1000;
    memory.isAlert[number] = budget.action === 'alert' ? 1 : 0;
    memory.first[number] = keys.length;
    memory.ranksAt[number] = users.length === 1 ? -1 : ranks.of(users);
    for (const user of users) {
      memory.holds[user] = 1;
      keys.push(accountKey(nameOf(workloads, user), entry, budget));
    }
  }
  if (keys.length > ACCOUNTS_MAX) {
    const why = `${keys.length} accounts, one per workload and entry with a budget`;
    throw new DnsvalveError('CONFIG', `budgets: ${why}; ${ACCOUNTS_MAX} are kept`);
  }
  return {
    ...memory,
    ranks: ranks.finish(),
    rows: shared(Int32Array, keys.length).fill(-1),
    keys: packTexts(['', ...keys]),
    texts: packTexts(['', ...budgeted.map(({ budget }) => `budget of ${budget.text}`)]),
  };
}

function nameOf(workloads: readonly Workload[], number: number): string {
  return workloads[number - 1]?.name ?? '';
}

function emptyMemory(budgeted: readonly BudgetedRule[], workloads: number) {
  const count = budgeted.length + 1;
  const lastRule = budgeted.reduce((last, { id }) => Math.max(last, id), -1);
  return {
    ofRule: shared(Int32Array, lastRule + 1),
    limit: shared(Float64Array, count),
    cellMs: shared(Float64Array, count),
    seconds: shared(Int32Array, count),
    isAlert: shared(Uint8Array, count),
    first: shared(Int32Array, count),
    ranksAt: shared(Int32Array, count),
    holds: shared(Uint8Array, workloads),
  };
}

/** For each set of workloads that share rules, the rank of each workload in it. */
class Ranks {
  readonly #workloads: number;
  readonly #starts = new Map<string, number>();
  readonly #ranks: number[] = [];

  constructor(workloads: number) {
    this.#workloads = workloads;
  }

  /** Where the ranks of this set start. */
  of(users: readonly number[]): number {
    const key = users.join();
    const known = this.#starts.get(key);
    if (known !== undefined) return known;
    const start = this.#ranks.length;
    const ranks = new Array<number>(this.#workloads).fill(-1);
    for (const [rank, user] of users.entries()) ranks[user] = rank;
    for (const rank of ranks) this.#ranks.push(rank);
    this.#starts.set(key, start);
    return start;
  }

  finish(): Int32Array {
    const ranks = shared(Int32Array, this.#ranks.length);
    ranks.set(this.#ranks);
    return ranks;
  }
}

interface Shared<T> {
  new (buffer: SharedArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

function shared<T>(type: Shared<T>, length: number): T {
  return new type(new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT));
}

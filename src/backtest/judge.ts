/**
 * Judge: a compiled policy that is asked about names of the history. The engine is the one of the
 * query path; what only a running resolver knows (budgets, what detectors hold against a name) has
 * no part in it.
 */

import type { Config, Entry } from '../config/types.ts';
import { UNMAPPED, UNMAPPED_NAME } from '../identity/workloads.ts';
import { authorize } from '../policy/authorize.ts';
import { Decision } from '../policy/decision.ts';
import { type ExplainedSnapshot, type Explanation, explain } from '../policy/explain.ts';
import { explainable } from '../server/snapshot.ts';
import type { WireName } from '../wire/name.ts';
import { typeFromText } from '../wire/text.ts';
import type { CompiledPolicy } from './policy-files.ts';

export type Outcome = 'allowed' | 'would-deny' | 'denied';

const TYPE_A = typeFromText('A') ?? 1;
const TYPE_AAAA = typeFromText('AAAA') ?? 28;

/** The history does not keep which types a name was asked for: where no rule cares, one will do. */
export const ANY_TYPE = TYPE_A;

export class Judge {
  readonly config: Config;
  /** Of the last `decide`. */
  readonly decision = new Decision();
  readonly view: ExplainedSnapshot;
  readonly #numbers: ReadonlyMap<string, number>;

  constructor({ config, snapshot }: CompiledPolicy) {
    this.config = config;
    this.view = explainable(snapshot.memory);
    const known = config.workloads.map(({ name }, i) => [name, i + 1] as const);
    this.#numbers = new Map([[UNMAPPED_NAME, UNMAPPED], ...known]);
  }

  /** Number of a workload, or undefined where the policy has none of that name. */
  numberOf(workload: string): number | undefined {
    return this.#numbers.get(workload);
  }

  decide(name: WireName, qtype: number, workload: number): Outcome {
    const { decision, view } = this;
    authorize(name, qtype, workload, view, view.localZone(name), decision);
    if (decision.allowed === 0) return 'denied';
    return decision.wouldDeny === 1 ? 'would-deny' : 'allowed';
  }

  /** Whether a rule that names types had a say in the last decision. */
  get isTyped(): boolean {
    return this.view.policy.isTyped;
  }

  explain(name: WireName, qtype: number, workload: number): Explanation {
    return explain(name, qtype, workload, this.view);
  }
}

/** The types to ask about where a rule names types: those of addresses, and those of all rules. */
export function typesOf(...configs: readonly Config[]): readonly number[] {
  const types = new Set([TYPE_A, TYPE_AAAA]);
  for (const entry of configs.flatMap(entriesOf)) {
    for (const type of entry.types ?? []) types.add(type);
  }
  return [...types].sort((a, b) => a - b);
}

/** Whether some rule is for some types only. */
export function namesTypes(config: Config): boolean {
  return entriesOf(config).some(({ types }) => types !== null);
}

function entriesOf({ everyone, bundles, workloads }: Config): Entry[] {
  const lists = [everyone.allow, everyone.deny, ...bundles.map(({ entries }) => entries)];
  for (const { allow, deny } of workloads) lists.push(allow, deny);
  return lists.flat();
}

/** What decided, in a few words: the rule, or the line of the precedence. */
export function saidBy({ rule, steps, reason }: Explanation): string {
  if (rule !== '') return rule;
  return steps.find(({ matched }) => matched)?.step === 9 ? 'no rule names it' : reason;
}

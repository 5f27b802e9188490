/**
 * Usage: which rule let which names of the history through, by the policy as it is now; and which
 * names only the mode lets through. Every name that was asked for counts, also one that was denied
 * then, so that a rule that came since is not called unused.
 */

import { seenOf } from '../backtest/backtest.ts';
import { Judge, typesOf } from '../backtest/judge.ts';
import { readNameText, readReversed } from '../backtest/name-text.ts';
import type { CompiledPolicy } from '../backtest/policy-files.ts';
import type { Seen, SeenName, SeenRow, SeenWindow } from '../learn/seen.ts';
import { WireName } from '../wire/name.ts';
import { typeFromText } from '../wire/text.ts';
import { type DeclaredRule, declaredRules } from './declared.ts';
import { Undeclared } from './undeclared.ts';

export interface Use {
  names: number;
  queries: number;
  lastMs: number;
}

const ADDRESS_TYPES = [typeFromText('A') ?? 1];

export class Usage {
  readonly judge: Judge;
  /** By the numbers of the engine. */
  readonly rules: readonly (DeclaredRule | null)[];
  readonly undeclared = new Undeclared();
  /** Workloads that asked for something. */
  readonly heard = new Set<string>();
  readonly #types: readonly number[];
  /** By workload and rule, see `#key`. */
  readonly #uses = new Map<number, Use>();
  readonly #tested = new Set<number>();
  /** By workload: domains of which names are missing in the history. */
  readonly #partial = new Map<number, Set<string>>();
  readonly #name = new WireName();

  constructor(policy: CompiledPolicy) {
    this.judge = new Judge(policy);
    this.rules = declaredRules(policy.config, (rule) => this.judge.view.ruleText(rule));
    this.#types = typesOf(policy.config);
    for (const [i, { tests }] of policy.config.workloads.entries()) {
      for (const test of tests) this.#noteTest(test.name, test.type, i + 1);
    }
  }

  read(seen: Seen, window: SeenWindow, only: string | null): void {
    // One look at a table for each of millions of rows.
    const numbers = new Map<string, number | null>();
    for (const { workload, seen: row } of seenOf(seen, window, only)) {
      let number = numbers.get(workload);
      if (number === undefined) {
        number = this.judge.numberOf(workload) ?? null;
        numbers.set(workload, number);
        if (number !== null) this.heard.add(workload);
      }
      if (number !== null) this.#add(number, row);
    }
  }

  /** Of a rule by a workload; undefined for none. */
  use(workload: number, rule: number): Use | undefined {
    return this.#uses.get(this.#key(workload, rule));
  }

  /** Whether a policy test expects what this rule allows. */
  isTested(workload: number, rule: number): boolean {
    return this.#tested.has(this.#key(workload, rule));
  }

  /** The domain of which the history does not hold every name, where a rule lies in one. */
  partialDomain(workload: number, { pattern }: DeclaredRule['entry']): string | null {
    const domains = this.#partial.get(workload);
    if (domains === undefined) return null;
    const labels = pattern.name.split('.');
    const above = labels.map((_, i) => labels.slice(i).join('.'));
    return above.find((name) => domains.has(name)) ?? null;
  }

  #key(workload: number, rule: number): number {
    return workload * this.rules.length + rule;
  }

  #noteTest(text: string, type: number, workload: number): void {
    if (!readNameText(text, this.#name)) return;
    this.judge.decide(this.#name, type, workload);
    this.#tested.add(this.#key(workload, this.judge.decision.rule));
  }

  #add(workload: number, seen: SeenRow): void {
    if (seen.kind === 'name') {
      if (!this.#isDeclaredName(workload, seen) && seen.queries !== seen.denied) {
        this.undeclared.add(workload, seen);
      }
      return;
    }
    this.#notePartial(workload, seen.domain);
    const texts = [`_.${seen.domain}`, seen.domain];
    const isDeclared = texts.map((text) => this.#isDeclared(text, workload, seen));
    if (!isDeclared.includes(false) || seen.queries === seen.denied) return;
    this.undeclared.add(workload, seen);
  }

  #notePartial(workload: number, domain: string): void {
    const domains = this.#partial.get(workload);
    if (domains === undefined) this.#partial.set(workload, new Set([domain]));
    else domains.add(domain);
  }

  #isDeclaredName(workload: number, seen: SeenRow): boolean {
    return !readReversed(seen.reversed, this.#name) || this.#isDeclaredNow(workload, seen);
  }

  #isDeclared(text: string, workload: number, seen: SeenName): boolean {
    return !readNameText(text, this.#name) || this.#isDeclaredNow(workload, seen);
  }

  /** False where the mode alone lets the name that was read through, whatever the type. */
  #isDeclaredNow(workload: number, seen: SeenName): boolean {
    const first = this.#decide(ADDRESS_TYPES[0] ?? 1, workload, seen);
    if (!this.judge.isTyped) return first !== 'would-deny';
    const outcomes = [first];
    // Which types were asked for is not kept: a rule for any of them may be what was used.
    for (const type of this.#types) outcomes.push(this.#decide(type, workload, seen));
    return outcomes.includes('allowed') || !outcomes.includes('would-deny');
  }

  #decide(type: number, workload: number, seen: SeenName): string {
    const outcome = this.judge.decide(this.#name, type, workload);
    const { rule } = this.judge.decision;
    if (rule === 0 || rule >= this.rules.length) return outcome;
    const key = this.#key(workload, rule);
    const use = this.#uses.get(key);
    if (use === undefined) {
      this.#uses.set(key, { names: 1, queries: seen.queries, lastMs: seen.lastMs });
      return outcome;
    }
    use.names++;
    use.queries += seen.queries;
    use.lastMs = Math.max(use.lastMs, seen.lastMs);
    return outcome;
  }
}

/**
 * Compiles the lists of a configuration to the flat tables of suffixes.ts. Runs in the control
 * plane, once per reload; no query sees anything of it before the snapshot is swapped.
 *
 * The hash key of this thread must be the one that the readers use.
 */

import type { Config, Entry, Workload } from '../config/types.ts';
import type { BudgetedRule } from '../detect/budget-compile.ts';
import { DnsvalveError } from '../errors.ts';
import { FingerprintsBuilder } from '../fingerprints.ts';
import { TYPE_ANY } from '../wire/constants.ts';
import { readName, WireName } from '../wire/name.ts';
import { type Rules, ruleText } from './rules.ts';
import {
  ENTRY_WORDS,
  IS_DENY,
  IS_LAST,
  MASK_LABELS_MAX,
  MATCHES_BELOW,
  MATCHES_EXACT,
  type PolicyMemory,
  SCOPE_NONE,
  scopeHigh,
  scopeLow,
} from './suffixes.ts';

const KIND_BITS = {
  exact: MATCHES_EXACT,
  below: MATCHES_BELOW,
  both: MATCHES_EXACT | MATCHES_BELOW,
} as const;

/**
 * Exact before the others: inside one suffix the more specific entry names the decision. Entries of
 * one rank keep the order of the configuration.
 */
const KIND_ORDER = { exact: 0, both: 1, below: 1 } as const;

/** How a list is called in rule texts, and whether its entries deny. */
interface List {
  readonly name: string;
  readonly deny: boolean;
}

interface Rule {
  readonly entry: Entry;
  readonly id: number;
  readonly deny: boolean;
}

/** The rules of one scope by the name they stand at, in the order of the configuration. */
type Scope = ReadonlyMap<string, Rule[]>;

/**
 * Compiles every list. Workloads that use the same set of bundles share one scope.
 *
 * @param rules gets one text per entry of the configuration
 * @param budgeted gets the rules that have a budget, with the workloads that they are for
 * @throws DnsvalveError CONFIG when a workload uses a bundle that does not exist
 */
export function compilePolicy(
  config: Config,
  rules: Rules,
  budgeted: BudgetedRule[] = [],
): PolicyMemory {
  // Indexes SCOPE_NONE and SCOPE_EVERYONE.
  const denied = register({ name: 'everyone.deny', deny: true }, config.everyone.deny, rules);
  const everyone = register({ name: 'everyone.allow', deny: false }, config.everyone.allow, rules);
  noteBudgets(everyone, () => config.workloads.map((_, i) => i + 1), budgeted);
  const scopes: Scope[] = [new Map(), scopeOf([...denied, ...everyone])];
  const bundles = new Map<string, Rule[]>();
  for (const { name, entries } of config.bundles) {
    const registered = register({ name: `bundle ${name}`, deny: false }, entries, rules);
    bundles.set(name, registered);
    noteBudgets(registered, () => usersOf(name, config), budgeted);
  }
  const bundleSets = new Map<string, number>();
  // Index 0, the unmapped source, keeps SCOPE_NONE.
  const ownScope = sharedInt32(config.workloads.length + 1);
  const bundleScope = sharedInt32(config.workloads.length + 1);
  for (const [i, workload] of config.workloads.entries()) {
    const deny = register({ name: 'deny', deny: true }, workload.deny, rules);
    const allow = register({ name: 'allow', deny: false }, workload.allow, rules);
    noteBudgets(allow, () => [i + 1], budgeted);
    ownScope[i + 1] = addScope(scopes, [...deny, ...allow]);
    const used = [...new Set(workload.use)].sort();
    const key = JSON.stringify(used);
    const shared = bundleSets.get(key) ?? addScope(scopes, unionOf(used, bundles, workload));
    bundleSets.set(key, shared);
    bundleScope[i + 1] = shared;
  }
  return { ...writeTables(scopes), ownScope, bundleScope };
}

/** Gives every entry of a list its rule id. */
function register(list: List, entries: readonly Entry[], rules: Rules): Rule[] {
  return entries.map((entry) => ({
    entry,
    id: rules.add(ruleText(list.name, entry)),
    deny: list.deny,
  }));
}

function noteBudgets(
  list: readonly Rule[],
  workloads: () => readonly number[],
  budgeted: BudgetedRule[],
): void {
  const found = list.filter(({ entry }) => entry.budget !== null);
  if (found.length === 0) return;
  const users = workloads();
  for (const { id, entry } of found) budgeted.push({ id, entry, workloads: users });
}

function usersOf(bundle: string, config: Config): number[] {
  return config.workloads.flatMap(({ use }, i) => (use.includes(bundle) ? [i + 1] : []));
}

function unionOf(
  used: readonly string[],
  bundles: ReadonlyMap<string, Rule[]>,
  workload: Workload,
): Rule[] {
  return used.flatMap((name) => {
    const rules = bundles.get(name);
    if (rules === undefined) {
      throw new DnsvalveError('CONFIG', `workload ${workload.name}: no bundle "${name}"`);
    }
    return rules;
  });
}

function scopeOf(rules: readonly Rule[]): Scope {
  const scope = new Map<string, Rule[]>();
  for (const rule of rules) {
    const there = scope.get(rule.entry.pattern.name);
    if (there === undefined) scope.set(rule.entry.pattern.name, [rule]);
    else there.push(rule);
  }
  return scope;
}

function addScope(scopes: Scope[], rules: readonly Rule[]): number {
  return rules.length === 0 ? SCOPE_NONE : scopes.push(scopeOf(rules)) - 1;
}

function writeTables(scopes: readonly Scope[]): Omit<PolicyMemory, 'ownScope' | 'bundleScope'> {
  const suffixes = new FingerprintsBuilder(scopes.reduce((sum, scope) => sum + scope.size, 0));
  const denyMask = sharedInt32(scopes.length);
  const allowMask = sharedInt32(scopes.length);
  const entries: number[] = [];
  const types: number[] = [];
  const name = new WireName();
  for (const [number, scope] of scopes.entries()) {
    for (const [text, group] of scope) {
      readGroupName(text, group, name);
      const low = (name.low[0] ?? 0) ^ scopeLow(number);
      const high = (name.high[0] ?? 0) ^ scopeHigh(number);
      // Once in 2^64 pairs, and a restart draws another key (fail closed).
      if (suffixes.get(low, high) !== 0) throw new Error(`the hash of "${text}" is taken`);
      suffixes.set(low, high, entries.length / ENTRY_WORDS + 1);
      writeEntries(group, entries, types);
      const bit = 1 << Math.min(name.labelCount, MASK_LABELS_MAX);
      for (const rule of group) {
        const mask = rule.deny ? denyMask : allowMask;
        mask[number] = (mask[number] ?? 0) | bit;
      }
    }
  }
  return {
    suffixes: suffixes.finish(),
    entries: sharedInt32(entries.length, entries),
    types: sharedUint16(types),
    denyMask,
    allowMask,
  };
}

function readGroupName(text: string, group: readonly Rule[], name: WireName): void {
  const wire = group[0]?.entry.pattern.wire ?? new Uint8Array(0);
  if (readName(wire, 0, wire.length, name) !== wire.length) {
    throw new Error(`pattern "${text}" is not a wire name`);
  }
}

/** Writes the entries of one suffix and scope, without those that an earlier one always answers. */
function writeEntries(group: readonly Rule[], entries: number[], types: number[]): void {
  const kept: Rule[] = [];
  const ordered = group.toSorted(
    (a, b) => KIND_ORDER[a.entry.pattern.kind] - KIND_ORDER[b.entry.pattern.kind],
  );
  for (const rule of ordered) if (!kept.some((earlier) => covers(earlier, rule))) kept.push(rule);
  for (const [i, rule] of kept.entries()) {
    const last = i === kept.length - 1 ? IS_LAST : 0;
    const bits = KIND_BITS[rule.entry.pattern.kind] | (rule.deny ? IS_DENY : 0) | last;
    const start = types.length;
    types.push(...typesOf(rule));
    entries.push(bits, start, types.length, rule.id);
  }
}

/** Whether `rule` can never be the one that names a decision, because `earlier` always does. */
function covers(earlier: Rule, rule: Rule): boolean {
  const bits = KIND_BITS[rule.entry.pattern.kind];
  if (earlier.deny !== rule.deny) return false;
  if ((KIND_BITS[earlier.entry.pattern.kind] & bits) !== bits) return false;
  if (earlier.entry.types === null) return true;
  const held = earlier.entry.types;
  return rule.entry.types?.every((type) => held.includes(type)) ?? false;
}

/**
 * The types an entry is limited to; none for all. A deny that names types also holds for ANY, whose
 * answer may carry them (fail closed); an allow that names types does not.
 */
function typesOf(rule: Rule): readonly number[] {
  if (rule.entry.types === null) return [];
  return rule.deny ? [...rule.entry.types, TYPE_ANY] : rule.entry.types;
}

function sharedInt32(length: number, values: readonly number[] = []): Int32Array {
  const array = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  array.set(values);
  return array;
}

function sharedUint16(values: readonly number[]): Uint16Array {
  const array = new Uint16Array(
    new SharedArrayBuffer(values.length * Uint16Array.BYTES_PER_ELEMENT),
  );
  array.set(values);
  return array;
}

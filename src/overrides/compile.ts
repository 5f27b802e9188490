/**
 * Compiles what is in force to the flat tables of memory.ts. Runs in the control plane, whenever
 * an override or the policy changes.
 *
 * The hash key of this thread must be the one that the readers use. An override of a workload that
 * the policy does not have is left out: it applies again when the workload is back.
 */

import type { Pattern } from '../config/types.ts';
import { FingerprintsBuilder } from '../fingerprints.ts';
import {
  IS_LAST,
  MASK_LABELS_MAX,
  MATCHES_BELOW,
  MATCHES_EXACT,
  scopeHigh,
  scopeLow,
} from '../policy/suffixes.ts';
import { readName, WireName } from '../wire/name.ts';
import {
  ENTRY_WORDS,
  type OverridesMemory,
  SCOPE_DOMAINS,
  SCOPE_NOTHING,
  type SlotsMemory,
} from './memory.ts';
import type { ActiveException, Overrides } from './override.ts';

const KIND_BITS = {
  exact: MATCHES_EXACT,
  below: MATCHES_BELOW,
  both: MATCHES_EXACT | MATCHES_BELOW,
} as const;

/** What the tables say beside the patterns. */
export interface CompileContext {
  /** The workloads of the policy; number 1 is the first. */
  readonly workloads: readonly string[];
  /** The first rule of an override, and how many rules of overrides have been given out. */
  readonly firstRule: number;
  ruleCount(): number;
  /** The rule with this text. */
  ruleOf(text: string): number;
  /** The slot of an exception; -1 when there is none to be had, and it stays closed. */
  slotOf(exception: ActiveException): number;
  readonly slots: SlotsMemory;
}

interface Entry {
  readonly pattern: Pattern;
  readonly types: readonly number[] | null;
  readonly rule: number;
}

type Scope = Entry[];

/** The scopes by their number, and which of them a workload has. */
class Scopes {
  readonly all: Scope[] = [];

  add(entries: Scope): number {
    return entries.length === 0 ? SCOPE_NOTHING : this.all.push(entries) - 1;
  }
}

export function compileOverrides(
  { exceptions, quarantines }: Overrides,
  context: CompileContext,
): OverridesMemory {
  const numbers = new Map(context.workloads.map((name, i) => [name, i + 1]));
  const count = context.workloads.length + 1;
  const scopes = new Scopes();
  scopes.all[SCOPE_NOTHING] = [];
  const domains = quarantines.flatMap(({ pattern, text }): Scope => {
    return pattern === null ? [] : [{ pattern, types: null, rule: context.ruleOf(text) }];
  });
  scopes.all[SCOPE_DOMAINS] = domains;
  const slotByRule = new Map<number, number>();
  const above: Scope[] = [];
  const below: Scope[] = [];
  for (const exception of exceptions) {
    const workload = numbers.get(exception.workload);
    const slot = workload === undefined ? -1 : context.slotOf(exception);
    if (workload === undefined || slot === -1) continue;
    const rule = context.ruleOf(exception.text);
    slotByRule.set(rule, slot);
    const side = exception.overridesFeeds ? above : below;
    side[workload] ??= [];
    side[workload].push({ pattern: exception.pattern, types: exception.types, rule });
  }
  const contained = compileContained(quarantines, numbers, context, scopes);
  const scopesOf = (side: readonly Scope[]): Int32Array =>
    shared(Array.from({ length: count }, (_, workload) => scopes.add(side[workload] ?? [])));
  const aboveFeeds = scopesOf(above);
  const belowFeeds = scopesOf(below);
  const ruleCount = context.ruleCount();
  const slotOf = Array.from(
    { length: ruleCount },
    (_, i) => slotByRule.get(context.firstRule + i) ?? -1,
  );
  return {
    ...writeTables(scopes.all),
    aboveFeeds,
    belowFeeds,
    ...contained,
    firstRule: context.firstRule,
    slotOf: shared(slotOf),
    slots: context.slots,
    exceptionCount: slotByRule.size,
    domainCount: domains.length,
  };
}

function compileContained(
  quarantines: Overrides['quarantines'],
  numbers: ReadonlyMap<string, number>,
  context: CompileContext,
  scopes: Scopes,
): Pick<OverridesMemory, 'contained' | 'quarantines' | 'containedCount'> {
  const byWorkload = new Map<number, { rule: number; lifelines: number }[]>();
  for (const { workload, lifelines, text } of quarantines) {
    const number = workload === null ? undefined : numbers.get(workload);
    if (number === undefined) continue;
    const rule = context.ruleOf(text);
    const scope = scopes.add(lifelines.map((pattern) => ({ pattern, types: null, rule })));
    const there = byWorkload.get(number) ?? [];
    there.push({ rule, lifelines: scope });
    byWorkload.set(number, there);
  }
  const contained = new Array<number>(numbers.size + 1).fill(0);
  const words: number[] = [];
  let index = 0;
  for (const [number, list] of byWorkload) {
    contained[number] = index + 1;
    for (const [i, { rule, lifelines }] of list.entries()) {
      words.push(rule, lifelines, i === list.length - 1 ? 1 : 0);
      index++;
    }
  }
  return { contained: shared(contained), quarantines: shared(words), containedCount: index };
}

function writeTables(
  scopes: readonly Scope[],
): Pick<OverridesMemory, 'suffixes' | 'entries' | 'types' | 'masks'> {
  const groups = scopes.map((scope) => Map.groupBy(scope, ({ pattern }) => pattern.name));
  const suffixes = new FingerprintsBuilder(groups.reduce((sum, group) => sum + group.size, 0));
  const masks = new Array<number>(scopes.length).fill(0);
  const entries: number[] = [];
  const types: number[] = [];
  const name = new WireName();
  for (const [number, group] of groups.entries()) {
    for (const [text, list] of group) {
      const wire = list[0]?.pattern.wire ?? new Uint8Array(0);
      if (readName(wire, 0, wire.length, name) !== wire.length) {
        throw new Error(`pattern "${text}" is not a wire name`);
      }
      const low = (name.low[0] ?? 0) ^ scopeLow(number);
      const high = (name.high[0] ?? 0) ^ scopeHigh(number);
      // Once in 2^64 pairs, and a restart draws another key (fail closed).
      if (suffixes.get(low, high) !== 0) throw new Error(`the hash of "${text}" is taken`);
      suffixes.set(low, high, entries.length / ENTRY_WORDS + 1);
      masks[number] = (masks[number] ?? 0) | (1 << Math.min(name.labelCount, MASK_LABELS_MAX));
      writeEntries(list, entries, types);
    }
  }
  return {
    suffixes: suffixes.finish(),
    entries: shared(entries),
    types: sharedTypes(types),
    masks: shared(masks),
  };
}

/** The exact ones first. All are kept: one that another covers may outlast it. */
function writeEntries(list: readonly Entry[], entries: number[], types: number[]): void {
  const ordered = list.toSorted(
    (a, b) => Number(b.pattern.kind === 'exact') - Number(a.pattern.kind === 'exact'),
  );
  for (const [i, { pattern, types: limit, rule }] of ordered.entries()) {
    const start = types.length;
    types.push(...(limit ?? []));
    const last = i === ordered.length - 1 ? IS_LAST : 0;
    entries.push(KIND_BITS[pattern.kind] | last, start, types.length, rule);
  }
}

function shared(values: readonly number[]): Int32Array {
  const array = new Int32Array(new SharedArrayBuffer(values.length * Int32Array.BYTES_PER_ELEMENT));
  array.set(values);
  return array;
}

function sharedTypes(values: readonly number[]): Uint16Array {
  const array = new Uint16Array(
    new SharedArrayBuffer(values.length * Uint16Array.BYTES_PER_ELEMENT),
  );
  array.set(values);
  return array;
}

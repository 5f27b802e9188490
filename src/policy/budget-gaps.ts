/**
 * Where a budget does not hold what a reader of the configuration may think: names under its suffix
 * that another entry lets out without one. The budget is of the rule that decides, and a more exact
 * rule, or one of an earlier list, decides first; so these are warnings, not errors.
 */

import { placeText } from '../config/check.ts';
import type { Config, Entry } from '../config/types.ts';
import type { Problem } from '../errors.ts';

/** An entry in the order in which a workload's lists are asked. */
interface Ranked {
  readonly entry: Entry;
  /** 0 for its own list, 1 for its bundles, 2 for everyone's. */
  readonly list: number;
  readonly index: number;
}

/** Every gap once, however many workloads have it. */
export function budgetWarnings(config: Config): Problem[] {
  const found = new Map<string, Problem>();
  for (const entry of allowingEntries(config)) {
    const problem = sharedWithoutBudget(entry);
    if (problem !== null) found.set(placeText(entry.at), problem);
  }
  if (!allowingEntries(config).some(({ budget }) => budget !== null)) return [...found.values()];
  const bundles = new Map(config.bundles.map(({ name, entries }) => [name, entries]));
  for (const { allow, use } of config.workloads) {
    const used = [...new Set(use)].sort().flatMap((name) => bundles.get(name) ?? []);
    const lists = [allow, used, config.everyone.allow];
    const all = lists.flatMap((entries, list) =>
      entries.map((entry, index): Ranked => ({ entry, list, index })),
    );
    for (const [budgeted, open] of gapsOf(all)) {
      const key = `${placeText(budgeted.at)} ${placeText(open.at)}`;
      if (!found.has(key)) found.set(key, gapProblem(budgeted, open));
    }
  }
  return [...found.values()];
}

function* allowingEntries(config: Config): Generator<Entry> {
  for (const { entries } of config.bundles) yield* entries;
  yield* config.everyone.allow;
  for (const { allow } of config.workloads) yield* allow;
}

function sharedWithoutBudget({ pattern, sharedSuffix, budget, at }: Entry): Problem | null {
  if (!sharedSuffix || budget !== null || pattern.kind === 'exact') return null;
  const why = 'any stranger can get a name under it, and nothing limits what leaves in names';
  return { ...at, path: 'shared_suffix', message: `"${pattern.text}": ${why}; give it a budget` };
}

function gapProblem(budgeted: Entry, open: Entry): Problem {
  const other = `"${open.pattern.text}" at ${placeText(open.at)}`;
  const message = `"${budgeted.pattern.text}": ${other} lets names under it leave without a budget`;
  return { ...budgeted.at, path: 'budget', message };
}

/** Pairs of an entry with a budget and one without, whose names the first does not hold. */
function gapsOf(all: readonly Ranked[]): [Entry, Entry][] {
  const budgeted = all.filter(({ entry }) => entry.budget !== null);
  if (budgeted.length === 0) return [];
  const open = all.filter(({ entry }) => entry.budget === null && entry.pattern.kind !== 'exact');
  const gaps: [Entry, Entry][] = [];
  const take = (mine: Ranked, other: Ranked): void => {
    if (isGap(mine, other)) gaps.push([mine.entry, other.entry]);
  };
  // Each walks up from its own name: there can be 200,000 entries.
  const byName = Map.groupBy(budgeted, ({ entry }) => entry.pattern.name);
  for (const other of open) {
    for (const name of suffixesOf(other.entry.pattern.name)) {
      for (const mine of byName.get(name) ?? []) take(mine, other);
    }
  }
  const openByName = Map.groupBy(open, ({ entry }) => entry.pattern.name);
  for (const mine of budgeted) {
    for (const name of suffixesOf(mine.entry.pattern.name).slice(1)) {
      for (const other of openByName.get(name) ?? []) take(mine, other);
    }
  }
  return gaps;
}

/** A name and all that are above it, longest first. */
function suffixesOf(name: string): string[] {
  const labels = name.split('.');
  return labels.map((_, i) => labels.slice(i).join('.'));
}

/** Whether the entry without a budget decides about names under the suffix of the other. */
function isGap(mine: Ranked, other: Ranked): boolean {
  const { pattern, types } = mine.entry;
  const name = other.entry.pattern.name;
  const isBelow = name.length > pattern.name.length;
  if (pattern.kind === 'exact' && (isBelow || name === pattern.name)) return false;
  if (other.list !== mine.list) return other.list < mine.list || types !== null;
  if (isBelow) return true;
  // Types that the one with the budget does not name fall to the other.
  return types !== null || (name === pattern.name && other.index < mine.index);
}

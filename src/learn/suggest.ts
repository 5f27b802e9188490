/**
 * Suggest: from what a workload was seen to ask for, the entries that its policy lacks. What it
 * says is asked of the engine before it is given out, so that nothing that it was made of is denied
 * by it.
 */

import { parsePattern } from '../config/pattern.ts';
import type { Config, Entry, Workload } from '../config/types.ts';
import { type Collapsed, collapse } from './collapse.ts';
import type { Engine } from './engine.ts';
import type { Flags } from './flags.ts';
import type { SeenName } from './seen.ts';
import { type Covered, type LeftOut, type SortContext, sortSeen } from './sort.ts';

export interface SuggestedEntry extends Collapsed {
  /** What to know before it is used. */
  readonly flags: readonly string[];
}

export interface Suggestion {
  readonly entries: readonly SuggestedEntry[];
  readonly covered: readonly Covered[];
  readonly leftOut: readonly LeftOut[];
  /** Names that were seen. */
  readonly count: number;
}

export interface SuggestContext extends SortContext {
  readonly workload: string;
  readonly config: Config;
  readonly flags: Flags;
  readonly spanMs: number;
  /** The engine with another configuration. */
  readonly engineOf: (config: Config) => Promise<Engine>;
}

/** Rounds in which what a wildcard does not open is named one by one. */
const ROUNDS = 2;

export async function suggest(
  names: Iterable<SeenName>,
  context: SuggestContext,
): Promise<Suggestion> {
  const sorted = sortSeen(names, context);
  const { patterns, unwritable } = collapse(sorted.open, context.spanMs);
  const leftOut: LeftOut[] = [...sorted.leftOut, ...unwritable.map(unwritableOf)];
  let entries = [...patterns];
  for (let round = 0; round < ROUNDS; round++) {
    const denied = await deniedOf(entries, context);
    if (denied.length === 0) break;
    const left = round === ROUNDS - 1 ? denied : denied.filter(({ kind }) => kind === 'domain');
    entries = without(entries, new Set(left));
    leftOut.push(...left.map(stillDenied));
    if (round < ROUNDS - 1)
      entries.push(...denied.filter((seen) => !left.includes(seen)).map(named));
  }
  return {
    entries: entries
      .map((entry) => ({ ...entry, flags: context.flags.of(entry) }))
      .toSorted((a, b) => (keyOf(a.pattern) < keyOf(b.pattern) ? -1 : 1)),
    covered: sorted.covered,
    leftOut,
    count: sorted.count,
  };
}

/** Names that the configuration with these entries would deny all the same. */
async function deniedOf(
  entries: readonly Collapsed[],
  context: SuggestContext,
): Promise<SeenName[]> {
  const engine = await context.engineOf(withEntries(context.config, context.workload, entries));
  const seen = entries.flatMap((entry) => entry.seen);
  return seen.filter((one) => engine.ofSeen(one).verdict !== 'allowed');
}

/**
 * The configuration with these patterns in the allowlist of a workload. Without policy tests: they
 * judge a policy that somebody wrote, and a suggestion is asked about first.
 */
export function withEntries(
  config: Config,
  workload: string,
  entries: readonly { readonly pattern: string }[],
): Config {
  const changed = (old: Workload): Workload => ({
    ...old,
    allow: [...old.allow, ...entries.flatMap(({ pattern }) => entryOf(pattern, old))],
  });
  return {
    ...config,
    workloads: config.workloads.map((each) => {
      return { ...(each.name === workload ? changed(each) : each), tests: [] };
    }),
  };
}

function entryOf(text: string, { at }: Workload): Entry[] {
  const pattern = parsePattern(text);
  if (typeof pattern === 'string') return [];
  const none = { types: null, sharedSuffix: false, budget: null, reason: null, ticket: null };
  return [{ pattern, ...none, at }];
}

/** Where a wildcard is not enough (the reputation may still deny), the very name is. */
function named(seen: SeenName): Collapsed {
  return { pattern: seen.name, why: 'name', seen: [seen], narrower: [] };
}

function without(entries: readonly Collapsed[], gone: ReadonlySet<SeenName>): Collapsed[] {
  return entries.flatMap((entry) => {
    const seen = entry.seen.filter((one) => !gone.has(one));
    return seen.length === 0 ? [] : [{ ...entry, seen }];
  });
}

/** Only a reputation denies what a rule allows, and only where the rule does not name it. */
function stillDenied(seen: SeenName): LeftOut {
  return { seen, kind: 'suspect', reason: 'its reputation denies it under a wildcard' };
}

function unwritableOf(seen: SeenName): LeftOut {
  const reason =
    seen.kind === 'domain'
      ? 'no names are held of it, and a wildcard would be open to strangers'
      : 'no pattern can say this name';
  return { seen, kind: 'unwritable', reason };
}

/** Patterns by their names from the right, so that what belongs together stands together. */
function keyOf(pattern: string): string {
  const labels = pattern
    .replace(/^\*?\./, '')
    .split('.')
    .reverse();
  return `${labels.join('.')} ${pattern}`;
}

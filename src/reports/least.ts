/**
 * `report least-egress`: workloads that can lose what is open to them: all of it, where they let no
 * name of the outside through, or the part that they do not use.
 */

import type { SeenName } from '../learn/seen.ts';
import type { Grant } from './grants.ts';
import { isInside, matches, mayLieBelow } from './matching.ts';
import type { Patches, RuleEdit } from './patches.ts';
import type { Figure, Report, Tone } from './report.ts';
import { counted, DAY_MS, thousands } from './words.ts';

/** A wildcard that was used for more names than this stays one. */
const NAMES_IN_PLACE = 8;

/** What a workload asked for in the window, as far as it matters here. */
export interface Seen {
  /** The last name of the outside that was let through; null for none. */
  readonly last: { readonly name: string; readonly ms: number } | null;
  /** Names by the wildcard that they are in; null where they are too many, or not all known. */
  readonly below: ReadonlyMap<string, readonly string[] | null>;
}

/** Walks the names once. Only what was ever let through counts; that is on the safe side. */
export function seenOf(
  names: Iterable<SeenName>,
  grants: readonly Grant[],
  internal: readonly string[],
): Seen {
  const exact = new Set(grants.map(({ pattern }) => pattern));
  const wild = grants.filter(({ rule, pattern }) => rule !== null && /^\*?\./.test(pattern));
  const below = new Map<string, string[] | null>(wild.map(({ pattern }) => [pattern, []]));
  let last: Seen['last'] = null;
  for (const { kind, name, allowed, failed, lastMs } of names) {
    if (allowed + failed === 0) continue;
    if (!isInside(name, internal) && lastMs > (last?.ms ?? 0)) last = { name, ms: lastMs };
    for (const [pattern, list] of below) {
      if (kind === 'domain' ? mayLieBelow(pattern, name) : matches(pattern, name)) {
        const isFull = kind === 'domain' || list === null || list.length >= NAMES_IN_PLACE;
        if (isFull) below.set(pattern, null);
        else if (!exact.has(name)) list.push(name);
      }
    }
  }
  return { last, below };
}

export interface LeastRow {
  readonly workload: string;
  readonly owner: string | null;
  readonly env: string | null;
  readonly can: 'lose all' | 'lose some';
  readonly open: number;
  readonly needed: number;
  readonly narrowed: number;
  readonly last: Seen['last'];
  readonly edits: readonly RuleEdit[];
}

export interface Judged {
  readonly grants: readonly Grant[];
  readonly isUnused: (grant: Grant) => boolean;
  readonly seen: Seen;
}

/** Null where the workload needs all that it has. */
export function leastOf({ grants, isUnused, seen }: Judged): LeastRow | null {
  const [first] = grants;
  if (first === undefined) return null;
  const { workload, owner, env } = first;
  const whose = { workload, owner, env, last: seen.last, open: grants.length };
  if (seen.last === null) return { ...whose, can: 'lose all', needed: 0, narrowed: 0, edits: [] };
  const edits: RuleEdit[] = [];
  let unused = 0;
  for (const grant of grants) {
    const { rule, by, pattern } = grant;
    const isGone = isUnused(grant);
    if (isGone) unused += 1;
    if (rule === null || by !== 'allow') continue;
    const patterns = isGone || !isPlain(grant) ? [] : (seen.below.get(pattern) ?? []);
    if (isGone || patterns.length > 0) edits.push({ rule, patterns });
  }
  const narrowed = edits.filter(({ patterns }) => patterns.length > 0).length;
  if (unused + narrowed === 0) return null;
  return { ...whose, can: 'lose some', needed: grants.length - unused, narrowed, edits };
}

/** An entry that says more than its pattern is not rewritten, only removed. */
function isPlain({ rule, types }: Grant): boolean {
  return rule !== null && types === '' && rule.budget === '' && !rule.sharedSuffix;
}

export interface LeastContext {
  readonly windowMs: number;
  readonly facts: Report<LeastRow>['facts'];
  readonly notes: readonly string[];
  readonly patches: Patches;
  readonly workloads: number;
}

export function leastReport(rows: readonly LeastRow[], context: LeastContext): Report<LeastRow> {
  const { facts, notes } = context;
  const days = counted(Math.round(context.windowMs / DAY_MS), 'day');
  return {
    command: 'report least-egress',
    title: 'Least egress',
    question: `Workloads that need less than is open to them, by what they let through in ${days}.`,
    facts,
    figures: figuresOf(rows, context),
    notes: [...notes, 'what runs once a quarter or a year is not seen in a shorter window'],
    columns: [
      { title: 'workload', field: 'workload', look: 'name', of: (r) => r.workload },
      { title: 'owner', field: 'owner', look: 'text', of: (r) => r.owner, below: (r) => r.env },
      { title: 'env', field: 'env', look: 'text', of: (r) => r.env, only: ['table', 'data'] },
      { title: 'open', field: 'open', look: 'number', of: (r) => r.open },
      { title: 'needed', field: 'needed', look: 'number', of: (r) => r.needed },
      { title: 'narrowed', field: 'narrowed', look: 'number', of: (r) => r.narrowed },
      {
        title: 'last outside name',
        field: 'last_name',
        look: 'name',
        of: (r) => r.last?.name ?? null,
      },
      { title: 'asked for', field: 'last_use', look: 'time', of: (r) => r.last?.ms ?? null },
      { title: 'can', field: 'can', look: 'state', of: (r) => r.can, tone: toneOf },
    ],
    rows,
    groupOf: ({ can }) => ({
      heading: can === 'lose all' ? 'Needs nothing of the outside' : 'Needs less',
      details: [],
    }),
    ...context.patches,
    empty: 'Every workload needs all that is open to it.',
  };
}

function toneOf({ can }: LeastRow): Tone {
  return can === 'lose all' ? 'bad' : 'warn';
}

function figuresOf(rows: readonly LeastRow[], { workloads }: LeastContext): Figure[] {
  const none = rows.filter(({ can }) => can === 'lose all').length;
  const rules = rows.reduce((sum, { open, needed }) => sum + open - needed, 0);
  const narrowed = rows.reduce((sum, row) => sum + row.narrowed, 0);
  return [
    {
      label: 'can lose all',
      value: thousands(none),
      detail: `of ${counted(workloads, 'workload')}`,
    },
    { label: 'can lose some', value: thousands(rows.length - none) },
    { label: 'rules less', value: thousands(rules) },
    { label: 'wildcards narrowed', value: thousands(narrowed), detail: 'to the names in use' },
  ];
}

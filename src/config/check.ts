/**
 * What a single value cannot tell: names that must exist elsewhere, sources that two workloads
 * claim, wildcards that any stranger can get under.
 */

import { formatProblem, type Problem } from '../errors.ts';
import { type Path, pathText } from './document.ts';
import { isSharedSuffix } from './pattern.ts';
import { didYouMean } from './suggest.ts';
import type { Entry, Place, Prefix } from './types.ts';

/** A name that stands in one section and must be given in another. */
export interface Reference {
  readonly kind: 'bundle' | 'upstream' | 'workload' | 'person' | 'env';
  readonly name: string;
  readonly path: Path;
  readonly at: Place;
}

/** Problems of references to names that nobody gives. */
export function referenceProblems(
  references: readonly Reference[],
  known: Readonly<Record<Reference['kind'], ReadonlyMap<string, unknown>>>,
): Problem[] {
  return references
    .filter(({ kind, name }) => !known[kind].has(name))
    .map(({ kind, name, path, at }) => {
      const near = didYouMean(name, known[kind].keys());
      const what = kind === 'env' ? 'workload with env' : kind;
      return problemAt(at, path, `there is no ${what} "${name}"${near}`);
    });
}

/** Which workload claims which prefix; equal ones are a mistake, overlapping ones are not. */
export class SourceClaims {
  readonly #first = new Map<string, { workload: string; at: Place }>();

  /** Message when the prefix is taken, else null and it is taken now. */
  claim(workload: string, prefix: Prefix): string | null {
    const first = this.#first.get(prefix.text);
    if (first === undefined) {
      this.#first.set(prefix.text, { workload, at: prefix.at });
      return null;
    }
    const place = placeText(first.at);
    return first.workload === workload
      ? `${prefix.text} is given twice; first at ${place}`
      : `${prefix.text} is claimed by workload "${first.workload}" at ${place} already`;
  }
}

/** Public suffix verdicts by name: one bundle's suffixes come again and again. */
const sharedSuffixes = new Map<string, boolean>();
const SHARED_SUFFIXES_MAX = 100_000;

/** Message for an allowing entry directly under a public suffix. Denying is always safe. */
export function sharedSuffixProblem(entry: Entry): string | null {
  const { kind, name, text } = entry.pattern;
  if (kind === 'exact' || entry.sharedSuffix) return null;
  let shared = sharedSuffixes.get(name);
  if (shared === undefined) {
    shared = isSharedSuffix(name);
    if (sharedSuffixes.size < SHARED_SUFFIXES_MAX) sharedSuffixes.set(name, shared);
  }
  if (!shared) return null;
  const why = `directly under the public suffix "${name}", where any stranger can get a name`;
  return `"${text}" stands ${why}; if meant, write { name: "${text}", shared_suffix: true }`;
}

export function problemAt(at: Place, path: Path, message: string): Problem {
  return { ...at, path: pathText(path), message };
}

/** `teams/a.yaml:3:5`. */
export function placeText(place: Place): string {
  return formatProblem({ ...place, path: '', message: '' }).replace(/: $/, '');
}

/** Gathers what an importer finds, so that nothing of the source falls between two lists. */

import { isSharedSuffix } from '../config/pattern.ts';
import type { Pattern } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import type { ImportedEntry, Lost } from './imported.ts';
import { patternAt, withoutCovered } from './names.ts';

const WORD = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const RESERVED = new Set(['everyone', 'unmapped']);

export class Gatherer {
  readonly lost: Lost[] = [];
  readonly notes: string[] = [];
  readonly #names = new Set<string>();

  lose(line: number, what: string, why: string): void {
    this.lost.push({ line, what, why });
  }

  /** The pattern, or null and a loss. */
  pattern(kind: Pattern['kind'], name: string, line: number, what = name): Pattern | null {
    const pattern = patternAt(kind, name);
    if (typeof pattern !== 'string') return pattern;
    this.lose(line, what, pattern);
    return null;
  }

  /** Keys that the importer knows nothing of. */
  unknownKeys(value: object, known: readonly string[], line: number, where: string): void {
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) this.lose(line, `${where}${key}`, 'a key that is not known here');
    }
  }

  /** A name that the configuration takes, and that nobody else has here. */
  word(text: string, what: string): string {
    const plain = text
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[._-]+/, '')
      .slice(0, 50);
    const base = WORD.test(plain) && !RESERVED.has(plain) ? plain : `imported-${plain || what}`;
    let name = base;
    for (let i = 2; this.#names.has(name); i++) name = `${base}-${i}`;
    this.#names.add(name);
    if (name !== text) this.notes.push(`${what} ${JSON.stringify(text)} is called ${name} here`);
    return name;
  }
}

/** Each once, without those that another one covers. */
export function entriesOf(patterns: readonly Pattern[], remark = ''): ImportedEntry[] {
  return withoutCovered(patterns).map(({ text }) => ({ pattern: text, remark }));
}

/** Whether the configuration wants `shared_suffix: true` beside it. */
export function needsSharedSuffix(pattern: string): boolean {
  const name = pattern.replace(/^\*?\./, '');
  return name !== pattern && isSharedSuffix(name);
}

/**
 * Which of the workloads of a source are meant: all; with `--workload` the one of that name, or the
 * only one, which gets the name.
 *
 * @throws DnsvalveError USAGE when none has the name
 */
export function chosen<T extends { readonly name: string }>(
  found: readonly T[],
  wanted: string | null,
): readonly T[] {
  if (wanted === null) return found;
  const [one] = found;
  if (one !== undefined && found.length === 1) return [{ ...one, name: wanted }];
  const named = found.filter(({ name }) => name === wanted);
  if (named.length > 0) return named;
  const names = found.map(({ name }) => name).join(', ');
  throw new DnsvalveError('USAGE', `no workload ${JSON.stringify(wanted)}; there are: ${names}`);
}

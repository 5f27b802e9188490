/**
 * Names and patterns of foreign lists as those of the configuration, and what two patterns have in
 * common. What is no pattern comes back as the reason.
 */

import { domainToASCII } from 'node:url';
import { parsePattern } from '../config/pattern.ts';
import type { Pattern } from '../config/types.ts';

export const EVERYTHING = 'names everything: that is no entry, but `mode: open`';
export const PARTS = 'its wildcard matches parts of names; "*.example.com" (below it) is accepted';

/** Lower case, no trailing dot, A-labels. */
export function normalName(text: string): string {
  const plain = text.trim().toLowerCase().replace(/\.$/, '');
  return /[^\0-\x7f]/.test(plain) ? domainToASCII(plain) : plain;
}

/** The pattern of a kind at a name in any spelling, or why there is none. */
export function patternAt(kind: Pattern['kind'], text: string): Pattern | string {
  const name = normalName(text);
  if (/^[*.]*$/.test(name)) return EVERYTHING;
  const prefix = kind === 'below' ? '*.' : kind === 'both' ? '.' : '';
  if (name.includes('*')) return PARTS;
  return parsePattern(prefix + name);
}

function isBelow(name: string, suffix: string): boolean {
  return name.endsWith(`.${suffix}`);
}

/** Whether every name of `inner` is one of `outer`. */
export function covers(outer: Pattern, inner: Pattern): boolean {
  if (outer.kind !== 'exact' && isBelow(inner.name, outer.name)) return true;
  if (outer.name !== inner.name) return false;
  return outer.kind === inner.kind || outer.kind === 'both';
}

/** Whether some name is one of both. */
export function overlaps(a: Pattern, b: Pattern): boolean {
  if (a.kind !== 'exact' && isBelow(b.name, a.name)) return true;
  if (b.kind !== 'exact' && isBelow(a.name, b.name)) return true;
  if (a.name !== b.name) return false;
  return a.kind === b.kind || a.kind === 'both' || b.kind === 'both';
}

/** Without those that another one covers; the order stays. */
export function withoutCovered(patterns: readonly Pattern[]): Pattern[] {
  const byName = new Map<string, Pattern[]>();
  for (const pattern of patterns) {
    byName.set(pattern.name, [...(byName.get(pattern.name) ?? []), pattern]);
  }
  const kept = new Set<string>();
  return patterns.filter((pattern) => {
    const isCovered = ancestors(pattern.name).some((name) =>
      (byName.get(name) ?? []).some(
        (other) => other.text !== pattern.text && covers(other, pattern),
      ),
    );
    if (isCovered || kept.has(pattern.text)) return false;
    kept.add(pattern.text);
    return true;
  });
}

/** The name and every suffix of it, longest first. */
export function ancestors(name: string): string[] {
  const names = [name];
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    names.push(name.slice(dot + 1));
  }
  return names;
}

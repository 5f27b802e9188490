/**
 * Collapse: the names that were seen as a list of patterns that a person can read. A name stands
 * for itself, unless its siblings come and go: then one wildcard at their parent stands for all.
 *
 * A wildcard is never put on a suffix under which strangers get names, and never above the
 * registrable domain. What no pattern can say is given back, and not dropped.
 */

import { isSharedSuffix, parsePattern } from '../config/pattern.ts';
import { isMachineMade, templateOf } from './labels.ts';
import type { SeenName } from './seen.ts';
import { type NameNode, pathTo, treesOf } from './tree.ts';

/** Why one pattern stands for several names. */
export type Why = 'name' | 'rotating' | 'many' | 'unknown' | 'unwritable';

export interface Collapsed {
  /** `x.com`, `*.x.com` or `.x.com`. */
  readonly pattern: string;
  readonly why: Why;
  /** What the pattern was made of; all of it is allowed by the pattern. */
  readonly seen: readonly SeenName[];
  /** Where names are not known: patterns that would do for those that are. */
  readonly narrower: readonly string[];
}

export interface Collapse {
  readonly patterns: readonly Collapsed[];
  /** Names that no pattern can say. */
  readonly unwritable: readonly SeenName[];
}

/** Labels that rotate, from which on they are taken for a kind and not for names. */
const ROTATING_MIN = 3;
/** The same where labels only differ in their digits. */
const NUMBERED_MIN = 4;
/** Siblings that no list keeps up with, where a quarter of them is young. */
const MANY = 32;
/** A label that lived for half of the window, and was asked for that often, does not rotate. */
const STEADY_SHARE = 0.5;
const STEADY_QUERIES = 10;

/** Labels of a reverse zone that belongs to one holder: a /24, and a /48. */
const REVERSE_V4 = 5;
const REVERSE_V6 = 14;

/** @param spanMs length of the window that the names were seen in */
export function collapse(names: Iterable<SeenName>, spanMs: number): Collapse {
  const patterns: Collapsed[] = [];
  const unwritable: SeenName[] = [];
  for (const root of treesOf(names)) {
    for (const seen of [...root.all()]) {
      if (!isWritable(seen) && !mark(seen, root)) unwritable.push(seen);
    }
    patterns.push(...patternsOf(root, spanMs));
  }
  return { patterns, unwritable };
}

/** Whether strangers can get names below it, or it is no name of a rule at all. */
export function takesWildcard(name: string): boolean {
  const labels = name.split('.').length;
  if (labels < 2 || typeof parsePattern(`*.${name}`) === 'string' || isSharedSuffix(name)) {
    return false;
  }
  if (name.endsWith('.ip6.arpa')) return labels >= REVERSE_V6;
  if (!name.endsWith('.in-addr.arpa')) return true;
  return labels >= REVERSE_V4 || /(^|\.)(10|168\.192)\.in-addr\.arpa$/.test(name);
}

function isWritable({ kind, name }: SeenName): boolean {
  if (kind === 'domain') return takesWildcard(name);
  return typeof parsePattern(name) !== 'string';
}

/** Asks for a wildcard at the nearest name above that takes one; false where there is none. */
function mark(seen: SeenName, root: NameNode): boolean {
  if (seen.kind === 'domain') {
    root.unknown = null;
    return false;
  }
  const path = pathTo(seen, root);
  const above = path.slice(0, -1).findLast(({ name }) => takesWildcard(name));
  const own = path.at(-1);
  if (above !== undefined) above.needsWildcard = true;
  else if (own !== undefined) own.seen = null;
  return above !== undefined;
}

function* patternsOf(node: NameNode, spanMs: number): Generator<Collapsed> {
  const why = wildcardAt(node, spanMs);
  if (why !== null) {
    const apex = node.seen !== null || node.unknown !== null ? '.' : '*.';
    const seen = [...node.all()];
    const narrower = why === 'unknown' ? knownPatterns(node, spanMs) : [];
    yield { pattern: apex + node.name, why, seen, narrower };
    return;
  }
  if (node.seen !== null) {
    yield { pattern: node.name, why: 'name', seen: [node.seen], narrower: [] };
  }
  for (const child of node.children.values()) yield* patternsOf(child, spanMs);
}

function knownPatterns(node: NameNode, spanMs: number): string[] {
  const { unknown } = node;
  node.unknown = null;
  const patterns = [...patternsOf(node, spanMs)].map(({ pattern }) => pattern);
  node.unknown = unknown;
  return patterns;
}

function wildcardAt(node: NameNode, spanMs: number): Why | null {
  if (node.unknown !== null) return 'unknown';
  if (node.needsWildcard) return 'unwritable';
  if (node.children.size < ROTATING_MIN || !takesWildcard(node.name)) return null;
  const labels = [...node.children];
  const passing = labels.filter(([, child]) => !isSteady(child, spanMs)).map(([label]) => label);
  if (passing.filter(isMachineMade).length >= ROTATING_MIN) return 'rotating';
  if (mostAlike(passing) >= NUMBERED_MIN) return 'rotating';
  return isOpenSet(labels.map(([, child]) => child)) ? 'many' : null;
}

function isSteady(node: NameNode, spanMs: number): boolean {
  const { firstMs, lastMs, queries } = totalOf(node.all());
  return lastMs - firstMs >= spanMs * STEADY_SHARE && queries >= STEADY_QUERIES;
}

/** How many labels share a template. */
function mostAlike(labels: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const template of labels.map(templateOf)) {
    if (template !== '') counts.set(template, (counts.get(template) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

/** Whether new ones kept coming to the end, so that the list would be old tomorrow. */
function isOpenSet(nodes: readonly NameNode[]): boolean {
  if (nodes.length < MANY) return false;
  const lives = nodes.map((node) => totalOf(node.all()));
  const { firstMs, lastMs } = totalOf(lives);
  const middle = (firstMs + lastMs) / 2;
  return lives.filter((life) => life.firstMs > middle).length >= nodes.length / 4;
}

export interface Life {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly queries: number;
}

/** From the first to the last of them, and how often in all. */
export function totalOf(lives: Iterable<Life>): Life {
  let firstMs = Number.MAX_SAFE_INTEGER;
  let lastMs = 0;
  let queries = 0;
  for (const life of lives) {
    firstMs = Math.min(firstMs, life.firstMs);
    lastMs = Math.max(lastMs, life.lastMs);
    queries += life.queries;
  }
  return { firstMs, lastMs, queries };
}

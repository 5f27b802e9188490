/** Names of one registrable domain as a tree of labels, with what was seen of each. */

import { nameLabels, nameToWire } from '../wire/text.ts';
import type { SeenName } from './seen.ts';

export class NameNode {
  /** In presentation form; the domain itself at the root. */
  readonly name: string;
  readonly children = new Map<string, NameNode>();
  /** What was seen of this very name. */
  seen: SeenName | null = null;
  /** Queries for names at or below it that are not known. */
  unknown: SeenName | null = null;
  /** Something below it can only be said by a wildcard here. */
  needsWildcard = false;

  constructor(name: string) {
    this.name = name;
  }

  /** All that was seen here and below. */
  *all(): Generator<SeenName> {
    if (this.seen !== null) yield this.seen;
    if (this.unknown !== null) yield this.unknown;
    for (const child of this.children.values()) yield* child.all();
  }
}

/** The trees of all names by their domains, the domains in the order of the alphabet. */
export function treesOf(names: Iterable<SeenName>): NameNode[] {
  const roots = new Map<string, NameNode>();
  for (const seen of names) {
    const root = roots.get(seen.domain) ?? new NameNode(seen.domain);
    roots.set(seen.domain, root);
    if (seen.kind === 'domain') root.unknown = seen;
    else (pathTo(seen, root).at(-1) ?? root).seen = seen;
  }
  return [...roots.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The nodes from the root to the name, made where there are none. */
export function pathTo({ name, domain }: SeenName, root: NameNode): NameNode[] {
  const labels = nameLabels(nameToWire(name));
  const below = labels.length - nameLabels(nameToWire(domain)).length;
  const path = [root];
  let node = root;
  for (let at = below - 1; at >= 0; at--) {
    const label = labels[at] ?? '';
    let child = node.children.get(label);
    if (child === undefined) {
      child = new NameNode(`${label}.${node.name}`);
      node.children.set(label, child);
    }
    path.push(child);
    node = child;
  }
  return path;
}

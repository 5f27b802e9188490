/**
 * One YAML 1.2 file as a plain value, and the place of everything in it. It knows YAML and no
 * setting. Duplicate keys, aliases that multiply, deep nesting and unknown tags are problems here,
 * so that nothing behind has to fear them.
 */

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { messageOf, type Problem } from '../errors.ts';
import { ALIAS_VALUES_MAX, DEPTH_MAX } from './limits.ts';
import type { Place } from './types.ts';

export type Path = readonly PropertyKey[];

/** `workloads.payments-api.allow[2].name`, with a dotted key in quotes. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    const key = String(part);
    if (typeof part === 'number') text += `[${key}]`;
    else if (/^[\w-]+$/.test(key)) text += text === '' ? key : `.${key}`;
    else text += `${text === '' ? '' : '.'}${JSON.stringify(key)}`;
  }
  return text;
}

export class SourceDocument {
  /** As it is shown to people. */
  readonly file: string;
  /** Plain value of the whole file; undefined when it could not be read as YAML. */
  readonly value: unknown;
  readonly problems: Problem[] = [];
  readonly #lines = new LineCounter();
  readonly #root: Node | null;
  readonly #targets = new WeakMap<Node, Node>();
  readonly #anchors = new Map<string, Node>();
  readonly #pairs = new WeakMap<YAMLMap, Map<string, Pair<unknown, unknown>>>();
  #aliasDepth = 0;
  #aliasValues = 0;

  constructor(file: string, text: string) {
    this.file = file;
    const document = this.#parse(text);
    this.#root = (document?.contents as Node | null | undefined) ?? null;
    this.value = this.problems.length > 0 ? undefined : this.#toValue(this.#root, [], 0);
  }

  /** Place of the value at `path`, or of its nearest ancestor that exists. */
  at(path: Path): Place {
    let node = this.#root;
    let nearest = node;
    for (const key of path) {
      node = this.#child(node, key);
      if (node === null) break;
      nearest = node;
    }
    return this.#place(nearest?.range?.[0] ?? 0);
  }

  /** Place of the key that holds the value at `path`; of the value where that is a list item. */
  keyAt(path: Path): Place {
    const key = path.at(-1);
    let node = this.#root;
    for (const part of path.slice(0, -1)) node = this.#child(node, part);
    const map = this.#resolved(node);
    const pair = isMap(map) ? this.#pairsOf(map).get(String(key)) : undefined;
    const range = (pair?.key as Node | undefined)?.range;
    return range ? this.#place(range[0]) : this.at(path);
  }

  problem(place: Place, path: Path, message: string): Problem {
    return { file: place.file, line: place.line, col: place.col, path: pathText(path), message };
  }

  #parse(text: string): Document | null {
    try {
      const document = parseDocument(text, {
        lineCounter: this.#lines,
        // Checked in #mapValue: the check of the package compares each key with all before it.
        uniqueKeys: false,
        prettyErrors: false,
        version: '1.2',
        strict: true,
        stringKeys: false,
        logLevel: 'error',
      });
      for (const error of [...document.errors, ...document.warnings].slice(0, 50)) {
        this.#report(error.pos[0], [], `not YAML: ${error.message}`);
      }
      return document;
    } catch (error) {
      // The parser recurses, so that hostile nesting ends in a RangeError.
      this.#report(0, [], `not YAML: ${messageOf(error)}`);
      return null;
    }
  }

  #toValue(node: Node | null, path: Path, depth: number): unknown {
    if (node === null || this.#aliasValues > ALIAS_VALUES_MAX) return null;
    if (depth > DEPTH_MAX) return this.#tooDeep(node, path);
    if (this.#aliasDepth > 0 && ++this.#aliasValues > ALIAS_VALUES_MAX) {
      this.#report(node.range?.[0] ?? 0, path, `aliases repeat over ${ALIAS_VALUES_MAX} values`);
      return null;
    }
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) return this.#noAnchor(node, path);
      this.#targets.set(node, target);
      this.#aliasDepth++;
      const value = this.#toValue(target, path, depth + 1);
      this.#aliasDepth--;
      return value;
    }
    if ('anchor' in node && typeof node.anchor === 'string') this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return node.value;
    if (isSeq(node)) {
      return node.items.map((item, i) => this.#toValue(item as Node, [...path, i], depth + 1));
    }
    return isMap(node) ? this.#mapValue(node, path, depth) : null;
  }

  #mapValue(map: YAMLMap, path: Path, depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const pairs = this.#pairsOf(map);
    for (const pair of map.items) {
      const key = keyText(pair.key);
      const offset = (pair.key as Node | null)?.range?.[0] ?? 0;
      if (key === null) {
        this.#report(offset, path, 'a key is plain text');
        continue;
      }
      const first = pairs.get(key);
      if (first !== pair && this.#aliasDepth === 0) {
        const { line, col } = this.#place((first?.key as Node | undefined)?.range?.[0] ?? 0);
        this.#report(offset, [...path, key], `the same key stands at ${line}:${col} already`);
      } else if (key === '__proto__') {
        this.#report(offset, path, 'the key "__proto__" is reserved');
      } else {
        value[key] = this.#toValue(pair.value as Node | null, [...path, key], depth + 1);
      }
    }
    return value;
  }

  /** Almost always a wildcard without quotes. */
  #noAnchor(node: Alias, path: Path): undefined {
    const text = `*${node.source}`;
    const message = `${text} is a YAML alias without anchor; write a pattern in quotes: "${text}"`;
    this.#report(node.range?.[0] ?? 0, path, message);
    return undefined;
  }

  #tooDeep(node: Node, path: Path): null {
    this.#report(node.range?.[0] ?? 0, path, `nested deeper than ${DEPTH_MAX} levels`);
    this.#aliasValues = Number.POSITIVE_INFINITY; // one message says it
    return null;
  }

  #child(parent: Node | null, key: PropertyKey): Node | null {
    const node = this.#resolved(parent);
    if (isSeq(node)) return (node.items[Number(key)] as Node | undefined) ?? null;
    if (!isMap(node)) return null;
    const pair = this.#pairsOf(node).get(String(key));
    return (pair?.value as Node | null | undefined) ?? (pair?.key as Node | undefined) ?? null;
  }

  #resolved(node: Node | null): Node | null {
    return node !== null && isAlias(node) ? (this.#targets.get(node) ?? null) : node;
  }

  /** First pair of each key; the others are duplicates. */
  #pairsOf(map: YAMLMap): Map<string, Pair<unknown, unknown>> {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known;
    const pairs = new Map<string, Pair<unknown, unknown>>();
    for (const pair of map.items) {
      const key = keyText(pair.key);
      if (key !== null && !pairs.has(key)) pairs.set(key, pair);
    }
    this.#pairs.set(map, pairs);
    return pairs;
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(line, 1), col: Math.max(col, 1) };
  }

  #report(offset: number, path: Path, message: string): void {
    this.problems.push(this.problem(this.#place(offset), path, message));
  }
}

/** A key as it stands in the file: `5353` and `true` are names there too. */
function keyText(key: unknown): string | null {
  if (!isScalar(key)) return null;
  return typeof key.value === 'string' ? key.value : (key.source ?? null);
}

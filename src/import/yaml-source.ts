/**
 * A YAML or JSON file of somebody else's: plain values of unknown shape, each with its line.
 * Reading never throws on shape: what is not there is empty, and the importer says what it did not
 * know.
 */

import { LineCounter, parseAllDocuments } from 'yaml';
import { DnsvalveError } from '../errors.ts';

export type Path = readonly (string | number)[];

/** One document of the file. */
export class ForeignDocument {
  readonly value: unknown;
  readonly #node: {
    readonly contents: unknown;
    getIn(path: Iterable<unknown>, keepScalar: true): unknown;
  };
  readonly #lines: LineCounter;

  constructor(document: ReturnType<typeof parse>[number], lines: LineCounter) {
    this.#node = document;
    this.#lines = lines;
    this.value = document.toJS({ maxAliasCount: 100 });
  }

  /** Line of what stands at a path, or of the nearest thing above it. */
  lineOf(path: Path): number {
    for (let length = path.length; length >= 0; length--) {
      const { contents } = this.#node;
      const node = length === 0 ? contents : this.#node.getIn(path.slice(0, length), true);
      const range = isNode(node) ? node.range : null;
      if (range !== null && range !== undefined) return this.#lines.linePos(range[0]).line;
    }
    return 0;
  }
}

function isNode(node: unknown): node is { range?: readonly [number, number, number] | null } {
  return typeof node === 'object' && node !== null;
}

function parse(text: string, lines: LineCounter) {
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: true });
  return 'empty' in documents ? [] : documents;
}

/** @throws DnsvalveError USAGE when it is no YAML */
export function readDocuments(text: string, what: string): ForeignDocument[] {
  const lines = new LineCounter();
  const documents = parse(text, lines);
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error !== undefined) {
    throw new DnsvalveError('USAGE', `no ${what}: ${error.message.split('\n')[0] ?? ''}`);
  }
  try {
    return documents.map((document) => new ForeignDocument(document, lines));
  } catch (thrown) {
    throw new DnsvalveError('USAGE', `no ${what}: ${String(thrown)}`);
  }
}

export function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A scalar as text; '' for anything else. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

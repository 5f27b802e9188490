/** The project's own sources, read for the house tests: files, lines, imports and functions. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

export interface SourceFile {
  /** From the root of the project: `src/wire/name.ts`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

/** Files under `folder` whose name ends in one of `endings`. */
export function sources(folder: string, ...endings: readonly string[]): SourceFile[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => {
      const full = join(ROOT, folder, name);
      const text = readFileSync(full, 'utf8');
      return { path: relative(ROOT, full), text, lines: text.split('\n') };
    });
}

/** The text without comments. */
export function codeOf(file: SourceFile): string {
  return file.text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
}

/** Modules that a file needs when it runs, as paths from the root; type-only imports are erased. */
export function runtimeImports(file: SourceFile): string[] {
  const found: string[] = [];
  const statement = /^(?:import|export)\s+(type\s+)?(?:([^'"();]*?)\s+from\s+)?'([^']+)';/gms;
  for (const [, isType, names, from = ''] of file.text.matchAll(statement)) {
    if (isType !== undefined) continue;
    const braces = names?.match(/^\{(.*)\}$/s)?.[1];
    const listed = braces?.split(',').map((name) => name.trim());
    const isErased = listed?.every((name) => name === '' || name.startsWith('type ')) ?? false;
    if (isErased && names !== undefined) continue;
    found.push(from.startsWith('.') ? relative(ROOT, join(ROOT, file.path, '..', from)) : from);
  }
  return found;
}

export interface FoundFunction {
  readonly name: string;
  /** 1-based. */
  readonly line: number;
  readonly lines: number;
}

/**
 * Functions and methods by their indentation, which the formatter guarantees: a head that ends in
 * `{`, and the first line after it that closes at the same depth.
 */
export function functions({ lines }: SourceFile): FoundFunction[] {
  const found: FoundFunction[] = [];
  const head =
    /^(\s*)(?:export |default |async |static |override |get |set |private |readonly )*(?:function\*? )?([#\w$]+)(?:<.*>)?\(.*$|^(\s*)(?:export )?const (\w+) = (?:async )?\(.*$/;
  const keywords = new Set(['if', 'for', 'while', 'switch', 'catch', 'return', 'super']);
  for (const [index, line] of lines.entries()) {
    const match = head.exec(line);
    if (match === null) continue;
    const name = match[2] ?? match[4] ?? '';
    if (keywords.has(name)) continue;
    const indent = match[1] ?? match[3] ?? '';
    const end = endOf(lines, index, indent);
    if (end !== -1) found.push({ name, line: index + 1, lines: end - index + 1 });
  }
  return found;
}

/** The line that closes the body whose head starts at `from`; -1 when that is no body. */
function endOf(lines: readonly string[], from: number, indent: string): number {
  let body = from;
  while (body < lines.length && !/(\{|;|,|\))$/.test(lines[body] ?? '')) body++;
  // A head over several lines ends with `): type {` at its own depth.
  if ((lines[from] ?? '').endsWith('(')) {
    body = from + 1;
    while (body < lines.length && !(lines[body] ?? '').startsWith(`${indent})`)) body++;
  }
  if (!(lines[body] ?? '').endsWith('{')) return -1;
  for (let at = body + 1; at < lines.length; at++) {
    if ((lines[at] ?? '').startsWith(`${indent}}`)) return at;
  }
  return -1;
}

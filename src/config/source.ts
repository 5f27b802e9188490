/**
 * The files of one configuration: the main one, and those that its `include:` globs find. Reading
 * and YAML only; what the sections say is judged in sections.ts.
 */

import { createHash } from 'node:crypto';
import { globSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { messageOf, type Problem } from '../errors.ts';
import { SourceDocument } from './document.ts';
import { FILE_MAX_OCTETS } from './limits.ts';

export const NO_SUCH_FILE = 'no such file';

/** A file that was read as a mapping. */
export interface Source {
  readonly document: SourceDocument;
  /** Absolute; relative paths in the file are meant from here. */
  readonly directory: string;
  /** Of the file's octets, as `sha256sum` prints it. */
  readonly sha256: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Texts that are read in place of files, by their real paths: changes before they are written. */
export type Texts = ReadonlyMap<string, string>;

/** One file, or null when it is no mapping in YAML; then `problems` has grown. */
export function readSource(
  path: string,
  shown: string,
  problems: Problem[],
  texts: Texts = new Map(),
): Source | null {
  const given = texts.get(realOf(path));
  const read = given === undefined ? readText(path, shown, problems) : withDigest(given);
  if (read === null) return null;
  const document = new SourceDocument(shown, read.text);
  problems.push(...document.problems);
  const value = document.value;
  if (value === undefined) return null;
  if (value === null) {
    problems.push(wholeFile(shown, 'empty; a mapping of settings is expected'));
    return null;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    problems.push(document.problem(document.at([]), [], 'a mapping of settings is expected'));
    return null;
  }
  const directory = dirname(resolve(path));
  const { sha256 } = read;
  return { document, directory, sha256, value: value as Record<string, unknown> };
}

/** Paths that the globs of `main` find, sorted, each once, without the main file itself. */
export function includedPaths(
  main: Source,
  globs: readonly string[],
  problems: Problem[],
): string[] {
  const seen = new Set([realOf(main.document.file)]);
  const found: string[] = [];
  for (const [i, glob] of globs.entries()) {
    const matches = expand(main.directory, glob);
    if (typeof matches === 'string') {
      const path = Array.isArray(main.value['include']) ? ['include', i] : ['include'];
      problems.push(main.document.problem(main.document.at(path), path, matches));
      continue;
    }
    for (const match of matches) {
      const real = realOf(match);
      if (seen.has(real)) continue;
      seen.add(real);
      found.push(match);
    }
  }
  return found;
}

/** Relative to the working directory where it lies below it, else absolute. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

/** Files that a glob finds, or the problem with it. */
function expand(directory: string, glob: string): string[] | string {
  try {
    const matches = globSync(glob, { cwd: directory })
      .map((match) => resolve(directory, match))
      .filter((match) => statSync(match, { throwIfNoEntry: false })?.isFile() === true)
      .sort();
    // A glob without a match is an empty team directory; a plain name without one is a mistake.
    const plain = !/[*?[{]/.test(glob);
    return matches.length === 0 && plain ? `${NO_SUCH_FILE}: ${resolve(directory, glob)}` : matches;
  } catch (error) {
    return `cannot be searched: ${messageOf(error)}`;
  }
}

/** The file behind links; the path itself when it is gone, which reading it will report. */
export function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

interface ReadText {
  readonly text: string;
  readonly sha256: string;
}

function withDigest(text: string): ReadText {
  return { text, sha256: createHash('sha256').update(text).digest('hex') };
}

function readText(path: string, shown: string, problems: Problem[]): ReadText | null {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw new Error('a directory; a file is expected');
    if (stat.size > FILE_MAX_OCTETS) {
      throw new Error(`${stat.size} octets, at most ${FILE_MAX_OCTETS}`);
    }
    const octets = readFileSync(path);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(octets);
    return { text, sha256: createHash('sha256').update(octets).digest('hex') };
  } catch (error) {
    problems.push(wholeFile(shown, unreadable(error)));
    return null;
  }
}

function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return NO_SUCH_FILE;
  if (code === 'EACCES') return 'permission denied';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'not UTF-8 text';
  return messageOf(error);
}

export function wholeFile(file: string, message: string): Problem {
  return { file, line: 0, col: 0, path: '', message };
}

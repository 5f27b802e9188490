/**
 * Changes of a configuration file as text: only what changes is written anew, so that comments,
 * order and layout stay, and a person sees one line in the difference.
 */

import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { isMap, isScalar, type Node, parseDocument } from 'yaml';
import { DnsvalveError, messageOf } from '../errors.ts';

/** A file that was read, to be written if nobody else does first. */
export interface ReadFile {
  /** Behind links. */
  readonly path: string;
  readonly text: string;
}

/** @throws DnsvalveError SYSTEM */
export function readForEdit(path: string): ReadFile {
  try {
    const real = realpathSync(path);
    return { path: real, text: readFileSync(real, 'utf8') };
  } catch (error) {
    throw new DnsvalveError('SYSTEM', `${path}: ${messageOf(error)}`, error);
  }
}

/**
 * The text with another word at `path`, which leads through mappings.
 *
 * @returns null where no plain or quoted word stands there to be replaced: no key, or an alias
 */
export function withWord(text: string, path: readonly string[], word: string): string | null {
  let node: unknown = parseDocument(text, { uniqueKeys: false, logLevel: 'error' }).contents;
  for (const key of path) {
    if (!isMap(node)) return null;
    node = node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)?.value;
  }
  if (!isScalar(node) || !['PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE'].includes(node.type ?? '')) {
    return null;
  }
  const range = (node as Node).range;
  return range ? text.slice(0, range[0]) + word + text.slice(range[1]) : null;
}

/**
 * Writes a changed file whole or not at all, with the mode and owner that it had.
 *
 * @throws DnsvalveError SYSTEM, also where the file is not any more as it was read
 */
export function replaceFile({ path, text }: ReadFile, changed: string): void {
  const partial = `${path}.dnsvalve-${digest(changed)}`;
  try {
    writeWhole(partial, changed, path);
    if (readFileSync(path, 'utf8') !== text) throw new Error('somebody else changed it meanwhile');
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new DnsvalveError('SYSTEM', `${path}: not written: ${messageOf(error)}`, error);
  }
}

function writeWhole(path: string, text: string, like: string): void {
  const { mode, uid, gid } = statSync(like);
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  const made = statSync(path);
  if (made.uid !== uid || made.gid !== gid) chownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

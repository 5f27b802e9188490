/**
 * The head of the chain, in a file beside the log: the last record's number and digest. Without it
 * a log that lost its newest records would look whole.
 */

import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDigest } from '../seal.ts';
import type { Link } from './record.ts';

const MODE = 0o640;
const FORM = /^(\d{1,15}) ([0-9a-f]{64})\n$/;

/** Where the head of a log is: `audit.head` beside `audit.jsonl`. */
export function headPath(logPath: string): string {
  return `${logPath.replace(/\.jsonl$/, '')}.head`;
}

/** The text of a head; null where it is none. */
export function parseHead(text: string): Link | null {
  const [, seq = '', sha256 = ''] = FORM.exec(text) ?? [];
  return isDigest(sha256) && `${Number(seq)}` === seq ? { seq: Number(seq), sha256 } : null;
}

/** Null where there is no head, or none that can be read. */
export function readHead(logPath: string): Link | null {
  try {
    return parseHead(readFileSync(headPath(logPath), 'latin1'));
  } catch {
    return null;
  }
}

/**
 * Replaces the head, whole or not at all. After a crash the one before may be there, which the log
 * goes on from; only where there was none is the directory synced, so that there is one.
 *
 * @throws what the file system says
 */
export async function writeHead(
  logPath: string,
  { seq, sha256 }: Link,
  isFirst: boolean,
): Promise<void> {
  const path = headPath(logPath);
  const file = await open(`${path}.new`, 'w', MODE);
  try {
    await file.writeFile(`${seq} ${sha256}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  if (!isFirst) return;
  const directory = await open(dirname(path), 'r');
  await directory.sync().finally(() => directory.close());
}

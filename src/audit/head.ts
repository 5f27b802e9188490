/**
 * The head of the chain, in a file beside the log: the last record's number and digest. Without it
 * a log that lost its newest records would look whole.
 */

import { open, readFile, rename } from 'node:fs/promises';
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
export async function readHead(logPath: string): Promise<Link | null> {
  try {
    return parseHead(await readFile(headPath(logPath), 'latin1'));
  } catch {
    return null;
  }
}

/** Replaces the head, whole or not at all. @throws what the file system says */
export async function writeHead(logPath: string, { seq, sha256 }: Link): Promise<void> {
  const path = headPath(logPath);
  const file = await open(`${path}.new`, 'w', MODE);
  try {
    await file.writeFile(`${seq} ${sha256}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const directory = await open(dirname(path), 'r');
  await directory.sync().finally(() => directory.close());
}

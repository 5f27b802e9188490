/**
 * Care of the database file by hand: whether it is whole, and a copy of it while the daemon writes.
 * Opens it read-only, so neither can spoil anything.
 */

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { DnsvalveError, messageOf } from '../errors.ts';

/** Problems that a check reports at most. */
const PROBLEMS_MAX = 100;
/** Pages that are copied before others have their turn: 4 MB. */
const PAGES_AT_ONCE = 1000;

/** What is wrong with the file, in SQLite's words; empty when it is whole. Reads all of it. */
export function problemsOf(db: Database.Database): string[] {
  try {
    const rows = db.pragma(`integrity_check(${PROBLEMS_MAX})`) as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((text) => text !== 'ok');
  } catch (error) {
    return [messageOf(error)];
  }
}

/**
 * Copies the database as it is at the end of the copy. The target appears whole or not at all.
 *
 * @returns octets of the copy
 * @throws DnsvalveError USAGE where the target is there already, DATABASE where it cannot be made
 */
export async function backUp(db: Database.Database, target: string): Promise<number> {
  if (existsSync(target)) throw new DnsvalveError('USAGE', `${target}: is there already`);
  const partial = `${target}.partial`;
  try {
    rmSync(partial, { force: true });
    await db.backup(partial, { progress: () => PAGES_AT_ONCE });
    sync(partial);
    renameSync(partial, target);
    return statSync(target).size;
  } catch (error) {
    rmSync(partial, { force: true });
    throw new DnsvalveError('DATABASE', `${target}: ${messageOf(error)}`, error);
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

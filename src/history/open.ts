/**
 * Opening the history database for writing: checked, migrated, tuned. Corrupt files are set aside.
 *
 * Never deletes anything. A file that a newer version wrote, or that is not ours, is refused.
 */

import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { DnsvalveError, messageOf } from '../errors.ts';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './migrations.ts';

/** Largest file that is read whole at start, octets: about half a second here. Larger ones are
 * checked as they are used, because a check of minutes would cost the first-seen rows meanwhile. */
const CHECK_MAX = 256 * 1024 * 1024;

/** Memory for pages where nothing else is said, octets. */
const CACHE_OCTETS = 64e6;

/** How long another process may hold the file before a commit is put off, ms. */
const BUSY_MS = 200;

const PRAGMAS = [
  'journal_mode = WAL',
  // The log is synced at checkpoints: an operating system crash may lose the last commits, a kill
  // -9 of this process loses none.
  'synchronous = NORMAL',
  'foreign_keys = OFF',
  'temp_store = MEMORY',
  // 32 MB of log between checkpoints: pages that many commits touch are copied back once.
  'wal_autocheckpoint = 8000',
  'journal_size_limit = 67108864',
];

export interface Opened {
  readonly db: Database.Database;
  /** Where a corrupt file was put, or null. */
  readonly setAside: string | null;
}

/** `openForWriting` with so much memory for pages, octets. */
export function opener(cacheOctets = CACHE_OCTETS): (path: string, nowMs: number) => Opened {
  return (path, nowMs) => openForWriting(path, nowMs, cacheOctets);
}

/**
 * Opens or makes the database.
 *
 * @param nowMs names the files that are set aside
 * @param cacheOctets memory for pages that were read or written
 * @throws DnsvalveError DATABASE when the file is newer or not ours; SqliteError when the disk is
 *   in trouble, which may pass
 */
export function openForWriting(path: string, nowMs: number, cacheOctets = CACHE_OCTETS): Opened {
  makeDirectory(dirname(resolve(path)));
  try {
    return { db: openChecked(path, cacheOctets), setAside: null };
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return { setAside: setAside(path, nowMs), db: openChecked(path, cacheOctets) };
  }
}

/** Node's own recursive form never returns where a parent cannot be made (`/proc/none`). */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

function openChecked(path: string, cacheOctets: number): Database.Database {
  const db = new Database(path, { timeout: BUSY_MS });
  try {
    refuseForeign(db, path);
    checkSmall(db, path);
    for (const pragma of PRAGMAS) db.pragma(pragma);
    // A negative number is KiB, and what SQLite keeps beside each page is a part of them.
    db.pragma(`cache_size = -${Math.floor(cacheOctets / 1024)}`);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function refuseForeign(db: Database.Database, path: string): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  const application = Number(db.pragma('application_id', { simple: true }));
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (application !== APPLICATION_ID && Number(tables) > 0) {
    throw new DnsvalveError('DATABASE', `history ${path}: a database of another program`);
  }
  if (version > SCHEMA_VERSION) {
    const known = `${SCHEMA_VERSION}, which this program knows`;
    const text = `schema version ${version} is newer than ${known}`;
    throw new DnsvalveError('DATABASE', `history ${path}: ${text}`);
  }
}

function checkSmall(db: Database.Database, path: string): void {
  if (statSync(path).size > CHECK_MAX) return;
  const result = db.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') throw new CorruptError(`history ${path}: ${String(result)}`);
}

/** Brings the file up to this program's schema, all steps or none. */
export function migrate(db: Database.Database): void {
  const upgrade = db.transaction(() => {
    const version = Number(db.pragma('user_version', { simple: true }));
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  });
  if (Number(db.pragma('user_version', { simple: true })) < SCHEMA_VERSION) upgrade.immediate();
}

/**
 * Moves the file and its companions out of the way; the log belongs to the file it was made for.
 */
export function setAside(path: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  let target = `${path}.corrupt-${stamp}`;
  for (let i = 2; existsSync(target); i++) target = `${path}.corrupt-${stamp}-${i}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  }
  return target;
}

class CorruptError extends Error {
  readonly code = 'SQLITE_CORRUPT';
}

/** SQLite's code of a thrown error (`SQLITE_FULL`, …), or '' for anything else. */
export function sqliteCode(thrown: unknown): string {
  if (!(thrown instanceof Error) || !('code' in thrown)) return '';
  return typeof thrown.code === 'string' && thrown.code.startsWith('SQLITE') ? thrown.code : '';
}

export function isCorrupt(thrown: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(thrown));
}

/** What a person is told about a database error. */
export function describeTrouble(path: string, thrown: unknown): string {
  if (thrown instanceof DnsvalveError) return thrown.message;
  const code = sqliteCode(thrown);
  return `history ${path}: ${messageOf(thrown)}${code === '' ? '' : ` (${code})`}`;
}

/**
 * Reading the store of overrides: beside a daemon that writes it, or without one. Opens it
 * read-only, migrates nothing, and never makes a file that was not there.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { ExceptionRecord, QuarantineRecord, Transition } from './records.ts';
import { exceptionOf, quarantineOf, type Row, transitionOf } from './rows.ts';
import { OVERRIDES_APPLICATION_ID, OVERRIDES_FILE, OVERRIDES_SCHEMA_VERSION } from './schema.ts';

/** How long a commit of the daemon is waited for, ms. */
const BUSY_MS = 2000;

/** Every exception and quarantine that there ever was, in the order of their numbers. */
export interface OverridesRead {
  readonly exceptions: readonly ExceptionRecord[];
  readonly quarantines: readonly QuarantineRecord[];
}

const NOTHING: OverridesRead = { exceptions: [], quarantines: [] };

export function overridesPath(stateDirectory: string): string {
  return join(stateDirectory, OVERRIDES_FILE);
}

/**
 * All that the store holds; nothing where there is no store, which is made with the first request.
 *
 * What a daemon that is down has not ended yet is told as it will be: over.
 *
 * @param nowMs wall clock
 * @throws DnsvalveError DATABASE, naming the path, for a file that cannot be read
 */
export function readOverrides(path: string, nowMs: number): OverridesRead {
  return withStore(path, NOTHING, (db) => ({
    exceptions: rowsOf(db, 'SELECT * FROM exception ORDER BY number').map((row) =>
      asOf(exceptionOf(row), nowMs),
    ),
    quarantines: rowsOf(db, 'SELECT * FROM quarantine ORDER BY number').map((row) =>
      quarantineAsOf(quarantineOf(row), nowMs),
    ),
  }));
}

/** The steps of one life, oldest first; none where nobody has heard of it. @throws as above */
export function readTransitions(path: string, subject: string): readonly Transition[] {
  return withStore<readonly Transition[]>(path, [], (db) =>
    (
      db.prepare('SELECT * FROM transition WHERE subject = ? ORDER BY seq').all(subject) as Row[]
    ).map(transitionOf),
  );
}

/** The record with an end that has come taken for one. */
export function asOf(record: ExceptionRecord, nowMs: number): ExceptionRecord {
  const isPending = record.state === 'requested';
  const isRunning = record.state === 'approved' || record.state === 'active';
  if (!isPending && !isRunning) return record;
  const endMs = isPending ? record.approveByMs : (record.end?.untilMs ?? 0);
  return nowMs < endMs ? record : { ...record, state: 'expired', endedMs: endMs };
}

function quarantineAsOf(record: QuarantineRecord, nowMs: number): QuarantineRecord {
  const { state, end } = record;
  if (state !== 'active' || end === null || nowMs < end.untilMs) return record;
  return { ...record, state: 'expired', endedMs: end.untilMs };
}

function rowsOf(db: Database.Database, sql: string): Row[] {
  return db.prepare(sql).all() as Row[];
}

function withStore<T>(path: string, nothing: T, read: (db: Database.Database) => T): T {
  if (!existsSync(path)) return nothing;
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    try {
      return isMade(db, path) ? read(db) : nothing;
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof DnsvalveError) throw error;
    throw new DnsvalveError('DATABASE', `overrides ${path}: ${messageOf(error)}`, error);
  }
}

/** False for a file that a crash left before its first commit. */
function isMade(db: Database.Database, path: string): boolean {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version === 0 && rowsOf(db, 'SELECT name FROM sqlite_schema').length === 0) return false;
  const application = Number(db.pragma('application_id', { simple: true }));
  if (application !== OVERRIDES_APPLICATION_ID) {
    throw new DnsvalveError('DATABASE', `overrides ${path}: a database of another program`);
  }
  if (version !== OVERRIDES_SCHEMA_VERSION) {
    const remedy =
      version > OVERRIDES_SCHEMA_VERSION ? 'read it with that version' : 'start the daemon once';
    const text = `schema version ${version}, this program reads ${OVERRIDES_SCHEMA_VERSION}`;
    throw new DnsvalveError('DATABASE', `overrides ${path}: ${text}; ${remedy}`);
  }
  return true;
}

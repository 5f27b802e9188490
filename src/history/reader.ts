/**
 * Opening the history read-only: beside a daemon that writes it, or without one.
 *
 * Changes nothing, migrates nothing, and never makes a file that was not there.
 */

import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { DnsvalveError, messageOf } from '../errors.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './migrations.ts';

/** How long a checkpoint of the daemon is waited for, ms. */
const BUSY_MS = 2000;

/** @throws DnsvalveError DATABASE, naming the path, when there is nothing that can be read */
export function openForReading(path: string): Database.Database {
  if (!existsSync(path)) {
    const advice = 'the daemon makes it; name another one with --db or --config';
    throw new DnsvalveError('DATABASE', `history ${path}: no such file; ${advice}`);
  }
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    db.pragma('query_only = 1');
    checkVersion(db, path);
    return db;
  } catch (error) {
    if (error instanceof DnsvalveError) throw error;
    throw new DnsvalveError('DATABASE', `history ${path}: ${messageOf(error)}`, error);
  }
}

function checkVersion(db: Database.Database, path: string): void {
  const application = Number(db.pragma('application_id', { simple: true }));
  const version = Number(db.pragma('user_version', { simple: true }));
  if (application !== APPLICATION_ID) {
    throw new DnsvalveError('DATABASE', `history ${path}: not a history database`);
  }
  if (version !== SCHEMA_VERSION) {
    const remedy = version > SCHEMA_VERSION ? 'read it with that version' : 'start the daemon once';
    const text = `schema version ${version}, this program reads ${SCHEMA_VERSION}; ${remedy}`;
    throw new DnsvalveError('DATABASE', `history ${path}: ${text}`);
  }
}

/**
 * The store of overrides: the only writer of overrides.db, on the main thread. What `write` returns
 * from is on the disk, and survives the machine's end.
 *
 * The file is made by the first write. One that is there and cannot be read is fatal: without it
 * nobody knows what is quarantined (fail closed). After an error of the disk it is opened anew, and
 * must be the file that it was: another one at its path would lack what this one has.
 */

import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { DnsvalveError, messageOf } from '../errors.ts';
import { sqliteCode } from '../history/open.ts';
import type { OverridesRead } from './read.ts';
import type { ExceptionRecord, QuarantineRecord, Transition } from './records.ts';
import {
  exceptionOf,
  exceptionRow,
  quarantineOf,
  quarantineRow,
  type Row,
  transitionRow,
} from './rows.ts';
import { OVERRIDES_APPLICATION_ID, OVERRIDES_SCHEMA_VERSION, STEPS } from './schema.ts';

/** Who reads a list holds the file for less. */
const BUSY_MS = 500;

// The log is copied back between acts and not by one of them, which would wait for two syncs more.
const PRAGMAS = ['journal_mode = WAL', 'synchronous = FULL', 'wal_autocheckpoint = 0'];
/** Writes between two copies of the log, four pages each or so. */
const CHECKPOINT_WRITES = 25;
const CHECKPOINT_DELAY_MS = 300;

/** What one transaction writes; each list may be empty. */
export interface Writing {
  readonly exceptions: readonly ExceptionRecord[];
  readonly quarantines: readonly QuarantineRecord[];
  readonly transitions: readonly Transition[];
}

export class OverridesStore {
  readonly path: string;
  #db: Database.Database | null = null;
  #writes = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Transitions that the file has; 0 before there is one. */
  #transitions = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws DnsvalveError DATABASE for a file that is there and cannot be used */
  static open(path: string): OverridesStore {
    const store = new OverridesStore(path);
    if (!existsSync(path)) return store;
    try {
      store.#connect();
    } catch (error) {
      const why = error instanceof DnsvalveError ? error.message : messageOf(error);
      const remedy = 'restore it, or move it away to start with nothing open and nothing contained';
      throw new DnsvalveError('DATABASE', `overrides ${path}: ${why}; ${remedy}`, error);
    }
    return store;
  }

  /** All records, in the order of their numbers. */
  read(): OverridesRead {
    const db = this.#db;
    if (db === null) return { exceptions: [], quarantines: [] };
    const rows = (table: string): Row[] =>
      db.prepare(`SELECT * FROM ${table} ORDER BY number`).all() as Row[];
    return {
      exceptions: rows('exception').map(exceptionOf),
      quarantines: rows('quarantine').map(quarantineOf),
    };
  }

  /** All of it or nothing. @throws what SQLite and the file system say */
  write({ exceptions, quarantines, transitions }: Writing): void {
    try {
      this.#write({ exceptions, quarantines, transitions });
    } catch (error) {
      // A full or busy disk needs no new connection; after anything else the old one is dead.
      if (!/^SQLITE_(FULL|BUSY)/.test(sqliteCode(error))) this.close();
      throw error;
    }
    this.#transitions += transitions.length;
  }

  #write({ exceptions, quarantines, transitions }: Writing): void {
    const db = this.#connect();
    const run = db.transaction(() => {
      for (const record of exceptions)
        put(db, 'INSERT OR REPLACE INTO exception', exceptionRow(record));
      for (const record of quarantines)
        put(db, 'INSERT OR REPLACE INTO quarantine', quarantineRow(record));
      for (const step of transitions) put(db, 'INSERT INTO transition', transitionRow(step));
    });
    run.immediate();
    this.#writes++;
    if (this.#writes < CHECKPOINT_WRITES || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#checkpoint(), CHECKPOINT_DELAY_MS);
    this.#timer.unref();
  }

  /** A reader may keep it from all of it: then the next one copies the rest. */
  #checkpoint(): void {
    this.#timer = null;
    this.#writes = 0;
    try {
      this.#db?.pragma('wal_checkpoint(PASSIVE)');
    } catch {
      // The log has everything, and is copied later or at the end.
    }
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const db = this.#db;
    this.#db = null;
    try {
      db?.close();
    } catch {
      // Nothing can be done about a handle that does not close.
    }
  }

  #connect(): Database.Database {
    if (this.#db !== null) return this.#db;
    const isAgain = this.#transitions > 0;
    if (!isAgain) makeDirectory(dirname(this.path));
    const db = new Database(this.path, { timeout: BUSY_MS, fileMustExist: isAgain });
    try {
      prepare(db);
      const transitions = Number(db.prepare('SELECT count(*) FROM transition').pluck().get());
      if (transitions < this.#transitions) {
        throw new DnsvalveError('DATABASE', `${this.path}: not the file that was open before`);
      }
      this.#transitions = transitions;
    } catch (error) {
      db.close();
      throw error;
    }
    this.#db = db;
    return db;
  }
}

/** Node's own recursive form never returns where a parent cannot be made (`/proc/none`). */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

function prepare(db: Database.Database): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  const application = Number(db.pragma('application_id', { simple: true }));
  const tables = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (application !== OVERRIDES_APPLICATION_ID && tables > 0) {
    throw new DnsvalveError('DATABASE', 'a database of another program');
  }
  if (version > OVERRIDES_SCHEMA_VERSION) {
    const text = `schema version ${version} is newer than ${OVERRIDES_SCHEMA_VERSION}`;
    throw new DnsvalveError('DATABASE', `${text}, which this program knows`);
  }
  const sound = db.pragma('quick_check(1)', { simple: true });
  if (sound !== 'ok') throw new DnsvalveError('DATABASE', String(sound));
  for (const pragma of PRAGMAS) db.pragma(pragma);
  if (version === OVERRIDES_SCHEMA_VERSION) return;
  const upgrade = db.transaction(() => {
    for (const sql of STEPS.slice(version)) db.exec(sql);
    db.pragma(`application_id = ${OVERRIDES_APPLICATION_ID}`);
    db.pragma(`user_version = ${OVERRIDES_SCHEMA_VERSION}`);
  });
  upgrade.immediate();
}

function put(db: Database.Database, into: string, row: Row): void {
  const names = Object.keys(row);
  const values = names.map((name) => `@${name}`).join(', ');
  db.prepare(`${into} (${names.join(', ')}) VALUES (${values})`).run(row);
}

/**
 * Gives free pages of the history back to the disk. While the daemon writes only in short steps,
 * which a file can do that keeps a map of its pages (`auto_vacuum = INCREMENTAL`); any other file
 * is written anew as a whole, which nobody may have open meanwhile, and has the map from then on.
 *
 * New files have no map: the recorder would pay for it with every page, and it uses free pages
 * itself. Only who makes the history smaller for good, by a shorter retention, needs any of this.
 */

import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { DnsvalveError, messageOf } from '../errors.ts';
import { sqliteCode } from './open.ts';
import { openForReading } from './reader.ts';

/** Of `auto_vacuum`. */
const INCREMENTAL = 2;
/** A step holds the writer up; it has 50 ms before anybody should notice, and waits up to 200. */
const STEP_MS = 20;
/** Pages of the first step, and bounds of what follows from how long each took. */
const PAGES = { first: 32, min: 8, max: 1024 } as const;
/** Between two steps, so that a writer who waited has its turn. */
const PAUSE_MS = 50;
/** How long a commit of the daemon is waited for, ms. */
const BUSY_MS = 2000;

export interface Vacuumed {
  readonly how: 'steps' | 'whole';
  readonly octetsBefore: number;
  readonly octetsAfter: number;
  /** Of steps: how many, and the longest of them. */
  readonly steps: number;
  readonly longestMs: number;
}

/** @throws DnsvalveError DATABASE when it cannot be done now; then the file is as it was */
export async function vacuum(path: string): Promise<Vacuumed> {
  openForReading(path).close(); // says what is wrong with a file that is not ours
  const octetsBefore = statSync(path).size;
  const db = new Database(path, { fileMustExist: true, timeout: BUSY_MS });
  try {
    const isMapped = db.pragma('auto_vacuum', { simple: true }) === INCREMENTAL;
    const done = isMapped ? await inSteps(db) : asAWhole(db);
    return { ...done, octetsBefore, octetsAfter: statSync(path).size };
  } catch (error) {
    if (error instanceof DnsvalveError) throw error;
    throw new DnsvalveError('DATABASE', `history ${path}: ${messageOf(error)}`, error);
  } finally {
    db.close();
  }
}

type Done = Pick<Vacuumed, 'how' | 'steps' | 'longestMs'>;

async function inSteps(db: Database.Database): Promise<Done> {
  let steps = 0;
  let longestMs = 0;
  let pages: number = PAGES.first;
  let left = freePages(db);
  while (left > 0) {
    const startedMs = performance.now();
    db.pragma(`incremental_vacuum(${pages})`);
    const tookMs = performance.now() - startedMs;
    steps++;
    longestMs = Math.max(longestMs, tookMs);
    pages = nextPages(pages, tookMs);
    const now = freePages(db);
    // The recorder takes and frees pages as well: where it frees faster, this must end too.
    if (now >= left) break;
    left = now;
    await pause(PAUSE_MS);
  }
  // Until the log is in the file, the file is as long as it was.
  db.pragma('wal_checkpoint(PASSIVE)');
  return { how: 'steps', steps, longestMs };
}

/** Half of them after a step that was too long, twice as many after one that was very short. */
export function nextPages(pages: number, tookMs: number): number {
  if (tookMs > STEP_MS) return Math.max(PAGES.min, pages >>> 1);
  return tookMs < STEP_MS / 4 ? Math.min(PAGES.max, pages * 2) : pages;
}

function freePages(db: Database.Database): number {
  return Number(db.pragma('freelist_count', { simple: true }));
}

function asAWhole(db: Database.Database): Done {
  takeAlone(db);
  db.pragma(`auto_vacuum = ${INCREMENTAL}`);
  db.exec('VACUUM');
  return { how: 'whole', steps: 0, longestMs: 0 };
}

/** A file that others have open does not leave its log: so nobody has, and nobody will get in. */
function takeAlone(db: Database.Database): void {
  try {
    db.pragma('busy_timeout = 0');
    db.pragma('journal_mode = DELETE');
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE; COMMIT');
  } catch (error) {
    if (!sqliteCode(error).startsWith('SQLITE_BUSY')) throw error;
    const why = 'this file is written anew as a whole, and that would hold up whoever writes it';
    const advice = 'stop the daemon, run this once; after that it works while the daemon runs';
    throw new DnsvalveError('DATABASE', `history ${db.name}: in use; ${why}: ${advice}`, error);
  }
}

/** Ledgers as rows: the last state of each, and all that a start needs to put them back. */

import type Database from 'better-sqlite3';
import { isOfDomain } from '../detect/carry.ts';
import type { NamedLedger } from './ledgers.ts';
import { reversedName, textOfReversed } from './names.ts';
import { HistoryQueries } from './queries.ts';
import type { Values } from './statements.ts';

/** The longest that a denial lasts, and then some: what is older says nothing any more. */
const LEDGER_DAYS = 31;
const DAY_SECONDS = 86_400;

const ADD_WORKLOAD = `
INSERT INTO workload (name, first_ms, last_ms) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`;

const WRITE = `
INSERT INTO ledger (workload_id, name_rev, kind, seconds, worth, words)
SELECT id, ?, ?, ?, ?, ? FROM workload WHERE name = ?
ON CONFLICT (workload_id, name_rev, kind) DO UPDATE SET
  seconds = excluded.seconds, worth = excluded.worth, words = excluded.words`;

const READ = `
SELECT w.name AS workload, l.name_rev AS nameRev, l.kind, l.seconds, l.worth, l.words
FROM ledger l JOIN workload w ON w.id = l.workload_id
WHERE l.seconds > ? ORDER BY l.worth DESC LIMIT ?`;

/** A ledger as a start reads it; names are text. */
export interface StoredLedger {
  readonly workload: string;
  /** Registrable domain; null where the ledger is the workload's alone. */
  readonly domain: string | null;
  /** The same as the history has it. */
  readonly nameRev: string;
  readonly kind: number;
  readonly seconds: number;
  readonly worth: number;
  readonly words: Int32Array;
}

interface Raw extends Omit<StoredLedger, 'domain' | 'words'> {
  readonly words: Buffer;
}

/** Rows that one step looks for at most, so that no step takes long. */
const STEP_ROWS = 500;
const PURGE = `
DELETE FROM ledger WHERE (workload_id, name_rev, kind) IN
  (SELECT workload_id, name_rev, kind FROM ledger WHERE seconds < ? LIMIT ${STEP_ROWS})`;

export class LedgerRows {
  readonly #db: Database.Database;
  readonly #transaction: Database.Transaction<(list: readonly NamedLedger[]) => void>;
  readonly #purge: Database.Statement<[number]>;

  constructor(db: Database.Database) {
    this.#db = db;
    const addWorkload = db.prepare<[string, number, number]>(ADD_WORKLOAD);
    const write = db.prepare<[Values]>(WRITE);
    this.#purge = db.prepare<[number]>(PURGE);
    this.#transaction = db.transaction((list) => {
      const added = new Set<string>();
      for (const { workload, domain, kind, seconds, worth, words } of list) {
        if (!added.has(workload)) addWorkload.run(workload, seconds * 1000, seconds * 1000);
        added.add(workload);
        const name = domain === '' ? '' : reversedName(domain);
        write.run([name, kind, seconds, worth, octetsOf(words), workload]);
      }
    });
  }

  /** @throws SqliteError, and nothing of the call is stored */
  store(list: readonly NamedLedger[]): void {
    this.#transaction.immediate(list);
  }

  /** The worthiest that may still matter. @param now wall clock, s @throws SqliteError */
  read(now: number, limit: number): StoredLedger[] {
    const rows = this.#db.prepare<[number, number], Raw>(READ);
    return rows.all(now - LEDGER_DAYS * DAY_SECONDS, limit).map((raw) => ({
      ...raw,
      domain: isOfDomain(raw.kind) === false ? null : textOfReversed(raw.nameRev),
      words: wordsOf(raw.words),
    }));
  }

  /** Names that a workload asked for under a domain, as far as detail is held. */
  names({ workload, nameRev }: StoredLedger, limit: number): string[] {
    return new HistoryQueries(this.#db).names(workload, nameRev, limit).map(({ name }) => name);
  }

  /** @throws SqliteError */
  purge(now: number): void {
    this.#purge.run(now - LEDGER_DAYS * DAY_SECONDS);
  }
}

/** Little-endian, as every machine this runs on: the same memory. */
function octetsOf({ buffer, byteOffset, byteLength }: Int32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function wordsOf(octets: Buffer): Int32Array {
  const words = new Int32Array(Math.floor(octets.length / 4));
  for (let i = 0; i < words.length; i++) words[i] = octets.readInt32LE(i * 4);
  return words;
}

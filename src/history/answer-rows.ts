/** Answers as rows: one for each address, workload and domain; the oldest go beyond the bound. */

import type Database from 'better-sqlite3';
import type { Answer } from './answers.ts';
import { dayOf } from './days.ts';

/** Rows that one step of the purge removes at most. */
const STEP_ROWS = 500;

const ADD_WORKLOAD = `
INSERT INTO workload (name, first_ms, last_ms) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`;

const INSERT = `
INSERT OR IGNORE INTO answer (address, workload_id, name_rev, first_ms, last_ms, last_day, count)
VALUES (?, ?, ?, ?, ?, ?, ?)`;

const UPDATE = `
UPDATE answer SET first_ms = min(first_ms, ?), last_ms = max(last_ms, ?), count = count + ?
WHERE address = ? AND workload_id = ? AND name_rev = ?`;

const MOVE_DAY = `
UPDATE answer SET last_day = ?
WHERE address = ? AND workload_id = ? AND name_rev = ? AND last_day < ?`;

const DELETE = `
DELETE FROM answer WHERE (address, workload_id, name_rev) IN
  (SELECT address, workload_id, name_rev FROM answer INDEXED BY answer_by_day
   WHERE last_day < ? ORDER BY last_day LIMIT ?)`;

type Values = readonly (Buffer | string | number)[];

export class AnswerRows {
  readonly #max: number;
  readonly #addWorkload: Database.Statement<[string, number, number]>;
  readonly #findWorkload: Database.Statement<[string], number>;
  readonly #insert: Database.Statement<[Values]>;
  readonly #update: Database.Statement<[Values]>;
  readonly #moveDay: Database.Statement<[Values]>;
  readonly #delete: Database.Statement<[number, number]>;
  readonly #transaction: Database.Transaction<(list: readonly Answer[]) => number>;
  #count: number;

  /** @param max rows kept; beyond it those that were told of longest ago go */
  constructor(db: Database.Database, max: number) {
    this.#max = max;
    this.#addWorkload = db.prepare(ADD_WORKLOAD);
    this.#findWorkload = db
      .prepare<[string], number>('SELECT id FROM workload WHERE name = ?')
      .pluck();
    this.#insert = db.prepare<[Values]>(INSERT);
    this.#update = db.prepare<[Values]>(UPDATE);
    this.#moveDay = db.prepare<[Values]>(MOVE_DAY);
    this.#delete = db.prepare(DELETE);
    this.#count = Number(db.prepare('SELECT count(*) FROM answer').pluck().get());
    this.#transaction = db.transaction((list) => {
      let added = 0;
      for (const answer of list) if (this.#storeOne(answer)) added++;
      return added;
    });
  }

  /** @throws SqliteError, and nothing of the call is stored */
  store(list: readonly Answer[]): void {
    this.#count += this.#transaction.immediate(list);
  }

  /** One short step. @returns whether there may be more @throws SqliteError */
  purge(beforeMs: number): boolean {
    const old = this.#delete.run(dayOf(beforeMs), STEP_ROWS).changes;
    const over = Math.min(Math.max(this.#count - old - this.#max, 0), STEP_ROWS);
    const more = over === 0 ? 0 : this.#delete.run(Number.MAX_SAFE_INTEGER, over).changes;
    this.#count -= old + more;
    return old === STEP_ROWS || this.#count > this.#max;
  }

  /** @returns whether it is a new row */
  #storeOne({ address, workload, name, firstMs, lastMs, count }: Answer): boolean {
    this.#addWorkload.run(workload.name, firstMs, lastMs);
    const id = this.#findWorkload.get(workload.name) ?? 0;
    const day = dayOf(lastMs);
    const key = [address, id, name];
    if (this.#insert.run([...key, firstMs, lastMs, day, count]).changes > 0) return true;
    this.#update.run([firstMs, lastMs, count, ...key]);
    this.#moveDay.run([day, ...key, day]);
    return false;
  }
}

/**
 * The writer's statements, prepared once per connection. SQL only; what the values mean is
 * `writer.ts`'s business.
 */

import type Database from 'better-sqlite3';
import { FILTER_SHIFT } from './filters.ts';
import { NAME_SHIFT, PAIR_SHIFT } from './migrations.ts';

export type Named = Record<string, unknown>;
export type Values = readonly (number | string | Uint8Array | null)[];

const WORKLOAD = `
INSERT INTO workload (name, first_ms, last_ms, domains, allowed, denied, would_deny, failed, cached)
VALUES (@name, @firstMs, @lastMs, @domains, @allowed, @denied, @wouldDeny, @failed, @cached)
ON CONFLICT (name) DO UPDATE SET
  first_ms = min(first_ms, @firstMs), last_ms = max(last_ms, @lastMs),
  domains = domains + @domains, allowed = allowed + @allowed, denied = denied + @denied,
  would_deny = would_deny + @wouldDeny, failed = failed + @failed, cached = cached + @cached`;

const HEARD = 'INSERT INTO heard (workload_id, newest_ms, id, more) VALUES (?, ?, ?, ?)';

/** Stretches of the index by name that one filter is about. */
const STRETCHES = 2 ** (FILTER_SHIFT - PAIR_SHIFT);

// Values are bound by position as written: binding names costs more than the row itself.
const FIND_PAIR = `
SELECT id, names, first_name, first_ms, last_ms, last_day, unusual FROM pair INDEXED BY pair_by_name
WHERE (id >> ${PAIR_SHIFT}) IN (${list(STRETCHES, (i) => `? + ${i}`)})
  AND name_rev = ? AND workload_id = ?`;

const UPDATE_PAIR = `
UPDATE pair SET last_ms = max(last_ms, ?), allowed = allowed + ?, denied = denied + ?,
  would_deny = would_deny + ?, failed = failed + ?, cached = cached + ?, folded = folded + ?,
  answers = coalesce(answers, ?), names = coalesce(?, names)
WHERE id = ?`;

// Most of what comes about a known pair: half the values, half the time.
const COUNT_PAIR = `
UPDATE pair SET last_ms = max(last_ms, ?), allowed = allowed + ?, cached = cached + ? WHERE id = ?`;

// The same with new names below it: one rewrite of the row for both.
const GROW_PAIR = `
UPDATE pair SET last_ms = max(last_ms, ?), allowed = allowed + ?, cached = cached + ?, names = ?
WHERE id = ?`;

// The facts of the first query go with the earliest time, whatever order rows arrive in.
const EARLIER_PAIR = 'UPDATE pair SET first_ms = ?, first_name = ?, first = ? WHERE id = ?';

// Once a day and pair: what was counted until then belongs to the days before.
const READ_DAYS = `
SELECT first_ms, last_day, allowed, denied, would_deny, failed, days FROM pair WHERE id = ?`;
const WRITE_DAY = 'UPDATE pair SET last_day = ?, days = ? WHERE id = ?';
// All that was counted is of the last day, though the first query was not.
const NO_DAYS = "UPDATE pair SET days = coalesce(days, x'00000000') WHERE id = ?";
const WRITE_UNUSUAL = 'UPDATE pair SET unusual = ? WHERE id = ?';

// The second is for a pair that is more than some allowed queries.
const INSERT_PAIRS = `
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, names,
  first_name, first)
VALUES `;
const INSERT_WHOLE_PAIRS = `
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, names,
  first_name, first, denied, would_deny, failed, cached, folded, answers,
  unusual)
VALUES `;

// A row of its own for the detail that the pair's row stood for (`SOLE_NAME`).
const UNFOLD_SOLE = `
INSERT INTO name (id, pair_id, name_rev, first_ms, last_ms, allowed, denied, would_deny, failed)
SELECT ?, id, first_name, first_ms, last_ms, allowed, denied, would_deny, failed
FROM pair WHERE id = ?`;

const UNFOLDED = 'UPDATE pair SET names = 1 WHERE id = ?';

const FIND_NAME = `
SELECT id FROM name INDEXED BY name_by_pair
WHERE (id >> ${NAME_SHIFT}) = ? AND pair_id = ? AND name_rev = ?`;

const UPDATE_NAME = `
UPDATE name SET last_ms = max(last_ms, ?), allowed = allowed + ?, denied = denied + ?,
  would_deny = would_deny + ?, failed = failed + ?, first_ms = min(first_ms, ?)
WHERE id = ?`;

const INSERT_NAMES = `
INSERT INTO name (id, pair_id, name_rev, first_ms, last_ms, allowed, denied, would_deny, failed)
VALUES `;

const ADD_POLICY = 'INSERT OR IGNORE INTO policy (revision, loaded_ms) VALUES (?, ?)';
const FIND_POLICY = 'SELECT id FROM policy WHERE revision = ? AND loaded_ms = ?';

/** Of a row that is there: id, names, first_name, first_ms, last_ms, last_day, unusual. */
export type FoundPair = readonly [number, number, string, number, number, number, number];

type DaysRow = readonly [number, number, number, number, number, number, Buffer | null];

export interface Statements {
  readonly writeWorkload: Database.Statement<[Named]>;
  readonly findWorkload: Database.Statement<[string], number>;
  readonly writeHeard: Database.Statement<[Values]>;
  /** Gives nothing where there is no row. */
  readonly findPair: Database.Statement<[Values], FoundPair>;
  readonly updatePair: Database.Statement<[Values]>;
  readonly countPair: Database.Statement<[Values]>;
  readonly growPair: Database.Statement<[Values]>;
  readonly earlierPair: Database.Statement<[Values]>;
  readonly readDays: Database.Statement<[number], DaysRow>;
  readonly writeDay: Database.Statement<[Values]>;
  readonly noDays: Database.Statement<[number]>;
  readonly writeUnusual: Database.Statement<[Values]>;
  readonly unfoldSole: Database.Statement<[Values]>;
  readonly writeUnfolded: Database.Statement<[number]>;
  readonly findName: Database.Statement<[Values], number>;
  readonly updateName: Database.Statement<[Values]>;
  readonly addPolicy: Database.Statement<[number, number]>;
  readonly findPolicy: Database.Statement<[number, number], number>;
  readonly pairs: Batch;
  readonly wholePairs: Batch;
  readonly names: Batch;
  readonly ruleKey: (text: string) => number;
}

export function prepareStatements(db: Database.Database): Statements {
  return {
    writeWorkload: db.prepare<[Named]>(WORKLOAD),
    findWorkload: db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?').pluck(),
    writeHeard: db.prepare<[Values]>(HEARD),
    findPair: db.prepare<[Values], FoundPair>(FIND_PAIR).raw(),
    updatePair: db.prepare<[Values]>(UPDATE_PAIR),
    countPair: db.prepare<[Values]>(COUNT_PAIR),
    growPair: db.prepare<[Values]>(GROW_PAIR),
    earlierPair: db.prepare<[Values]>(EARLIER_PAIR),
    readDays: db.prepare<[number], DaysRow>(READ_DAYS).raw(),
    writeDay: db.prepare<[Values]>(WRITE_DAY),
    noDays: db.prepare<[number]>(NO_DAYS),
    writeUnusual: db.prepare<[Values]>(WRITE_UNUSUAL),
    unfoldSole: db.prepare<[Values]>(UNFOLD_SOLE),
    writeUnfolded: db.prepare<[number]>(UNFOLDED),
    findName: db.prepare<[Values], number>(FIND_NAME).pluck(),
    updateName: db.prepare<[Values]>(UPDATE_NAME),
    addPolicy: db.prepare<[number, number]>(ADD_POLICY),
    findPolicy: db.prepare<[number, number], number>(FIND_POLICY).pluck(),
    pairs: new Batch(db, INSERT_PAIRS, 10),
    wholePairs: new Batch(db, INSERT_WHOLE_PAIRS, 17),
    names: new Batch(db, INSERT_NAMES, 9),
    ruleKey: interner(db, 'rule', 'text'),
  };
}

/**
 * Rows of one table, inserted eight with a statement: 2.6 us a row of ten values where a statement
 * for each takes 5.4. What is added is in the table after `end`.
 */
export class Batch {
  readonly #width: number;
  readonly #many: Database.Statement<[Values]>;
  readonly #one: Database.Statement<[Values]>;
  readonly #values: (number | string | Uint8Array | null)[] = [];

  constructor(db: Database.Database, sql: string, width: number) {
    const row = `(${list(width, () => '?')})`;
    this.#width = width;
    this.#many = db.prepare<[Values]>(sql + list(BATCH_ROWS, () => row));
    this.#one = db.prepare<[Values]>(sql + row);
  }

  /** Rows that wait. */
  get rows(): number {
    return Math.floor(this.#values.length / this.#width);
  }

  /** Adds some of a row's values. */
  add(...values: Values): void {
    for (const value of values) this.#values.push(value);
  }

  endRow(): void {
    if (this.#values.length < BATCH_ROWS * this.#width) return;
    this.#many.run(this.#values);
    this.clear();
  }

  end(): void {
    for (let at = 0; at < this.#values.length; at += this.#width) {
      this.#one.run(this.#values.slice(at, at + this.#width));
    }
    this.clear();
  }

  clear(): void {
    this.#values.length = 0;
  }
}

export const BATCH_ROWS = 8;

function list(count: number, item: (index: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(', ');
}

/** Gets or makes the key of an interned string; one statement where it is new. */
export function interner(db: Database.Database, table: string, column: string) {
  const find = db.prepare<[string], number>(`SELECT id FROM ${table} WHERE ${column} = ?`).pluck();
  const add = db.prepare<[string]>(`INSERT OR IGNORE INTO ${table} (${column}) VALUES (?)`);
  return (text: string): number => {
    const { changes, lastInsertRowid } = add.run(text);
    return changes > 0 ? Number(lastInsertRowid) : (find.get(text) ?? 0);
  };
}

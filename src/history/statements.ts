/**
 * The writer's statements, prepared once per connection. SQL only; what the values mean is
 * `writer.ts`'s business.
 */

import type Database from 'better-sqlite3';

export type Named = Record<string, unknown>;
export type Values = readonly (number | string | Uint8Array | null)[];

const WORKLOAD = `
INSERT INTO workload (name, first_ms, last_ms, domains, allowed, denied, would_deny, failed, cached)
VALUES (@name, @firstMs, @lastMs, @domains, @allowed, @denied, @wouldDeny, @failed, @cached)
ON CONFLICT (name) DO UPDATE SET
  first_ms = min(first_ms, @firstMs), last_ms = max(last_ms, @lastMs),
  domains = domains + @domains, allowed = allowed + @allowed, denied = denied + @denied,
  would_deny = would_deny + @wouldDeny, failed = failed + @failed, cached = cached + @cached`;

// Values are bound by position in the order of `tallyValues` and then as written: binding eighteen
// names costs more than the row itself.
const COUNTS = `
  last_ms = max(last_ms, ?), allowed = allowed + ?, denied = denied + ?,
  would_deny = would_deny + ?, failed = failed + ?`;

const FIND_PAIR = `
SELECT first_ms, names, first_name, last_day FROM pair WHERE workload_id = ? AND domain_id = ?`;

const UPDATE_PAIR = `
UPDATE pair SET ${COUNTS},
  cached = cached + ?, folded = folded + ?, answers = coalesce(answers, ?)
WHERE workload_id = ? AND domain_id = ?`;

// The facts of the first query go with the earliest time, whatever order rows arrive in.
const EARLIER_PAIR = `
UPDATE pair SET first_ms = ?, first_source = ?, first_qtype = ?, first_verdict = ?, first_name = ?,
  policy_id = ?, rule_id = ?
WHERE workload_id = ? AND domain_id = ?`;

const INSERT_PAIR = `
INSERT INTO pair (last_ms, allowed, denied, would_deny, failed, cached, folded, answers,
  workload_id, domain_id, first_ms, first_source, first_qtype, first_verdict, first_name,
  policy_id, rule_id, names, last_day)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const WRITE_DAY = 'UPDATE pair SET last_day = ? WHERE workload_id = ? AND domain_id = ?';

// A row of its own for the detail that the pair's row stood for (`SOLE_NAME`).
const UNFOLD_SOLE = `
INSERT INTO name (last_ms, allowed, denied, would_deny, failed, first_ms, workload_id, domain_id,
  name_rev)
SELECT last_ms, allowed, denied, would_deny, failed, first_ms, workload_id, domain_id, first_name
FROM pair WHERE workload_id = ? AND domain_id = ?`;

const NAME_DETAIL = `
UPDATE pair SET names = ?, folded = folded + ? WHERE workload_id = ? AND domain_id = ?`;

const UPDATE_NAME = `
UPDATE name SET ${COUNTS}, first_ms = min(first_ms, ?)
WHERE workload_id = ? AND domain_id = ? AND name_rev = ?`;

const INSERT_NAME = `
INSERT INTO name (last_ms, allowed, denied, would_deny, failed, first_ms, workload_id, domain_id,
  name_rev)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const ADD_POLICY = 'INSERT OR IGNORE INTO policy (revision, loaded_ms) VALUES (?, ?)';
const FIND_POLICY = 'SELECT id FROM policy WHERE revision = ? AND loaded_ms = ?';

/** Of a row that is there: first_ms, names, first_name, last_day. */
export type KnownPair = readonly [number, number, string, number];

export interface Statements {
  readonly writeWorkload: Database.Statement<[Named]>;
  readonly findWorkload: Database.Statement<[string], number>;
  /** Gives nothing where there is no row. */
  readonly findPair: Database.Statement<[Values], KnownPair>;
  readonly updatePair: Database.Statement<[Values]>;
  readonly earlierPair: Database.Statement<[Values]>;
  readonly insertPair: Database.Statement<[Values]>;
  readonly writeDay: Database.Statement<[Values]>;
  readonly unfoldSole: Database.Statement<[Values]>;
  readonly writeDetail: Database.Statement<[Values]>;
  readonly updateName: Database.Statement<[Values]>;
  readonly insertName: Database.Statement<[Values]>;
  readonly addPolicy: Database.Statement<[number, number]>;
  readonly findPolicy: Database.Statement<[number, number], number>;
  readonly domainKey: (reversed: string) => Interned;
  readonly ruleKey: (text: string) => Interned;
}

export function prepareStatements(db: Database.Database): Statements {
  return {
    writeWorkload: db.prepare<[Named]>(WORKLOAD),
    findWorkload: db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?').pluck(),
    findPair: db.prepare<[Values], KnownPair>(FIND_PAIR).raw(),
    updatePair: db.prepare<[Values]>(UPDATE_PAIR),
    earlierPair: db.prepare<[Values]>(EARLIER_PAIR),
    insertPair: db.prepare<[Values]>(INSERT_PAIR),
    writeDay: db.prepare<[Values]>(WRITE_DAY),
    unfoldSole: db.prepare<[Values]>(UNFOLD_SOLE),
    writeDetail: db.prepare<[Values]>(NAME_DETAIL),
    updateName: db.prepare<[Values]>(UPDATE_NAME),
    insertName: db.prepare<[Values]>(INSERT_NAME),
    addPolicy: db.prepare<[number, number]>(ADD_POLICY),
    findPolicy: db.prepare<[number, number], number>(FIND_POLICY).pluck(),
    domainKey: interner(db, 'domain', 'name_rev'),
    ruleKey: interner(db, 'rule', 'text'),
  };
}

/** Key of an interned string; `isNew` where the call made it. */
export interface Interned {
  readonly id: number;
  readonly isNew: boolean;
}

/** Gets or makes the key of an interned string; one statement where it is new. */
function interner(db: Database.Database, table: string, column: string) {
  const find = db.prepare<[string], number>(`SELECT id FROM ${table} WHERE ${column} = ?`).pluck();
  const add = db.prepare<[string]>(`INSERT OR IGNORE INTO ${table} (${column}) VALUES (?)`);
  return (text: string): Interned => {
    const { changes, lastInsertRowid } = add.run(text);
    if (changes > 0) return { id: Number(lastInsertRowid), isNew: true };
    return { id: find.get(text) ?? 0, isNew: false };
  };
}

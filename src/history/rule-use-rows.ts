/** Uses of rules as rows: one for each (workload, rule), counted up. */

import type Database from 'better-sqlite3';
import type { RuleUse } from './rule-uses.ts';
import { interner } from './statements.ts';

const ADD_WORKLOAD = `
INSERT INTO workload (name, first_ms, last_ms) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`;
const FIND_WORKLOAD = 'SELECT id FROM workload WHERE name = ?';
const WRITE = `
INSERT INTO rule_use (workload_id, rule_id, first_ms, last_ms, queries) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (workload_id, rule_id) DO UPDATE SET first_ms = min(first_ms, excluded.first_ms),
  last_ms = max(last_ms, excluded.last_ms), queries = queries + excluded.queries`;
const BEGIN = `
INSERT INTO rule_use_since SELECT ? WHERE NOT EXISTS (SELECT 1 FROM rule_use_since)`;

export class RuleUseRows {
  readonly #addWorkload: Database.Statement<[string, number, number]>;
  readonly #findWorkload: Database.Statement<[string], number>;
  readonly #write: Database.Statement<[number, number, number, number, number]>;
  readonly #begin: Database.Statement<[number]>;
  readonly #ruleKey: (text: string) => number;
  readonly #transaction: Database.Transaction<(list: readonly RuleUse[], nowMs: number) => void>;

  constructor(db: Database.Database) {
    this.#addWorkload = db.prepare(ADD_WORKLOAD);
    this.#findWorkload = db.prepare<[string], number>(FIND_WORKLOAD).pluck();
    this.#write = db.prepare(WRITE);
    this.#begin = db.prepare(BEGIN);
    this.#ruleKey = interner(db, 'rule', 'text');
    this.#transaction = db.transaction((list, nowMs) => {
      this.#begin.run(Math.floor(nowMs));
      for (const use of list) this.#storeOne(use);
    });
  }

  /** @param nowMs since when uses are kept, the first time @throws SqliteError */
  store(list: readonly RuleUse[], nowMs: number): void {
    this.#transaction.immediate(list, nowMs);
  }

  #storeOne({ workload: { name }, rule, firstMs, lastMs, queries }: RuleUse): void {
    const [first, last] = [Math.floor(firstMs), Math.floor(lastMs)];
    let id = this.#findWorkload.get(name);
    if (id === undefined) {
      this.#addWorkload.run(name, first, last);
      id = this.#findWorkload.get(name) ?? 0;
    }
    this.#write.run(id, this.#ruleKey(rule), first, last, queries);
  }
}

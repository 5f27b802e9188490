/**
 * Findings as rows: all that was said within an hour about the same thing is one. A transaction of
 * their own, so that trouble with one of them never holds up a first sight.
 */

import type Database from 'better-sqlite3';
import { detectorOf } from '../detect/detectors.ts';
import type { FactsNames } from './decisions.ts';
import type { Finding } from './found.ts';
import { reversedName } from './names.ts';
import type { Values } from './statements.ts';

/** Time that one row covers, ms. */
export const ROW_SPAN_MS = 3_600_000;

/** Rows that one step of the purge removes at most: about 2 ms. */
const STEP_ROWS = 500;

const ADD_WORKLOAD = `
INSERT INTO workload (name, first_ms, last_ms) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`;

const FIND = `
SELECT id FROM finding WHERE workload_id = ? AND name_rev = ? AND type = ? AND last_ms >= ?
  AND found_ms > ? AND (? = 0 OR rule_id = ?)
ORDER BY last_ms DESC LIMIT 1`;

const INSERT = `
INSERT INTO finding (workload_id, name_rev, type, rule_id, found_ms, first_ms, last_ms, count,
  denied, score, threshold, parts, full_rev, qtype, source)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const COUNT = `
UPDATE finding SET last_ms = max(last_ms, ?), count = count + ?, denied = denied + ? WHERE id = ?`;

// Only by one that is as bad: a low reputation is worse.
const RAISE = `
UPDATE finding SET score = ?, threshold = ?, parts = ? WHERE id = ? AND score * ? <= ?`;

// A query that was denied is graver than one that was not.
const SHOW = `
UPDATE finding SET rule_id = ?, full_rev = ?, qtype = ?, source = ?
WHERE id = ? AND (? > 0 OR denied = 0)`;

const PURGE = `
DELETE FROM finding WHERE id IN
  (SELECT id FROM finding WHERE last_ms < ? ORDER BY last_ms LIMIT ${STEP_ROWS})`;

type Run = Database.Statement<[Values]>;

export class FindingRows {
  readonly #names: FactsNames;
  readonly #addWorkload: Database.Statement<[string, number, number]>;
  readonly #findWorkload: Database.Statement<[string], number>;
  readonly #addRule: Database.Statement<[string]>;
  readonly #findRule: Database.Statement<[string], number>;
  readonly #find: Database.Statement<[Values], number>;
  readonly #insert: Run;
  readonly #count: Run;
  readonly #raise: Run;
  readonly #show: Run;
  readonly #purge: Database.Statement<[number]>;
  readonly #transaction: Database.Transaction<(list: readonly Finding[]) => void>;
  /** Keys by text, of the transaction that runs: what it made is gone where it fails. */
  readonly #workloads = new Map<string, number>();
  readonly #rules = new Map<string, number>();

  constructor(db: Database.Database, names: FactsNames) {
    this.#names = names;
    this.#addWorkload = db.prepare(ADD_WORKLOAD);
    this.#findWorkload = db
      .prepare<[string], number>('SELECT id FROM workload WHERE name = ?')
      .pluck();
    this.#addRule = db.prepare('INSERT OR IGNORE INTO rule (text) VALUES (?)');
    this.#findRule = db.prepare<[string], number>('SELECT id FROM rule WHERE text = ?').pluck();
    this.#find = db.prepare<[Values], number>(FIND).pluck();
    this.#insert = db.prepare<[Values]>(INSERT);
    this.#count = db.prepare<[Values]>(COUNT);
    this.#raise = db.prepare<[Values]>(RAISE);
    this.#show = db.prepare<[Values]>(SHOW);
    this.#purge = db.prepare<[number]>(PURGE);
    this.#transaction = db.transaction((list) => {
      this.#workloads.clear();
      this.#rules.clear();
      for (const found of list) this.#storeOne(found);
    });
  }

  /** @throws SqliteError, and nothing of the call is stored */
  store(list: readonly Finding[]): void {
    this.#transaction.immediate(list);
  }

  /** @returns whether there may be more @throws SqliteError */
  purge(beforeMs: number): boolean {
    return this.#purge.run(beforeMs).changes === STEP_ROWS;
  }

  #storeOne(found: Finding): void {
    const { type, facts, denied, count } = found;
    const { score, threshold } = found.score;
    const times = [found.foundMs, found.firstMs, found.lastMs].map(Math.floor);
    const lastMs = Math.floor(found.lastMs);
    const workloadId = this.#workloadId(found.workload.name, lastMs);
    const ruleId = this.#ruleId(found);
    const name = found.isOfDomain ? reversedName(found.domain) : '';
    const { scope, sign } = detectorOf(type);
    const keyRule = scope === 'rule' ? ruleId : 0;
    const sinceMs = lastMs - ROW_SPAN_MS;
    const id = this.#find.get([workloadId, name, type, sinceMs, sinceMs, keyRule, keyRule]);
    const parts = packParts(found.score.parts);
    const query = [reversedName(facts.name), facts.qtype, Buffer.from(facts.source, 'latin1')];
    if (id === undefined) {
      const head = [workloadId, name, type, ruleId, ...times, count, denied];
      this.#insert.run([...head, score, threshold, parts, ...query]);
      return;
    }
    this.#show.run([ruleId, ...query, id, denied]);
    this.#raise.run([score, threshold, parts, id, sign, score * sign]);
    this.#count.run([lastMs, count, denied, id]);
  }

  /** A finding may come before the pair that it is about. */
  #workloadId(name: string, ms: number): number {
    const known = this.#workloads.get(name);
    if (known !== undefined) return known;
    this.#addWorkload.run(name, ms, ms);
    const id = this.#findWorkload.get(name) ?? 0;
    this.#workloads.set(name, id);
    return id;
  }

  #ruleId({ facts }: Finding): number {
    const text = this.#names.rule(facts);
    if (text === '') return 0;
    const known = this.#rules.get(text);
    if (known !== undefined) return known;
    this.#addRule.run(text);
    const id = this.#findRule.get(text) ?? 0;
    this.#rules.set(text, id);
    return id;
  }
}

function packParts(parts: readonly number[]): Buffer {
  const octets = Buffer.alloc(parts.length * 4);
  for (const [i, part] of parts.entries()) octets.writeInt32LE(part | 0, i * 4);
  return octets;
}

/** The parts of a row of `finding`; a damaged one has fewer. */
export function unpackParts(octets: Buffer): number[] {
  const count = Math.floor(octets.length / 4);
  return Array.from({ length: count }, (_, i) => octets.readInt32LE(i * 4));
}

/**
 * Writer: gathered pairs into rows, one transaction per call. Exact: the database alone says
 * whether a pair is new.
 *
 * All or nothing: after an error nothing of the call is stored and no memory of it is kept, so the
 * same pairs may be given again. Does not decide when to write or what to do about errors.
 */

import type Database from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import type { PairGather, Tally } from './gather.ts';
import { reversedName, type WireText } from './names.ts';
import type { Facts } from './record.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** Domains whose key is remembered; about 100 octets each. */
const DOMAINS_REMEMBERED = 100_000;

/** What a snapshot's numbers mean, where it is still known. */
export interface FactsNames {
  rule(facts: Facts): string;
  /** When the snapshot was made, ms since the epoch; 0 where it is not known. */
  loadedMs(facts: Facts): number;
}

export interface Stored {
  readonly pair: PairGather;
  readonly isNew: boolean;
  readonly firstSeenMs: number;
}

interface PairState {
  /** Keys of workload and domain. */
  readonly key: readonly [number, number];
  readonly isNew: boolean;
  readonly firstMs: number;
  /** Rows of detail that the pair has. */
  readonly names: number;
}

export class Writer {
  /** Rows inserted or updated by calls that were committed. */
  rowsWritten = 0;
  readonly #transaction: Database.Transaction<(pairs: readonly PairGather[]) => Stored[]>;
  readonly #namesPerDomain: number;
  readonly #names: FactsNames;
  readonly #sql: Statements;
  readonly #domainIds = new LRUCache<WireText, number>({ max: DOMAINS_REMEMBERED });
  readonly #workloadIds = new Map<string, number>();

  constructor(db: Database.Database, namesPerDomain: number, names: FactsNames) {
    this.#namesPerDomain = namesPerDomain;
    this.#names = names;
    this.#sql = prepareStatements(db);
    this.#transaction = db.transaction((pairs) => this.#storeAll(pairs));
  }

  /**
   * Stores the pairs in one transaction.
   *
   * @throws SqliteError, and nothing of the call is stored
   */
  store(pairs: readonly PairGather[]): Stored[] {
    try {
      return this.#transaction.immediate(pairs);
    } catch (error) {
      // Keys that the transaction made are gone with it.
      this.#domainIds.clear();
      this.#workloadIds.clear();
      throw error;
    }
  }

  #storeAll(pairs: readonly PairGather[]): Stored[] {
    let rows = 0;
    const stored = pairs.map((pair) => {
      const state = this.#storePair(pair);
      if (pair.names !== null) this.#storeNames(pair, state, pair.names);
      rows += pair.rows;
      return { pair, isNew: state.isNew, firstSeenMs: state.firstMs };
    });
    this.#storeTotals(stored);
    this.rowsWritten += rows;
    return stored;
  }

  #storePair(pair: PairGather): PairState {
    const sql = this.#sql;
    const { first } = pair;
    const key = [this.#workloadKey(pair), this.#domainKey(pair.domain)] as const;
    const counts = [...tallyValues(pair), pair.cached, pair.folded, pair.answers, ...key];
    const known = sql.updatePair.get(counts);
    const firstMs = Math.floor(pair.firstMs);
    if (known !== undefined && known[0] <= firstMs) {
      return { key, isNew: false, firstMs: known[0], names: known[1] };
    }
    const firstName = nameBelow(first.name, pair.domain);
    const facts = [firstMs, first.source, first.qtype, first.verdict, firstName];
    const decided = this.#decisionKeys(first);
    if (known !== undefined) sql.earlierPair.run([...facts, ...decided, ...key]);
    else sql.insertPair.run([...counts, ...facts, ...decided]);
    return { key, isNew: known === undefined, firstMs, names: known?.[1] ?? 0 };
  }

  /** Keys of the policy and of the rule that decided. */
  #decisionKeys(first: Facts): [number | null, number | null] {
    const loadedMs = Math.floor(this.#names.loadedMs(first));
    const rule = this.#names.rule(first);
    const ruleKey = rule === '' ? null : this.#sql.ruleKey(rule);
    return [this.#policyKey(first.revision, loadedMs), ruleKey];
  }

  #policyKey(revision: number, loadedMs: number): number | null {
    const known = this.#sql.findPolicy.get(revision, loadedMs);
    if (known !== undefined) return known;
    this.#sql.addPolicy.run(revision, loadedMs);
    return this.#sql.findPolicy.get(revision, loadedMs) ?? null;
  }

  #storeNames(pair: PairGather, state: PairState, names: ReadonlyMap<WireText, Tally>): void {
    let count = state.names;
    let folded = 0;
    for (const [name, tally] of names) {
      const values = [...tallyValues(tally), Math.floor(tally.firstMs), ...state.key];
      values.push(nameBelow(name, pair.domain));
      if (this.#sql.updateName.run(values).changes > 0) continue;
      if (count < this.#namesPerDomain) {
        this.#sql.insertName.run(values);
        count += 1;
      } else {
        folded += tally.queries;
      }
    }
    if (count === state.names && folded === 0) return;
    this.#sql.writeDetail.run([count, folded, ...state.key]);
  }

  /** One write per workload and transaction, not one per pair. */
  #storeTotals(stored: readonly Stored[]): void {
    const totals = new Map<string, WorkloadTotal>();
    for (const { pair, isNew } of stored) {
      const total = totals.get(pair.workload) ?? new WorkloadTotal();
      total.addPair(pair);
      if (isNew) total.domains += 1;
      totals.set(pair.workload, total);
    }
    for (const [name, total] of totals) this.#sql.writeWorkload.run({ ...total, name });
  }

  #domainKey(domain: WireText): number {
    let id = this.#domainIds.get(domain);
    if (id === undefined) {
      id = this.#sql.domainKey(reversedName(domain));
      this.#domainIds.set(domain, id);
    }
    return id;
  }

  #workloadKey({ workload: name, firstMs, lastMs }: PairGather): number {
    let id = this.#workloadIds.get(name) ?? this.#sql.findWorkload.get(name);
    if (id === undefined) {
      const times = { firstMs: Math.floor(firstMs), lastMs: Math.floor(lastMs) };
      const run = this.#sql.writeWorkload.run({ ...new WorkloadTotal(), ...times, name });
      id = Number(run.lastInsertRowid);
    }
    this.#workloadIds.set(name, id);
    return id;
  }
}

/** What a transaction adds to a workload's row; the fields are the statement's parameters. */
class WorkloadTotal {
  firstMs = Number.MAX_SAFE_INTEGER;
  lastMs = 0;
  domains = 0;
  allowed = 0;
  denied = 0;
  wouldDeny = 0;
  failed = 0;
  cached = 0;

  addPair(pair: PairGather): void {
    this.firstMs = Math.min(this.firstMs, Math.floor(pair.firstMs));
    this.lastMs = Math.max(this.lastMs, Math.floor(pair.lastMs));
    this.allowed += pair.allowed;
    this.denied += pair.denied;
    this.wouldDeny += pair.wouldDeny;
    this.failed += pair.failed;
    this.cached += pair.cached;
  }
}

/** Last time and counts, in the order that the statements bind them. */
function tallyValues(tally: Tally): (number | string)[] {
  const { allowed, denied, wouldDeny, failed } = tally;
  return [Math.floor(tally.lastMs), allowed, denied, wouldDeny, failed];
}

/** The part of a full name below its domain, reversed; '' is the domain itself. */
function nameBelow(name: WireText, domain: WireText): string {
  const size = name.length - domain.length;
  return size <= 0 ? '' : reversedName(name.slice(0, size));
}

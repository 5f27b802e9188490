/**
 * Writer: gathered pairs into rows, one transaction per call. Exact: the database alone says
 * whether a pair is new.
 *
 * All or nothing: after an error nothing of the call is stored and no memory of it is kept, so the
 * same pairs may be given again. Does not decide when to write or what to do about errors.
 */

import type Database from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { dayOf } from './days.ts';
import type { PairGather, Tally } from './gather.ts';
import { reversedName, SOLE_NAME, type WireText } from './names.ts';
import type { Facts } from './record.ts';
import {
  type Interned,
  type KnownPair,
  prepareStatements,
  type Statements,
  type Values,
} from './statements.ts';

/** Domains whose key is remembered; about 100 octets each. */
const DOMAINS_REMEMBERED = 100_000;

/** Pairs between two calls of `meanwhile`: about 10 ms. */
const MEANWHILE_PAIRS = 500;

/** Rules and policies whose keys are remembered; a fleet's policy has thousands of rules. */
const DECISIONS_REMEMBERED = 10_000;

/** What a snapshot's numbers mean, where it is still known. */
export interface FactsNames {
  rule(facts: Facts): string;
  /** When the snapshot was made, ms since the epoch; 0 where it is not known. */
  loadedMs(facts: Facts): number;
}

export interface WriterSettings {
  /** Full names kept per pair, 0 or more. */
  readonly namesPerDomain: number;
  readonly names: FactsNames;
  /** Called now and then while a transaction runs. */
  readonly meanwhile: () => void;
}

export interface Stored {
  readonly pair: PairGather;
  readonly isNew: boolean;
  readonly firstSeenMs: number;
}

/** Keys of workload and domain. */
type PairKey = readonly [number, number];

interface PairState {
  readonly key: PairKey;
  readonly isNew: boolean;
  readonly firstMs: number;
  /** Rows of detail that the pair has, or SOLE_NAME: what came is in the pair's row already. */
  readonly names: number;
}

export class Writer {
  /** Rows inserted or updated by calls that were committed. */
  rowsWritten = 0;
  readonly #transaction: Database.Transaction<(pairs: readonly PairGather[]) => Stored[]>;
  readonly #namesPerDomain: number;
  readonly #names: FactsNames;
  readonly #meanwhile: () => void;
  readonly #sql: Statements;
  readonly #domainIds = new LRUCache<WireText, number>({ max: DOMAINS_REMEMBERED });
  readonly #workloadIds = new Map<string, number>();
  readonly #ruleIds = new LRUCache<string, number>({ max: DECISIONS_REMEMBERED });
  /** Key is revision and time of loading. */
  readonly #policyIds = new LRUCache<string, number>({ max: DECISIONS_REMEMBERED });

  constructor(db: Database.Database, { namesPerDomain, names, meanwhile }: WriterSettings) {
    this.#namesPerDomain = namesPerDomain;
    this.#names = names;
    this.#meanwhile = meanwhile;
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
      this.#ruleIds.clear();
      this.#policyIds.clear();
      throw error;
    }
  }

  #storeAll(pairs: readonly PairGather[]): Stored[] {
    let rows = 0;
    const stored = pairs.map((pair, i) => {
      if (i % MEANWHILE_PAIRS === MEANWHILE_PAIRS - 1) this.#meanwhile();
      const state = this.#storePair(pair);
      if (pair.names !== null && state.names !== SOLE_NAME)
        this.#storeNames(pair, state, pair.names);
      rows += pair.rows;
      return { pair, isNew: state.isNew, firstSeenMs: state.firstMs };
    });
    this.#storeTotals(stored);
    this.rowsWritten += rows;
    return stored;
  }

  #storePair(pair: PairGather): PairState {
    const domain = this.#domainKey(pair.domain);
    const key = [this.#workloadKey(pair), domain.id] as const;
    // A domain that is new has no pairs: nothing to look for.
    const known = domain.isNew ? undefined : this.#sql.findPair.get(key);
    const counts = [...tallyValues(pair), pair.cached, pair.folded, pair.answers, ...key];
    if (known === undefined) return this.#insertPair(pair, key, counts);
    const [knownMs, , , knownDay] = known;
    const names = this.#namesBefore(pair, key, known);
    this.#sql.updatePair.run(counts);
    const day = dayOf(pair.lastMs);
    if (day > knownDay) this.#sql.writeDay.run([day, ...key]);
    const firstMs = Math.floor(pair.firstMs);
    if (firstMs >= knownMs) return { key, isNew: false, firstMs: knownMs, names };
    const earlierName = nameBelow(pair.first.name, pair.domain);
    this.#sql.earlierPair.run([...this.#firstValues(pair, earlierName), ...key]);
    return { key, isNew: false, firstMs, names };
  }

  #insertPair(pair: PairGather, key: PairKey, counts: Values): PairState {
    const firstName = nameBelow(pair.first.name, pair.domain);
    const names = isSole(pair, firstName) ? SOLE_NAME : 0;
    const facts = this.#firstValues(pair, firstName);
    this.#sql.insertPair.run([...counts, ...facts, names, dayOf(pair.lastMs)]);
    return { key, isNew: true, firstMs: Math.floor(pair.firstMs), names };
  }

  /** Rows of detail before what came is added; a sole name that no longer is one becomes a row. */
  #namesBefore(pair: PairGather, key: PairKey, known: KnownPair): number {
    const [, names, firstName] = known;
    if (names !== SOLE_NAME || isSole(pair, firstName)) return names;
    this.#sql.unfoldSole.run(key);
    this.#sql.writeDetail.run([1, 0, ...key]);
    return 1;
  }

  /** Facts of the first query, in the order that the statements bind them. */
  #firstValues({ first, firstMs }: PairGather, firstName: string): Values {
    const loadedMs = Math.floor(this.#names.loadedMs(first));
    const rule = this.#names.rule(first);
    const ruleKey = rule === '' ? null : this.#ruleKey(rule);
    const policyKey = this.#policyKey(first.revision, loadedMs);
    const { source, qtype, verdict } = first;
    return [Math.floor(firstMs), source, qtype, verdict, firstName, policyKey, ruleKey];
  }

  #ruleKey(rule: string): number {
    const id = this.#ruleIds.get(rule) ?? this.#sql.ruleKey(rule).id;
    this.#ruleIds.set(rule, id);
    return id;
  }

  #policyKey(revision: number, loadedMs: number): number | null {
    const name = `${revision} ${loadedMs}`;
    let id = this.#policyIds.get(name);
    if (id === undefined) {
      this.#sql.addPolicy.run(revision, loadedMs);
      id = this.#sql.findPolicy.get(revision, loadedMs);
      if (id !== undefined) this.#policyIds.set(name, id);
    }
    return id ?? null;
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

  #domainKey(domain: WireText): Interned {
    const id = this.#domainIds.get(domain);
    if (id !== undefined) return { id, isNew: false };
    const key = this.#sql.domainKey(reversedName(domain));
    this.#domainIds.set(domain, key.id);
    return key;
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

/** Whether all that came is one name, `firstName`, and the detail accounts for every query. */
function isSole(pair: PairGather, firstName: string): boolean {
  const { first, folded, domain } = pair;
  if (pair.names?.size !== 1 || folded > 0) return false;
  const detail = pair.names.get(first.name);
  return detail?.equals(pair) === true && nameBelow(first.name, domain) === firstName;
}

/** The part of a full name below its domain, reversed; '' is the domain itself. */
function nameBelow(name: WireText, domain: WireText): string {
  const size = name.length - domain.length;
  return size <= 0 ? '' : reversedName(name.slice(0, size));
}

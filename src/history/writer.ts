/**
 * Writer: gathered pairs into rows, one transaction per call. Exact: the database alone says
 * whether a pair is new.
 *
 * All or nothing: after an error nothing of the call is stored and no memory of it is kept, so the
 * same pairs may be given again. Does not decide when to write or what to do about errors.
 */

import type Database from 'better-sqlite3';
import { BlockRows } from './blocks.ts';
import { BusyRows } from './busy-rows.ts';
import { packDays } from './day-counts.ts';
import { dayOf } from './days.ts';
import { Debuts } from './debuts.ts';
import { Decisions, type FactsNames } from './decisions.ts';
import { UNUSUAL } from './domain-schema.ts';
import { FILTER_SHIFT } from './filters.ts';
import { FIRST_SIZE, packFirst } from './first.ts';
import type { PairGather } from './gather.ts';
import type { KnownName, KnownPair } from './known.ts';
import { PAIR_SHIFT } from './migrations.ts';
import { reversedName, SOLE_NAME, type WireText } from './names.ts';
import { KIND_NAMES, KIND_PAIRS, Numbers } from './numbers.ts';
import { RecentRows } from './recent-rows.ts';
import { BATCH_ROWS, prepareStatements, type Statements } from './statements.ts';
import { Totals } from './totals.ts';
import type { WorkloadDays } from './workload-days.ts';

/** Pairs between two calls of `meanwhile`: about 10 ms. */
const MEANWHILE_PAIRS = 500;

export interface WriterSettings {
  /** Full names kept per pair, 0 or more. */
  readonly namesPerDomain: number;
  readonly names: FactsNames;
  readonly days: WorkloadDays;
  /** Called now and then while a transaction runs. */
  readonly meanwhile: () => void;
}

export class Writer {
  /** Rows inserted or updated by calls that were committed. */
  rowsWritten = 0;
  /** Pairs that were new, of transactions that were committed. */
  firstSeen = 0;
  readonly #db: Database.Database;
  readonly #transaction: Database.Transaction<(pairs: readonly PairGather[]) => void>;
  readonly #namesPerDomain: number;
  readonly #meanwhile: () => void;
  readonly #sql: Statements;
  readonly #decisions: Decisions;
  readonly #totals: Totals;
  readonly #days: WorkloadDays;
  readonly #recent: RecentRows;
  readonly #busy: BusyRows;
  readonly #blocks: BlockRows;
  readonly #debuts: Debuts;
  #pairNumbers: Numbers;
  #nameNumbers: Numbers;
  /** For the rows that wait in each of two batches, whose octets are read with the statement. */
  readonly #firsts = Array.from({ length: 2 * BATCH_ROWS }, () => Buffer.alloc(FIRST_SIZE));
  readonly #earlierFirst = Buffer.alloc(FIRST_SIZE);
  /** New pairs that were asked for on both sides of a midnight. */
  readonly #overMidnight: KnownPair[] = [];

  constructor(db: Database.Database, { namesPerDomain, names, days, meanwhile }: WriterSettings) {
    this.#db = db;
    this.#namesPerDomain = namesPerDomain;
    this.#meanwhile = meanwhile;
    this.#sql = prepareStatements(db);
    this.#decisions = new Decisions(this.#sql, names);
    this.#totals = new Totals(this.#sql, days);
    this.#days = days;
    this.#recent = new RecentRows(db, names);
    this.#busy = new BusyRows(db);
    this.#blocks = new BlockRows(db);
    this.#debuts = new Debuts(db);
    this.#pairNumbers = new Numbers(db, KIND_PAIRS);
    this.#nameNumbers = new Numbers(db, KIND_NAMES);
    this.#transaction = db.transaction((pairs) => this.#storeAll(pairs));
  }

  /**
   * Stores the pairs in one transaction, and says of each whether it is new.
   *
   * @throws SqliteError, and nothing of the call is stored
   */
  store(pairs: readonly PairGather[]): void {
    try {
      this.#transaction.immediate(pairs);
      for (const { isNew } of pairs) if (isNew) this.firstSeen++;
    } catch (error) {
      // Keys and numbers that the transaction gave are gone with it.
      this.#decisions.forget();
      this.#totals.forget();
      this.#days.forget();
      this.#busy.forget();
      this.#blocks.forget();
      this.#overMidnight.length = 0;
      for (const batch of [this.#sql.pairs, this.#sql.wholePairs, this.#sql.names]) batch.clear();
      this.#pairNumbers.rewind(this.#db);
      this.#nameNumbers.rewind(this.#db);
      throw error;
    }
  }

  /** What is written now and then and waits, where it is time; all of it at the end. */
  tend(when: 'due' | 'end'): void {
    if (when === 'end') this.#busy.write();
    else this.#busy.writeDue();
  }

  #storeAll(pairs: readonly PairGather[]): void {
    let rows = 0;
    for (const [i, pair] of pairs.entries()) {
      if (i % MEANWHILE_PAIRS === MEANWHILE_PAIRS - 1) this.#meanwhile();
      rows += pair.rows;
      this.#storePair(pair);
    }
    this.#sql.pairs.end();
    this.#sql.wholePairs.end();
    this.#sql.names.end();
    for (const { id } of this.#overMidnight.splice(0)) this.#sql.noDays.run(id);
    this.#totals.store();
    this.#days.store();
    this.#blocks.store();
    this.#recent.write(pairs);
    this.#busy.add(pairs);
    this.rowsWritten += rows;
  }

  #storePair(pair: PairGather): void {
    this.#totals.add(pair);
    const { known } = pair;
    const workloadId = known.id === 0 ? this.#totals.workloadId(pair) : 0;
    const reversed = known.id === 0 ? reversedName(known.domain) : '';
    pair.isNew = known.id === 0 && !this.#findPair(known, workloadId, reversed);
    const day = dayOf(pair.lastMs);
    const countedOn = pair.isNew ? day : Math.max(day, known.lastDay);
    if (this.#days.isSettled(countedOn)) this.#days.open(this.#totals.workloadId(pair), countedOn);
    if (pair.isNew) this.#insertPair(pair, workloadId, reversed);
    else this.#updatePair(pair);
  }

  /** Looks where the filters say that it may be; fills in what its row says. */
  #findPair(known: KnownPair, workloadId: number, reversed: string): boolean {
    const numbers = this.#pairNumbers;
    let part = numbers.firstPart(workloadId, reversed);
    for (; part >= 0; part = numbers.nextPart(part)) {
      const stretch = part * 2 ** (FILTER_SHIFT - PAIR_SHIFT);
      const values = [stretch, stretch, stretch, stretch, reversed, workloadId];
      const found = this.#sql.findPair.get(values);
      if (found === undefined) continue;
      [known.id, known.names, known.firstName, known.firstMs, known.lastMs] = found;
      [, , , , , known.lastDay, known.unusual] = found;
      return true;
    }
    return false;
  }

  #insertPair(pair: PairGather, workloadId: number, reversed: string): void {
    const { known, first, names } = pair;
    known.firstName = nameBelow(first.name, known.domain);
    known.firstMs = Math.floor(pair.firstMs);
    known.lastDay = dayOf(pair.lastMs);
    const id = this.#pairNumbers.take(workloadId, reversed);
    const isOfOne = isOneName(pair);
    known.names = isOfOne ? SOLE_NAME : Math.min(names.length, this.#namesPerDomain);
    const folded = isOfOne ? pair.folded : pair.folded + queriesFrom(names, known.names);
    const { allowed, denied, wouldDeny, failed, cached, answers } = pair;
    const isPlain = denied + wouldDeny + failed + cached + folded === 0 && answers === null;
    const batch = isPlain ? this.#sql.pairs : this.#sql.wholePairs;
    const packed = this.#firsts[batch.rows + (isPlain ? 0 : BATCH_ROWS)]!;
    this.#packFirst(pair, packed);
    const lastMs = Math.floor(pair.lastMs);
    known.lastMs = lastMs;
    known.unusual = unusualOf(pair);
    pair.wasMs = 0;
    batch.add(id, workloadId, reversed, known.firstMs, lastMs, known.lastDay, allowed);
    batch.add(known.names, known.firstName, packed);
    if (!isPlain) batch.add(denied, wouldDeny, failed, cached, folded, answers, known.unusual);
    batch.endRow();
    known.id = id;
    if (dayOf(known.firstMs) < known.lastDay) this.#overMidnight.push(known);
    this.#totals.addNew(pair, id);
    this.#blocks.note(id, known.firstMs);
    if (!isOfOne) for (let i = 0; i < known.names; i++) this.#insertName(names[i]!);
  }

  #updatePair(pair: PairGather): void {
    const { known } = pair;
    const isOfOne = this.#isStillSole(pair);
    pair.wasMs = known.lastMs;
    known.lastMs = Math.max(known.lastMs, Math.floor(pair.lastMs));
    const day = dayOf(pair.lastMs);
    if (day > known.lastDay) this.#beginDay(pair, day);
    const before = known.names;
    const folded = pair.folded + (isOfOne ? 0 : this.#storeNames(pair));
    this.#addCounts(pair, folded, known.names === before ? null : known.names);
    this.#noteUnusual(pair);
    const firstMs = Math.floor(pair.firstMs);
    if (firstMs < known.firstMs) this.#moveFirst(pair, firstMs);
  }

  /** Before anything of the day is counted. */
  #beginDay(pair: PairGather, day: number): void {
    const { known } = pair;
    const found = this.#sql.readDays.get(known.id);
    if (found === undefined) return;
    const [firstMs, lastDay, allowed, denied, wouldDeny, failed, days] = found;
    const counts = [allowed, denied, wouldDeny, failed] as const;
    const packed = packDays({ firstDay: dayOf(firstMs), lastDay, counts, days });
    this.#sql.writeDay.run([day, packed, known.id]);
    known.lastDay = day;
    this.#days.wake(this.#totals.workloadId(pair), day, known.id);
  }

  /** Only where it changes: its index would be written with each query that is denied. */
  #noteUnusual(pair: PairGather): void {
    const { known } = pair;
    const unusual = known.unusual | unusualOf(pair);
    if (unusual === known.unusual) return;
    this.#sql.writeUnusual.run([unusual, known.id]);
    known.unusual = unusual;
  }

  /** @param names of the pair where there are new ones, or null */
  #addCounts(pair: PairGather, folded: number, names: number | null): void {
    const { id } = pair.known;
    const { allowed, denied, wouldDeny, failed, cached, answers } = pair;
    const lastMs = Math.floor(pair.lastMs);
    if (denied + wouldDeny + failed + folded !== 0 || answers !== null) {
      const counts = [lastMs, allowed, denied, wouldDeny, failed, cached, folded, answers];
      this.#sql.updatePair.run([...counts, names, id]);
    } else if (names !== null) {
      this.#sql.growPair.run([lastMs, allowed, cached, names, id]);
    } else if (allowed > 0) {
      // Where there are none, only detail came: the pair's own record has the later time.
      this.#sql.countPair.run([lastMs, allowed, cached, id]);
    }
  }

  #moveFirst(pair: PairGather, firstMs: number): void {
    const { known } = pair;
    const { id, lastDay } = known;
    if (dayOf(firstMs) < lastDay && dayOf(known.firstMs) === lastDay) this.#sql.noDays.run(id);
    known.firstMs = firstMs;
    this.#blocks.note(id, firstMs);
    known.firstName = nameBelow(pair.first.name, known.domain);
    this.#packFirst(pair, this.#earlierFirst);
    const values = [firstMs, known.firstName, this.#earlierFirst, id];
    this.#debuts.moved(reversedName(known.domain), () => this.#sql.earlierPair.run(values));
  }

  /**
   * Whether the pair's row is the detail of what came, too. A sole name that no longer is one gets
   * a row of its own, before anything is added to the pair's.
   */
  #isStillSole(pair: PairGather): boolean {
    const { known } = pair;
    if (known.names !== SOLE_NAME) return false;
    if (isOneName(pair) && nameBelow(pair.first.name, known.domain) === known.firstName) {
      return true;
    }
    const id = this.#nameNumbers.take(known.id, known.firstName);
    this.#sql.unfoldSole.run([id, known.id]);
    this.#sql.writeUnfolded.run(known.id);
    known.names = 1;
    return false;
  }

  #packFirst({ first }: PairGather, into: Buffer): void {
    const policyId = this.#decisions.policyId(first);
    const ruleId = this.#decisions.ruleId(first);
    const { source, qtype, verdict } = first;
    packFirst(into, { source, qtype, verdict, policyId, ruleId });
  }

  /** Detail of a pair that has a row. @returns queries of names that found no room */
  #storeNames({ known, names }: PairGather): number {
    let folded = 0;
    for (const name of names) {
      if (this.#updateName(name)) continue;
      if (known.names < this.#namesPerDomain) {
        this.#insertName(name);
        known.names += 1;
      } else {
        folded += name.queries;
      }
    }
    return folded;
  }

  /** False where the name has no row. */
  #updateName(name: KnownName): boolean {
    const id = name.id !== 0 ? name.id : this.#findName(name);
    if (id === 0) return false;
    const { allowed, denied, wouldDeny, failed } = name;
    const [firstMs, lastMs] = [Math.floor(name.firstMs), Math.floor(name.lastMs)];
    const values = [lastMs, allowed, denied, wouldDeny, failed, firstMs, id];
    name.id = this.#sql.updateName.run(values).changes > 0 ? id : 0;
    return name.id !== 0;
  }

  #findName({ name, pair }: KnownName): number {
    const numbers = this.#nameNumbers;
    const below = nameBelow(name, pair.domain);
    let part = numbers.firstPart(pair.id, below);
    for (; part >= 0; part = numbers.nextPart(part)) {
      const id = this.#sql.findName.get([part, pair.id, below]);
      if (id !== undefined) return id;
    }
    return 0;
  }

  #insertName(name: KnownName): void {
    const { pair, allowed, denied, wouldDeny, failed } = name;
    const below = nameBelow(name.name, pair.domain);
    name.id = this.#nameNumbers.take(pair.id, below);
    const batch = this.#sql.names;
    batch.add(name.id, pair.id, below, Math.floor(name.firstMs), Math.floor(name.lastMs));
    batch.add(allowed, denied, wouldDeny, failed);
    batch.endRow();
  }
}

/** Queries of the names that have no row, from the `from`th on. */
function queriesFrom(names: readonly KnownName[], from: number): number {
  let sum = 0;
  for (let i = from; i < names.length; i++) sum += names[i]!.queries;
  return sum;
}

function unusualOf({ denied, wouldDeny, failed }: PairGather): number {
  const { denied: ofDenied, wouldDeny: ofWouldDeny, failed: ofFailed } = UNUSUAL;
  return (
    (denied > 0 ? ofDenied : 0) | (wouldDeny > 0 ? ofWouldDeny : 0) | (failed > 0 ? ofFailed : 0)
  );
}

/** Whether all that came is the first name, and its detail accounts for every query. */
function isOneName(pair: PairGather): boolean {
  const detail = pair.names[0];
  if (detail === undefined || pair.names.length !== 1 || pair.folded > 0) return false;
  return detail.equals(pair) && detail.name === pair.first.name;
}

/** The part of a full name below its domain, reversed; '' is the domain itself. */
function nameBelow(name: WireText, domain: WireText): string {
  const size = name.length - domain.length;
  return size <= 0 ? '' : reversedName(name.slice(0, size));
}

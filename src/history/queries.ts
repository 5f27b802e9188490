/**
 * The questions that people ask the history. Read-only, each by an index; no text for terminals.
 *
 * Each theme has a file of its own, `queries-*.ts`; this is where they are asked.
 */

import type Database from 'better-sqlite3';
import { BaselineReading } from '../baseline/reading.ts';
import { type AnswerFilter, type AnswerRow, givenAddress } from './answer-queries.ts';
import { BindingQueries } from './binding-queries.ts';
import type { Filter, Reach } from './queries-filter.ts';
import { type Listed, type ListedRow, ListQueries } from './queries-list.ts';
import { NameQueries } from './queries-name.ts';
import { newForNetwork } from './queries-network.ts';
import { Pairs } from './queries-pairs.ts';
import { TimeQueries } from './queries-time.ts';
import { type Top, topOf } from './queries-top.ts';
import {
  type NameRow,
  type PairRow,
  type RawWorkload,
  type WorkloadRow,
  workloadRow,
} from './rows.ts';

export class HistoryQueries {
  readonly #pairs: Pairs;
  readonly #byTime: TimeQueries;
  readonly #byName: NameQueries;

  constructor(db: Database.Database) {
    this.#pairs = new Pairs(db);
    this.#byTime = new TimeQueries(this.#pairs);
    this.#byName = new NameQueries(this.#pairs);
  }

  /** Every workload that was ever heard, by name. `sinceMs` bounds the last time. */
  workloads({ workload, sinceMs, limit }: Filter): WorkloadRow[] {
    const sql = `
SELECT * FROM workload WHERE last_ms >= ? AND (? IS NULL OR name = ?) ORDER BY name LIMIT ?`;
    const statement = this.#pairs.db.prepare<unknown[], RawWorkload>(sql);
    return statement.all(sinceMs, workload, workload, limit).map(workloadRow);
  }

  /** What is usual for workloads at that time. */
  baselines(nowMs: number): BaselineReading {
    return new BaselineReading(this.#pairs.db, nowMs);
  }

  /** Which workload an address was. */
  bindings(): BindingQueries {
    return new BindingQueries(this.#pairs.db);
  }

  /** Who was given an address. @param address 16 octets, IPv4 mapped */
  givenAddress(address: Uint8Array, filter: AnswerFilter): AnswerRow[] {
    return givenAddress(this.#pairs.db, address, filter);
  }

  /** What most queries of a window were about. */
  top(by: 'workload' | 'domain', filter: Filter): Top {
    return topOf(this.#pairs.db, by, filter);
  }

  /** Whether the history has heard of a workload of that name. */
  knowsWorkload(name: string): boolean {
    return this.#pairs.workloadId(name) !== undefined;
  }

  /** Pairs first seen in the window, oldest first; a limit keeps the newest. */
  firstSeen(filter: Filter): PairRow[] {
    return this.#pairs.rows(this.#byTime.firstSeen(filter));
  }

  /** First pairs of domains that are new for the whole network, oldest first. */
  newForNetwork(filter: Filter): PairRow[] {
    return this.#pairs.rows(newForNetwork(this.#pairs, filter));
  }

  /**
   * What a workload asked for, in the order of first seen; of the window only what can lie in it:
   * first seen before its end, last seen after its begin.
   */
  ofWorkload(filter: Filter & { readonly workload: string }): PairRow[] {
    return this.#pairs.rows(this.#byTime.ofWorkload(filter));
  }

  /**
   * Who asked for a name, who first: registrable domains that are the name (or below it), and
   * where the name lies below a registrable domain, the detail that is held of it.
   *
   * @param reversed the name in the form of `names.ts`
   */
  ofName(reversed: string, reach: Reach, filter: Filter): PairRow[] {
    return this.#byName.ofName(reversed, reach, filter);
  }

  /** Who asked for any name of a list, or below it. @param names as `reversed` of `ofName` */
  ofNames(names: readonly string[], filter: Filter): ListedRow[] {
    return new ListQueries(this.#pairs, this.#byName).ofNames(names, filter);
  }

  /**
   * For a part of a long list: what there is of each name, in no order and without a limit; null
   * where that is so much that the part is to be split, or a single name asked by itself.
   */
  listFinder(names: readonly string[], filter: Filter): ((name: string) => Listed) | null {
    return new ListQueries(this.#pairs, this.#byName).finder(names, filter);
  }

  /** Queries at or below the name that were counted without detail, and so may be missing. */
  foldedAbove(reversed: string): number {
    return this.#byName.foldedAbove(reversed);
  }

  /** Detail of a pair, in the order of first seen. */
  names(workload: string, domainReversed: string, limit: number): NameRow[] {
    return this.#byName.names(workload, domainReversed, limit);
  }

  /** The same of many pairs at once, by their keys; a pair without detail is not among them. */
  namesOf(rows: readonly PairRow[]): ReadonlyMap<number, readonly NameRow[]> {
    return this.#byName.namesOf(rows);
  }
}

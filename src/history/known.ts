/**
 * Known: the pairs and names that the recorder remembers, found by the worker's hash and compared
 * octet by octet, so that a record makes no string of what is known already. A hash alone decides
 * nothing.
 *
 * Memory only, and no more than that: what is forgotten is looked up in the database again.
 */

import type { PairGather } from './gather.ts';
import type { WireText } from './names.ts';
import type { Workload } from './snapshots.ts';
import { Tally } from './tally.ts';

/** What a row of the database is known by; 0 while it has none, or none is known. */
export type RowId = number;

/** One (workload, registrable domain). */
export class KnownPair {
  next: KnownPair | null = null;
  readonly low: number;
  readonly high: number;
  readonly workload: Workload;
  readonly domain: WireText;
  /** The columns of its row that the writer needs; they hold where `id` is not 0. */
  id: RowId = 0;
  names = 0;
  firstName = '';
  firstMs = 0;
  lastMs = 0;
  lastDay = 0;
  unusual = 0;
  /** An hour since the epoch, and the pair's queries and NXDOMAINs in it (`src/baseline`). */
  hour = -1;
  hourQueries = 0;
  hourNxdomain = 0;
  /** What waits for the next commit. */
  pending: PairGather | null = null;

  constructor(workload: Workload, domain: WireText, low: number, high: number) {
    this.workload = workload;
    this.domain = domain;
    this.low = low;
    this.high = high;
  }
}

/** One full name under a pair, with what was counted since the last commit. */
export class KnownName extends Tally {
  next: KnownName | null = null;
  readonly low: number;
  readonly high: number;
  readonly pair: KnownPair;
  readonly name: WireText;
  id: RowId = 0;
  /** Whether its counts wait for the next commit, in the names of its pair. */
  isWaiting = false;

  constructor(pair: KnownPair, name: WireText, low: number, high: number) {
    super();
    this.pair = pair;
    this.name = name;
    this.low = low;
    this.high = high;
  }
}

interface Entry<T> {
  next: T | null;
  readonly low: number;
}

/** Hash table of entries that are chained through themselves: nothing is made for a look-up. */
export class Table<T extends Entry<T>> {
  readonly #heads: (T | null)[];
  readonly #mask: number;
  size = 0;

  /** @param heads a power of two */
  constructor(heads: number) {
    this.#heads = new Array<T | null>(heads).fill(null);
    this.#mask = heads - 1;
  }

  /** First of the entries that may be meant by a hash; the others follow by `next`. */
  first(low: number, salt: number): T | null {
    return this.#heads[(low ^ Math.imul(salt, 0x9e3779b1)) & this.#mask] ?? null;
  }

  add(entry: T, salt: number): void {
    const head = (entry.low ^ Math.imul(salt, 0x9e3779b1)) & this.#mask;
    entry.next = this.#heads[head] ?? null;
    this.#heads[head] = entry;
    this.size += 1;
  }

  clear(): void {
    this.#heads.fill(null);
    this.size = 0;
  }
}

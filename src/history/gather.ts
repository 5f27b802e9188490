/**
 * Gather: records of all workers added up per (workload, registrable domain) until they are stored.
 *
 * Memory only; knows neither the database nor threads. The order of records does not matter, but
 * for which of two equal times is named first. A pair stays here until its row is committed, and
 * what main was already told about it is not told again.
 */

import {
  AT_ALLOWED,
  AT_CACHED,
  AT_DENIED,
  AT_FAILED,
  AT_FIRST_MS,
  AT_FLAGS,
  AT_FOLDED,
  AT_KIND,
  AT_LAST_MS,
  AT_WOULD_DENY,
  FLAG_BYPASS,
  FLAG_CHAIN,
  FLAG_FIRST,
  FLAG_REBINDING,
  FLAG_REPUTATION,
  FLAG_UNMAPPED,
  KIND_ANSWER,
  KIND_NAME,
  KIND_PAIR,
} from '../events/kinds.ts';
import type { WireText } from './names.ts';
import {
  type Facts,
  type RecordPlace,
  readAnswers,
  readFacts,
  readName,
  readRegistrable,
} from './record.ts';

/** Flags that are worth telling even about a pair that is long known. */
const NOTABLE = FLAG_REBINDING | FLAG_BYPASS | FLAG_REPUTATION | FLAG_UNMAPPED | FLAG_CHAIN;

/** Counts and times, all of them since the last commit. */
export class Tally {
  /** Wall clock, ms since the epoch. */
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  allowed = 0;
  denied = 0;
  wouldDeny = 0;
  failed = 0;

  /** Adds the counts and times of a record. */
  add({ view, at }: RecordPlace): void {
    this.allowed += view.getUint32(at + AT_ALLOWED, true);
    this.denied += view.getUint32(at + AT_DENIED, true);
    this.wouldDeny += view.getUint32(at + AT_WOULD_DENY, true);
    this.failed += view.getUint32(at + AT_FAILED, true);
    this.span(view.getFloat64(at + AT_FIRST_MS, true), view.getFloat64(at + AT_LAST_MS, true));
  }

  /** Widens the times; a record may leave a time out as 0. */
  span(firstMs: number, lastMs: number): void {
    if (firstMs > 0 && firstMs < this.firstMs) this.firstMs = firstMs;
    if (lastMs > this.lastMs) this.lastMs = lastMs;
  }

  /** Whether both count the same queries, as far as numbers tell. */
  equals(other: Tally): boolean {
    return (
      this.firstMs === other.firstMs &&
      this.lastMs === other.lastMs &&
      this.allowed === other.allowed &&
      this.denied === other.denied &&
      this.wouldDeny === other.wouldDeny &&
      this.failed === other.failed
    );
  }

  /** Queries in all; `wouldDeny` is a part of them. */
  get queries(): number {
    return this.allowed + this.denied + this.failed;
  }
}

/** What main has not been told yet about a pair. */
export class Untold extends Tally {
  flags = 0;
  /** Facts of the last record that was denied or flagged; null when none was. */
  notable: Facts | null = null;
  /** 16 octets each; includes a refused address, which is never stored. */
  answers: Uint8Array | null = null;

  get isGrave(): boolean {
    return this.denied > 0 || (this.flags & NOTABLE) !== 0;
  }
}

/** Reasons told apart at a time; what comes for yet another joins the last. */
const APART_MAX = 4;

export class PairGather extends Tally {
  readonly workload: string;
  readonly domain: WireText;
  /** Of the record with the earliest time. */
  first: Facts;
  cached = 0;
  folded = 0;
  /** Detail below this pair; null when there is none. */
  names: Map<WireText, Tally> | null = null;
  /** First addresses answered, 16 octets each. */
  answers: Uint8Array | null = null;
  untold: Untold | null = null;
  /** Denials for other reasons than the one in `untold`: each is told by itself. */
  apart: Untold[] = [];
  /** Main was told that the pair is new while nothing could be stored. */
  toldNew = false;

  constructor(workload: string, domain: WireText, first: Facts) {
    super();
    this.workload = workload;
    this.domain = domain;
    this.first = first;
  }

  /** Rows that storing this will touch. */
  get rows(): number {
    return 1 + (this.names?.size ?? 0);
  }

  get worthTelling(): boolean {
    return this.untold !== null && (this.untold.isGrave || this.apart.length > 0);
  }

  /** Whether a worker believes that the pair is new, where the database cannot be asked. */
  get believedNew(): boolean {
    if (this.apart.some(({ flags }) => (flags & FLAG_FIRST) !== 0)) return true;
    return this.untold !== null && (this.untold.flags & FLAG_FIRST) !== 0;
  }
}

export interface GatherLimits {
  /** Pairs held at most; beyond it the oldest is given up and counted. */
  readonly pairs: number;
  /** Full names held per pair; beyond it their queries are counted as folded. */
  readonly namesPerDomain: number;
}

export class Gather {
  readonly #limits: GatherLimits;
  /** Key is workload name, NUL, wire domain. Insertion order is age. */
  readonly #pairs = new Map<string, PairGather>();
  /** Rows given up for lack of room since the start. */
  shed = 0;

  constructor(limits: GatherLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#pairs.size;
  }

  values(): IterableIterator<PairGather> {
    return this.#pairs.values();
  }

  /** The oldest pairs that together touch about `rows` rows; they stay until `forget`. */
  oldest(rows: number): PairGather[] {
    const chosen: PairGather[] = [];
    let sum = 0;
    for (const pair of this.#pairs.values()) {
      if (sum >= rows) break;
      sum += pair.rows;
      chosen.push(pair);
    }
    return chosen;
  }

  forget(pairs: readonly PairGather[]): void {
    for (const pair of pairs) this.#pairs.delete(keyOf(pair.workload, pair.domain));
  }

  /** Adds a record that was decided for the workload named `workload`. */
  add(place: RecordPlace, workload: string): void {
    const { view, at } = place;
    const kind = view.getUint32(at + AT_KIND, true);
    const firstMs = view.getFloat64(at + AT_FIRST_MS, true) || Number.POSITIVE_INFINITY;
    const pair = this.#pairOf(place, workload, firstMs);
    if (isEarlier(firstMs, kind, pair.first)) pair.first = readFacts(place, firstMs);
    if (kind === KIND_PAIR) this.#addPair(pair, place);
    else if (kind === KIND_NAME) this.#addName(pair, place);
    else if (kind === KIND_ANSWER) this.#addAnswer(pair, place);
  }

  #pairOf(place: RecordPlace, workload: string, firstMs: number): PairGather {
    const domain = readRegistrable(place);
    const key = keyOf(workload, domain);
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    if (this.#pairs.size >= this.#limits.pairs) this.#shedOldest();
    const pair = new PairGather(workload, domain, readFacts(place, firstMs));
    this.#pairs.set(key, pair);
    return pair;
  }

  #shedOldest(): void {
    const oldest = this.#pairs.keys().next();
    if (oldest.done === true) return;
    this.#pairs.delete(oldest.value);
    this.shed += 1;
  }

  #addPair(pair: PairGather, place: RecordPlace): void {
    const { view, at } = place;
    pair.add(place);
    pair.cached += view.getUint32(at + AT_CACHED, true);
    pair.folded += view.getUint32(at + AT_FOLDED, true);
    this.#addUntold(pair, place);
  }

  #addUntold(pair: PairGather, place: RecordPlace): Untold {
    const flags = place.view.getUint8(place.at + AT_FLAGS);
    const lastMs = place.view.getFloat64(place.at + AT_LAST_MS, true);
    const grave = place.view.getUint32(place.at + AT_DENIED, true) > 0 || (flags & NOTABLE) !== 0;
    const untold = grave ? untoldFor(pair, readFacts(place, lastMs).reason) : anyUntold(pair);
    untold.flags |= flags;
    untold.add(place);
    // With a refused address the record holds that one; it is what the alert is about.
    if ((flags & FLAG_REBINDING) !== 0) untold.answers = readAnswers(place);
    else untold.answers ??= readAnswers(place);
    if (grave) untold.notable = readFacts(place, lastMs);
    return untold;
  }

  /** Detail of queries that a pair record counts: nothing here goes into the pair's own counts. */
  #addName(pair: PairGather, place: RecordPlace): void {
    const { view, at } = place;
    pair.span(view.getFloat64(at + AT_FIRST_MS, true), view.getFloat64(at + AT_LAST_MS, true));
    pair.names ??= new Map();
    const name = readName(place);
    let tally = pair.names.get(name);
    if (tally === undefined) {
      tally = new Tally();
      if (pair.names.size < this.#limits.namesPerDomain) pair.names.set(name, tally);
    }
    tally.add(place);
    if (!pair.names.has(name)) pair.folded += tally.queries;
  }

  #addAnswer(pair: PairGather, place: RecordPlace): void {
    const { view, at } = place;
    const answers = readAnswers(place);
    const flags = view.getUint8(at + AT_FLAGS);
    pair.span(view.getFloat64(at + AT_FIRST_MS, true), view.getFloat64(at + AT_LAST_MS, true));
    if ((flags & FLAG_REBINDING) === 0) pair.answers ??= answers;
    const untold = anyUntold(pair);
    untold.span(view.getFloat64(at + AT_FIRST_MS, true), view.getFloat64(at + AT_LAST_MS, true));
    untold.answers ??= answers;
    untold.flags |= flags;
    if ((flags & NOTABLE) !== 0) {
      untold.notable = readFacts(place, view.getFloat64(at + AT_LAST_MS, true));
      untold.answers = answers;
    }
  }
}

function anyUntold(pair: PairGather): Untold {
  pair.untold ??= new Untold();
  return pair.untold;
}

/** What is to be told about a denial: never under the name of one that had another reason. */
function untoldFor(pair: PairGather, reason: number): Untold {
  const untold = anyUntold(pair);
  if (untold.notable === null || untold.notable.reason === reason) return untold;
  const same = pair.apart.find(({ notable }) => notable?.reason === reason);
  if (same !== undefined) return same;
  if (pair.apart.length === APART_MAX) return untold;
  const apart = new Untold();
  pair.apart.push(apart);
  return apart;
}

/**
 * Of one moment, detail is the best witness: a pair's record may show a later name that is graver,
 * and an answer's knows no verdict.
 */
function isEarlier(ms: number, kind: number, than: Facts): boolean {
  return ms < than.ms || (ms === than.ms && witness(kind) > witness(than.kind));
}

function witness(kind: number): number {
  if (kind === KIND_NAME) return 2;
  return kind === KIND_PAIR ? 1 : 0;
}

function keyOf(workload: string, domain: WireText): string {
  return `${workload}\0${domain}`;
}

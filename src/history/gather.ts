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
  AT_DOMAIN_HASH,
  AT_FAILED,
  AT_FIRST_MS,
  AT_FLAGS,
  AT_FOLDED,
  AT_KIND,
  AT_LAST_MS,
  AT_NAME,
  AT_NAME_HASH,
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
import { KnownName, KnownPair, Table } from './known.ts';
import { isSameOctets, type WireText } from './names.ts';
import { Queue } from './queue.ts';
import {
  type Facts,
  isEarlier,
  isNamed,
  isSameFacts,
  nameLength,
  type RecordPlace,
  readAnswers,
  readFacts,
  readName,
  registrableAt,
} from './record.ts';
import type { Workload } from './snapshots.ts';
import { Tally } from './tally.ts';

/** Flags that are worth telling even about a pair that is long known. */
const NOTABLE = FLAG_REBINDING | FLAG_BYPASS | FLAG_REPUTATION | FLAG_UNMAPPED | FLAG_CHAIN;

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

/** Most pairs have none of either: no array of its own for each. */
const NO_NAMES: KnownName[] = [];
const NO_UNTOLD: readonly Untold[] = [];

/** Chains of each table. */
const TABLE_HEADS = 524_288;
/** Pairs, and names, in memory that nothing waits for; 250 to 350 octets each. */
const REMEMBERED = 65_536;
/** Names that wait. */
const NAMES_MAX = 131_072;

/** Reasons told apart at a time; what comes for yet another joins the last. */
const APART_MAX = 4;

export class PairGather extends Tally {
  readonly known: KnownPair;
  /** Of the record with the earliest time. */
  first: Facts;
  cached = 0;
  folded = 0;
  /** Detail below this pair. */
  names: KnownName[] = NO_NAMES;
  /** First addresses answered, 16 octets each. */
  answers: Uint8Array | null = null;
  untold: Untold | null = null;
  /** Denials for other reasons than the one in `untold`: each is told by itself. */
  apart: readonly Untold[] = NO_UNTOLD;
  /** Set when it is stored: the database holds the pair for the first time. */
  isNew = false;
  /** Set when it is stored: the last query before those, ms since the epoch; 0 for a new pair. */
  wasMs = 0;
  /** Main was told that the pair is new while nothing could be stored. */
  toldNew = false;

  constructor(known: KnownPair, first: Facts) {
    super();
    this.known = known;
    this.first = first;
  }

  /** Rows that storing this will touch. */
  get rows(): number {
    return 1 + this.names.length;
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
  readonly #pairs = new Table<KnownPair>(TABLE_HEADS);
  readonly #names = new Table<KnownName>(TABLE_HEADS);
  /** What waits. */
  readonly #waiting = new Queue<PairGather>();
  #waitingNames = 0;
  /** Rows given up for lack of room since the start. */
  shed = 0;

  constructor(limits: GatherLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size;
  }

  values(): Iterable<PairGather> {
    return this.#waiting;
  }

  /** The oldest pairs that together touch about `rows` rows; they stay until `forget`. */
  oldest(rows: number): PairGather[] {
    const chosen: PairGather[] = [];
    let sum = 0;
    for (let i = 0; i < this.#waiting.size && sum < rows; i++) {
      const pair = this.#waiting.at(i)!;
      sum += pair.rows;
      chosen.push(pair);
    }
    return chosen;
  }

  /** Lets go of what was stored, the `pairs` oldest; that they are known stays. */
  forget(pairs: readonly PairGather[]): void {
    for (const pair of pairs) this.#release(pair);
    this.#waiting.shift(pairs.length);
  }

  /** The rows that were known are no longer, or not all of them: each is looked up again. */
  forgetRows(): void {
    this.#pairs.clear();
    this.#names.clear();
    for (const { known, names } of this.#waiting) {
      known.id = 0;
      this.#pairs.add(known, known.workload.number);
      for (const name of names) {
        name.id = 0;
        this.#names.add(name, known.workload.number);
      }
    }
  }

  /** Adds a record that was decided for `workload`. Returns the pair that it is about. */
  add(place: RecordPlace, workload: Workload): PairGather {
    const { view, at } = place;
    const kind = view.getUint32(at + AT_KIND, true);
    const firstMs = view.getFloat64(at + AT_FIRST_MS, true) || Number.POSITIVE_INFINITY;
    const pair = this.#pairOf(place, workload, firstMs);
    if (isEarlier(firstMs, kind, pair.first)) this.#moveFirst(pair, place, firstMs);
    if (kind === KIND_PAIR) this.#addPair(pair, place);
    else if (kind === KIND_NAME) this.#addName(pair, place);
    else if (kind === KIND_ANSWER) this.#addAnswer(pair, place);
    return pair;
  }

  /** Most details witness what the record of their pair said already: no need to read it again. */
  #moveFirst(pair: PairGather, place: RecordPlace, firstMs: number): void {
    const { first } = pair;
    if (firstMs === first.ms && isSameFacts(place, first)) first.kind = KIND_NAME;
    else pair.first = readFacts(place, firstMs);
  }

  /** When the pair of a record was first seen; null where no row of it is remembered. */
  firstSeenMs(place: RecordPlace, workload: Workload): number | null {
    const known = this.#findPair(place, workload);
    return known === null || known.id === 0 ? null : known.firstMs;
  }

  /** Registrable domain of a pair by its keyed hash; null where it is not remembered. */
  domainOf(low: number, high: number, workload: Workload): WireText | null {
    let known = this.#pairs.first(low, workload.number);
    for (; known !== null; known = known.next) {
      if (known.low !== low || known.high !== high || known.workload !== workload) continue;
      return known.domain;
    }
    return null;
  }

  #pairOf(place: RecordPlace, workload: Workload, firstMs: number): PairGather {
    const found = this.#findPair(place, workload);
    if (found !== null && found.pending !== null) return found.pending;
    const name = readName(place);
    const known = found ?? this.#learnPair(place, workload, name);
    if (this.#waiting.size >= this.#limits.pairs) this.#shedOldest();
    const pair = new PairGather(known, readFacts(place, firstMs, name));
    known.pending = pair;
    this.#waiting.push(pair);
    return pair;
  }

  #findPair(place: RecordPlace, workload: Workload): KnownPair | null {
    const { view, octets, at } = place;
    const low = view.getUint32(at + AT_DOMAIN_HASH, true);
    const high = view.getUint32(at + AT_DOMAIN_HASH + 4, true);
    const from = registrableAt(place);
    const length = nameLength(place) - from;
    let known = this.#pairs.first(low, workload.number);
    for (; known !== null; known = known.next) {
      if (known.low !== low || known.high !== high || known.workload !== workload) continue;
      if (isSameOctets(octets, at + AT_NAME + from, length, known.domain)) return known;
    }
    return null;
  }

  /** @param name the record's full name, of whose octets the domain is made */
  #learnPair(place: RecordPlace, workload: Workload, name: WireText): KnownPair {
    const { view, at } = place;
    if (this.#pairs.size >= REMEMBERED + this.#waiting.size) this.#forgetIdle();
    const low = view.getUint32(at + AT_DOMAIN_HASH, true);
    const high = view.getUint32(at + AT_DOMAIN_HASH + 4, true);
    const known = new KnownPair(workload, name.slice(registrableAt(place)), low, high);
    this.#pairs.add(known, workload.number);
    return known;
  }

  /** The name of a record about detail under `pair`. */
  #findName(pair: KnownPair, place: RecordPlace): KnownName | null {
    const { view, octets, at } = place;
    const low = view.getUint32(at + AT_NAME_HASH, true);
    const high = view.getUint32(at + AT_NAME_HASH + 4, true);
    const length = nameLength(place);
    let known = this.#names.first(low, pair.workload.number);
    for (; known !== null; known = known.next) {
      if (known.low !== low || known.high !== high || known.pair !== pair) continue;
      if (isSameOctets(octets, at + AT_NAME, length, known.name)) return known;
    }
    return null;
  }

  /** Null where no more detail can be held. */
  #learnName({ known: pair, first }: PairGather, place: RecordPlace): KnownName | null {
    if (this.#waitingNames >= NAMES_MAX) return null;
    if (this.#names.size >= REMEMBERED + this.#waitingNames) this.#forgetIdle();
    const { view, at } = place;
    const low = view.getUint32(at + AT_NAME_HASH, true);
    const high = view.getUint32(at + AT_NAME_HASH + 4, true);
    const name = isNamed(place, first.name) ? first.name : readName(place);
    const known = new KnownName(pair, name, low, high);
    this.#names.add(known, pair.workload.number);
    return known;
  }

  /** Keeps only what waits. */
  #forgetIdle(): void {
    this.#pairs.clear();
    this.#names.clear();
    for (const { known, names } of this.#waiting) {
      this.#pairs.add(known, known.workload.number);
      for (const name of names) this.#names.add(name, known.workload.number);
    }
  }

  #shedOldest(): void {
    const oldest = this.#waiting.at(0);
    if (oldest === undefined) return;
    this.#release(oldest);
    this.#waiting.shift(1);
    this.shed += 1;
  }

  /** What comes about the pair from now on is gathered anew. */
  #release(pair: PairGather): void {
    pair.known.pending = null;
    for (const name of pair.names) {
      name.isWaiting = false;
      name.reset();
    }
    this.#waitingNames -= pair.names.length;
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
    let known = this.#findName(pair.known, place);
    if (known?.isWaiting === true) {
      known.add(place);
      return;
    }
    const hasRoom = pair.names.length < this.#limits.namesPerDomain;
    if (known === null && hasRoom) known = this.#learnName(pair, place);
    if (known === null || !hasRoom) {
      pair.folded += queriesOf(place);
      return;
    }
    known.isWaiting = true;
    known.add(place);
    if (pair.names === NO_NAMES) pair.names = [];
    pair.names.push(known);
    this.#waitingNames += 1;
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

function queriesOf({ view, at }: RecordPlace): number {
  const answered = view.getUint32(at + AT_ALLOWED, true) + view.getUint32(at + AT_DENIED, true);
  return answered + view.getUint32(at + AT_FAILED, true);
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
  pair.apart = [...pair.apart, apart];
  return apart;
}

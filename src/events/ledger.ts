/**
 * Ledger: what one worker remembers of who asked for what, until the recorder has it.
 *
 * Two open-addressing tables of numbers: pairs (workload x registrable domain) and names (workload
 * x full name) under them. A query costs one probe when its name is known, cache hits included;
 * counts gather in the slots and leave as records on `flush`. The database decides what was never
 * seen before, so forgetting here is harmless: a full table hands everything over and starts again.
 *
 * Names under one pair are bounded, so that a tunnel cannot fill the tables or the disk; what lies
 * beyond is counted as folded.
 */

import type { Query } from '../query.ts';
import type { WireName } from '../wire/name.ts';
import {
  AT_ALLOWED,
  AT_ANSWER_COUNT,
  AT_ANSWERS,
  AT_CACHED,
  AT_DENIED,
  AT_DOMAIN_HASH,
  AT_FAILED,
  AT_FEED,
  AT_FIRST_MS,
  AT_FLAGS,
  AT_FOLDED,
  AT_KIND,
  AT_LAST_MS,
  AT_MODE,
  AT_NAME,
  AT_NAME_HASH,
  AT_NAME_LENGTH,
  AT_QTYPE,
  AT_REASON,
  AT_REGISTRABLE,
  AT_REVISION,
  AT_RULE,
  AT_SOURCE,
  AT_WORKLOAD,
  AT_WOULD_DENY,
  FLAG_FIRST,
  FLAG_REBINDING,
  KIND_ANSWER,
  KIND_NAME,
  KIND_PAIR,
} from './kinds.ts';
import type { RingWriter } from './ring.ts';
import {
  ANSWER_OCTETS,
  COUNT_ALLOWED,
  COUNT_CACHED,
  COUNT_DENIED,
  COUNT_FAILED,
  COUNT_FOLDED,
  COUNT_WOULD_DENY,
  COUNTS,
  NONE,
  Slots,
} from './slots.ts';

/** What became of a query. */
export const OUTCOME_ALLOWED = 0;
export const OUTCOME_CACHED = 1;
export const OUTCOME_DENIED = 2;
export const OUTCOME_FAILED = 3;

/** Names are kept one after the other; an average name is 25 octets. */
const ARENA_OCTETS_PER_SLOT = 48;

export class Ledger {
  readonly #pairs: Slots;
  readonly #names: Slots;
  readonly #arena: Uint8Array;
  #arenaUsed = 0;
  readonly #ring: RingWriter;
  readonly #namesPerPair: number;
  /** Revision of the tables that everything here was decided by. */
  #revision = 0;
  /** Records that could not be handed over before the tables had to be cleared. */
  shedCount = 0;

  /** @param capacity slots of each table, a power of two */
  constructor(ring: RingWriter, capacity: number, namesPerPair: number) {
    this.#ring = ring;
    this.#pairs = new Slots(capacity);
    this.#names = new Slots(capacity);
    this.#arena = new Uint8Array(capacity * ARENA_OCTETS_PER_SLOT);
    this.#namesPerPair = namesPerPair;
  }

  /** The slot of the query's (workload, full name), or -1 when it is not remembered. */
  find(query: Query): number {
    const name = query.name;
    if (query.revision !== this.#revision) this.#turnTo(query.revision);
    return this.#names.find(query.workload, name.low[0]!, name.high[0]!);
  }

  /** Counts a query for a name that `find` knew. Returns its pair, valid until the next call. */
  countKnown(query: Query, slot: number, outcome: number): number {
    const pair = this.#names.link[slot]!;
    this.#count(this.#names, slot, query, outcome);
    this.#keepApart(pair, query, outcome);
    this.#count(this.#pairs, pair, query, outcome);
    if (isNoteworthy(query, outcome)) this.#showName(pair, slot);
    return pair;
  }

  /** Counts a query for a name that `find` did not know. Returns its pair. */
  countNew(query: Query, registrableLabel: number, outcome: number): number {
    const name = query.name;
    if (!this.#hasRoom(name)) this.#startAgain();
    const low = name.low[registrableLabel]!;
    const high = name.high[registrableLabel]!;
    let pair = this.#pairs.find(query.workload, low, high);
    let nameAt = NONE;
    if (pair === NONE) {
      pair = this.#pairs.add(query.workload, low, high);
      nameAt = this.#keep(name);
      this.#describe(this.#pairs, pair, name, nameAt, registrableLabel);
    }
    this.#keepApart(pair, query, outcome);
    this.#count(this.#pairs, pair, query, outcome);
    if (this.#pairs.link[pair]! >= this.#namesPerPair) {
      this.#pairs.counts[pair * COUNTS + COUNT_FOLDED]!++;
      return pair;
    }
    this.#pairs.link[pair]!++;
    const slot = this.#names.add(query.workload, name.low[0]!, name.high[0]!);
    if (nameAt === NONE) nameAt = this.#keep(name);
    this.#describe(this.#names, slot, name, nameAt, registrableLabel);
    this.#names.link[slot] = pair;
    this.#count(this.#names, slot, query, outcome);
    if (isNoteworthy(query, outcome)) this.#showName(pair, slot);
    return pair;
  }

  /** Whether the pair's first answer addresses are still wanted. */
  wantsAnswers(pair: number): boolean {
    return this.#pairs.answered[pair] === 0;
  }

  /**
   * Notes the first addresses that a pair was given; they follow its next record.
   *
   * @param addresses 16 octets each, `count` of them, at most 4
   */
  addAnswers(pair: number, addresses: Uint8Array, count: number): void {
    this.#pairs.answered[pair] = 1;
    this.#pairs.answerCount[pair] = count;
    for (let i = 0; i < count * 16; i++) {
      this.#pairs.answers[pair * ANSWER_OCTETS + i] = addresses[i]!;
    }
    if (this.#pairs.isDirty[pair] === 0) this.#markFresh(this.#pairs, pair);
  }

  /** Remembers the address that an answer was refused for, until the pair's next record. */
  refuse(pair: number, octets: Uint8Array, at: number): void {
    for (let i = 0; i < 16; i++) this.#pairs.refused[pair * 16 + i] = octets[at + i]!;
    this.#pairs.hasRefused[pair] = 1;
  }

  /**
   * Hands over what may be new to the database. Counts of what was handed over before can gather
   * for longer: one record for many queries is what keeps the recorder cheap.
   */
  flushNew(): void {
    this.#flushFresh(this.#pairs, KIND_PAIR);
    this.#flushFresh(this.#names, KIND_NAME);
  }

  /**
   * Hands over all that has gathered. Stops when the ring is full; the rest stays for next time.
   */
  flush(): void {
    this.flushNew();
    this.#flushDirty(this.#pairs, KIND_PAIR);
    this.#flushDirty(this.#names, KIND_NAME);
  }

  /** Slots still waiting to be handed over. */
  get pending(): number {
    const pairs = this.#pairs;
    const names = this.#names;
    return pairs.freshCount + pairs.dirtyCount + names.freshCount + names.dirtyCount;
  }

  /** The pair's next record shows this name: the one that somebody will want to know of. */
  #showName(pair: number, slot: number): void {
    this.#pairs.nameAt[pair] = this.#names.nameAt[slot]!;
    this.#pairs.nameLength[pair] = this.#names.nameLength[slot]!;
    this.#pairs.registrable[pair] = this.#names.registrable[slot]!;
  }

  #hasRoom(name: WireName): boolean {
    return (
      this.#pairs.used < this.#pairs.capacity &&
      this.#names.used < this.#names.capacity &&
      this.#arenaUsed + name.length <= this.#arena.length
    );
  }

  /** Workloads and rules are numbers of one revision: nothing gathers across two. */
  #turnTo(revision: number): void {
    if (this.#pairs.used > 0) this.#startAgain();
    this.#revision = revision;
  }

  /** Pairs go first: what there is no room for is lost, and first seen is about pairs. */
  #startAgain(): void {
    this.#flushFresh(this.#pairs, KIND_PAIR);
    this.#flushDirty(this.#pairs, KIND_PAIR);
    this.flush();
    this.shedCount += this.pending;
    this.#ring.shed(this.pending);
    this.#pairs.clear();
    this.#names.clear();
    this.#arenaUsed = 0;
  }

  #keep(name: WireName): number {
    const at = this.#arenaUsed;
    for (let i = 0; i < name.length; i++) this.#arena[at + i] = name.octets[i]!;
    this.#arenaUsed = at + name.length;
    return at;
  }

  #describe(slots: Slots, slot: number, name: WireName, nameAt: number, label: number): void {
    slots.nameAt[slot] = nameAt;
    slots.nameLength[slot] = name.length;
    slots.registrable[slot] = name.labelAt[label]!;
  }

  #count(slots: Slots, slot: number, query: Query, outcome: number): void {
    const counts = slots.counts;
    const base = slot * COUNTS;
    if (outcome === OUTCOME_DENIED) counts[base + COUNT_DENIED]!++;
    else if (outcome === OUTCOME_FAILED) counts[base + COUNT_FAILED]!++;
    else {
      counts[base + COUNT_ALLOWED]!++;
      if (outcome === OUTCOME_CACHED) counts[base + COUNT_CACHED]!++;
    }
    const decision = query.decision;
    counts[base + COUNT_WOULD_DENY]! += decision.wouldDeny;
    slots.lastMs[slot] = query.wallMs;
    slots.flags[slot]! |= decision.flags;
    const isDirty = slots.isDirty[slot] === 1;
    // Who came first is what first seen is about: only something graver takes its place.
    const isFirst = (slots.flags[slot]! & FLAG_FIRST) !== 0;
    if (isDirty && isFirst && !isNoteworthy(query, outcome)) return;
    if (!isDirty) {
      slots.firstMs[slot] = query.wallMs;
      if ((slots.flags[slot]! & FLAG_FIRST) === 0) this.#markDirty(slots, slot);
      else this.#markFresh(slots, slot);
    }
    slots.revision[slot] = query.revision;
    slots.rule[slot] = decision.rule;
    slots.reason[slot] = decision.reason;
    slots.feed[slot] = decision.feed;
    slots.qtype[slot] = query.qtype;
    slots.mode[slot] = query.mode;
    const source = slot * 16;
    for (let i = 0; i < 16; i++) slots.source[source + i] = query.peer[query.peerAt + i]!;
  }

  /**
   * A denial for another reason than the one that waits gets a record of its own, so that nobody is
   * told of one with the name of the other. Once between two handovers: who alternates on purpose
   * must not fill the ring.
   */
  #keepApart(pair: number, query: Query, outcome: number): void {
    const slots = this.#pairs;
    if (slots.isDirty[pair] === 0 || slots.isSplit[pair] === 1) return;
    if (slots.reason[pair] === query.decision.reason || !isNoteworthy(query, outcome)) return;
    const isWaitingNoteworthy =
      slots.counts[pair * COUNTS + COUNT_DENIED]! > 0 || (slots.flags[pair]! & ~FLAG_FIRST) !== 0;
    if (!isWaitingNoteworthy) return;
    const at = this.#ring.claim();
    if (at === -1) return;
    this.#write(at, KIND_PAIR, slots, pair);
    this.#ring.publish();
    slots.counts.fill(0, pair * COUNTS, pair * COUNTS + COUNTS);
    slots.flags[pair] = 0;
    slots.firstMs[pair] = query.wallMs;
    slots.isSplit[pair] = 1;
  }

  #markFresh(slots: Slots, slot: number): void {
    slots.isDirty[slot] = 1;
    slots.fresh[slots.freshCount++] = slot;
  }

  #markDirty(slots: Slots, slot: number): void {
    slots.isDirty[slot] = 1;
    slots.dirty[slots.dirtyCount++] = slot;
  }

  #flushFresh(slots: Slots, kind: number): void {
    while (slots.freshCount > 0) {
      if (!this.#handOver(slots, slots.fresh[slots.freshCount - 1]!, kind)) return;
      slots.freshCount--;
    }
  }

  #flushDirty(slots: Slots, kind: number): void {
    while (slots.dirtyCount > 0) {
      if (!this.#handOver(slots, slots.dirty[slots.dirtyCount - 1]!, kind)) return;
      slots.dirtyCount--;
    }
  }

  /** Writes one slot's record; false when the ring is full and the slot goes on waiting. */
  #handOver(slots: Slots, slot: number, kind: number): boolean {
    const at = this.#ring.claim();
    if (at === -1) return false;
    this.#write(at, kind, slots, slot);
    this.#ring.publish();
    slots.counts.fill(0, slot * COUNTS, slot * COUNTS + COUNTS);
    slots.flags[slot] = 0;
    slots.isSplit[slot] = 0;
    // The addresses come after the pair they belong to, or with its next record.
    if (slots.answerCount[slot]! > 0 && !this.#writeAnswers(slots, slot)) return false;
    slots.isDirty[slot] = 0;
    return true;
  }

  #writeAnswers(slots: Slots, slot: number): boolean {
    const at = this.#ring.claim();
    if (at === -1) return false;
    const { octets } = this.#ring;
    this.#write(at, KIND_ANSWER, slots, slot);
    const count = slots.answerCount[slot]!;
    octets[at + AT_ANSWER_COUNT] = count;
    const from = slot * ANSWER_OCTETS;
    for (let i = 0; i < count * 16; i++) octets[at + AT_ANSWERS + i] = slots.answers[from + i]!;
    this.#ring.publish();
    slots.answerCount[slot] = 0;
    return true;
  }

  #write(at: number, kind: number, slots: Slots, slot: number): void {
    const { view, octets } = this.#ring;
    const base = slot * COUNTS;
    view.setUint32(at + AT_KIND, kind, true);
    view.setUint32(at + AT_WORKLOAD, slots.workload[slot]!, true);
    view.setUint32(at + AT_REVISION, slots.revision[slot]!, true);
    view.setUint32(at + AT_RULE, slots.rule[slot]!, true);
    view.setFloat64(at + AT_FIRST_MS, slots.firstMs[slot]!, true);
    view.setFloat64(at + AT_LAST_MS, slots.lastMs[slot]!, true);
    view.setUint32(at + AT_ALLOWED, slots.counts[base + COUNT_ALLOWED]!, true);
    view.setUint32(at + AT_DENIED, slots.counts[base + COUNT_DENIED]!, true);
    view.setUint32(at + AT_WOULD_DENY, slots.counts[base + COUNT_WOULD_DENY]!, true);
    view.setUint32(at + AT_FAILED, slots.counts[base + COUNT_FAILED]!, true);
    view.setUint32(at + AT_CACHED, slots.counts[base + COUNT_CACHED]!, true);
    view.setUint32(at + AT_FOLDED, slots.counts[base + COUNT_FOLDED]!, true);
    this.#writeHashes(at, kind, slots, slot);
    view.setUint16(at + AT_QTYPE, slots.qtype[slot]!, true);
    octets[at + AT_REASON] = slots.reason[slot]!;
    octets[at + AT_FLAGS] = slots.flags[slot]!;
    octets[at + AT_MODE] = slots.mode[slot]!;
    octets[at + AT_FEED] = slots.feed[slot]!;
    const isFlagged = (slots.flags[slot]! & FLAG_REBINDING) !== 0;
    // When the store gave the refusal after the tables were cleared, the address is not known.
    const isRefusal = isFlagged && slots.hasRefused[slot] === 1;
    octets[at + AT_ANSWER_COUNT] = isRefusal ? 1 : 0;
    if (isRefusal) {
      for (let i = 0; i < 16; i++) octets[at + AT_ANSWERS + i] = slots.refused[slot * 16 + i]!;
    }
    const length = slots.nameLength[slot]!;
    octets[at + AT_NAME_LENGTH] = length;
    octets[at + AT_REGISTRABLE] = slots.registrable[slot]!;
    for (let i = 0; i < 16; i++) octets[at + AT_SOURCE + i] = slots.source[slot * 16 + i]!;
    const name = slots.nameAt[slot]!;
    for (let i = 0; i < length; i++) octets[at + AT_NAME + i] = this.#arena[name + i]!;
  }

  /** A pair shows one of its names and does not know that one's hash. */
  #writeHashes(at: number, kind: number, slots: Slots, slot: number): void {
    const { view } = this.#ring;
    const isName = kind === KIND_NAME;
    const pair = isName ? slots.link[slot]! : slot;
    view.setUint32(at + AT_NAME_HASH, isName ? slots.low[slot]! : 0, true);
    view.setUint32(at + AT_NAME_HASH + 4, isName ? slots.high[slot]! : 0, true);
    view.setUint32(at + AT_DOMAIN_HASH, this.#pairs.low[pair]!, true);
    view.setUint32(at + AT_DOMAIN_HASH + 4, this.#pairs.high[pair]!, true);
  }
}

/** Denied, or flagged: a name worth showing rather than the first one of its pair. */
function isNoteworthy(query: Query, outcome: number): boolean {
  return outcome === OUTCOME_DENIED || query.decision.flags !== 0;
}

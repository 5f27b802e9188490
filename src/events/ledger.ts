/**
 * Ledger: what one worker remembers of who asked for what, until the recorder has it.
 *
 * Two tables of slots: pairs (workload x registrable domain) and names (workload x full name) under
 * them. A query costs one probe when its name is known, cache hits included; counts gather in the
 * slots and leave as records (`handover.ts`). The database decides what was never seen before, so
 * forgetting here is harmless: a full table hands everything over and starts again.
 *
 * Names under one pair are bounded, so that a tunnel cannot fill the tables or the disk; what lies
 * beyond is counted as folded.
 */

import type { Query } from '../query.ts';
import type { WireName } from '../wire/name.ts';
import { Handover } from './handover.ts';
import { FLAG_FIRST } from './kinds.ts';
import type { RingWriter } from './ring.ts';
import {
  COUNT_ALLOWED,
  COUNT_CACHED,
  COUNT_DENIED,
  COUNT_FAILED,
  COUNT_FOLDED,
  COUNT_NXDOMAIN,
  COUNT_WOULD_DENY,
  IS_ANSWERED,
  IS_DIRTY,
  IS_NOTED,
  IS_SPLIT,
  NONE,
  OCTET_FEED,
  OCTET_FLAGS,
  OCTET_MODE,
  OCTET_NAME_LENGTH,
  OCTET_REASON,
  OCTET_REGISTRABLE,
  OCTET_STATE,
  ROW_OCTETS,
  ROW_TIMES,
  ROW_WORDS,
  type Slots,
  secondsOf,
  TIME_FIRST,
  TIME_LAST,
  WORD_DETAIL_MS,
  WORD_HANDED,
  WORD_LINK,
  WORD_NAME_AT,
  WORD_QTYPE,
  WORD_RULE,
  WORD_SOURCE,
} from './slots.ts';

/** What became of a query. Odd: answered from the store; from OUTCOME_NXDOMAIN on: no such name. */
export const OUTCOME_ALLOWED = 0;
export const OUTCOME_CACHED = 1;
export const OUTCOME_DENIED = 2;
export const OUTCOME_FAILED = 4;
/** An upstream said that there is no such name. */
export const OUTCOME_NXDOMAIN = 6;
export const OUTCOME_NXDOMAIN_CACHED = 7;
/** Nothing was decided about a name: it is not counted here. */
export const OUTCOME_NONE = 8;

/**
 * New names that a pair may have detail of: 16 at once, then one a second. People and programs ask
 * for no more; names made by a machine are folded and counted, as beyond `namesPerPair`, because a
 * row for each cost the recorder 10 to 17 us where the query itself took 20. Not names that were
 * denied or flagged: whoever is told of one must be told its name.
 */
const DETAIL_AT_ONCE = 16;
const DETAIL_EVERY_MS = 1000;

/** For how long counts gather before they leave, s. */
const GATHER_SECONDS = 2;
/**
 * The same at most, and how many records a second of known names a worker hands over before it
 * gathers for longer than that: each rewrites a row, 5 to 10 us of the recorder, and says no more
 * when it comes more often.
 */
const GATHER_SECONDS_MAX = 10;
const COUNTS_PER_SECOND = 1000;

export class Ledger {
  readonly handover: Handover;
  readonly #pairs: Slots;
  readonly #names: Slots;
  readonly #namesPerPair: number;
  /** Revision of the tables that everything here was decided by. */
  #revision = 0;

  /** @param capacity slots of each table, a power of two */
  constructor(ring: RingWriter, capacity: number, namesPerPair: number) {
    this.handover = new Handover(ring, capacity);
    this.#pairs = this.handover.pairs;
    this.#names = this.handover.names;
    this.#namesPerPair = namesPerPair;
  }

  /** The slots that `find` speaks of, for what is remembered beside the counts. */
  get names(): Slots {
    return this.#names;
  }

  get pairs(): Slots {
    return this.#pairs;
  }

  /** The slot of the query's (workload, full name), or -1 when it is not remembered. */
  find(query: Query): number {
    const name = query.name;
    if (query.revision !== this.#revision) this.#turnTo(query.revision);
    return this.#names.find(query.workload, name.low[0]!, name.high[0]!);
  }

  /** Counts a query for a name that `find` knew. Returns its pair, valid until the next call. */
  countKnown(query: Query, slot: number, outcome: number): number {
    const pair = this.#names.words[slot * ROW_WORDS + WORD_LINK]!;
    const isNoteworthy = outcome === OUTCOME_DENIED || query.decision.flags !== 0;
    this.#count(this.#names, slot, query, outcome);
    if (isNoteworthy) this.#keepApart(pair, query);
    const isShown = this.#count(this.#pairs, pair, query, outcome);
    if (isNoteworthy && isShown) this.#showName(pair, slot);
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
      nameAt = this.handover.keep(name);
      describe(this.#pairs, pair, name, nameAt, registrableLabel);
      this.#pairs.words[pair * ROW_WORDS + WORD_DETAIL_MS] = query.nowMs;
    }
    const isNoteworthy = outcome === OUTCOME_DENIED || query.decision.flags !== 0;
    if (isNoteworthy) this.#keepApart(pair, query);
    const isShown = this.#count(this.#pairs, pair, query, outcome);
    const row = pair * ROW_WORDS;
    const pairWords = this.#pairs.words;
    const isPaced = isNoteworthy || mayDetail(pairWords, row, query);
    if (!isPaced || pairWords[row + WORD_LINK]! >= this.#namesPerPair) {
      pairWords[row + COUNT_FOLDED]!++;
      return pair;
    }
    pairWords[row + WORD_LINK]!++;
    const slot = this.#names.add(query.workload, name.low[0]!, name.high[0]!);
    if (nameAt === NONE) nameAt = this.handover.keep(name);
    describe(this.#names, slot, name, nameAt, registrableLabel);
    this.#names.words[slot * ROW_WORDS + WORD_LINK] = pair;
    this.#count(this.#names, slot, query, outcome);
    if (isNoteworthy && isShown) this.#showName(pair, slot);
    return pair;
  }

  /** Whether the pair's first answer addresses are still wanted. */
  wantsAnswers(pair: number): boolean {
    return (this.#pairs.octets[pair * ROW_OCTETS + OCTET_STATE]! & IS_ANSWERED) === 0;
  }

  /** The pair of a query's workload and domain, NONE when nothing was counted for it lately. */
  pairOf(query: Query, registrableLabel: number): number {
    const { low, high } = query.name;
    return this.#pairs.find(query.workload, low[registrableLabel]!, high[registrableLabel]!);
  }

  /**
   * Notes the first addresses that a pair was given; they follow its next record.
   *
   * @param addresses 16 octets each, `count` of them, at most 4
   */
  addAnswers(pair: number, addresses: Uint8Array, count: number): void {
    this.handover.keepAnswers(pair, addresses, count);
  }

  /** Remembers the address that an answer was refused for, until the pair's next record. */
  refuse(pair: number, octets: Uint8Array, at: number): void {
    this.handover.keepRefused(pair, octets, at);
  }

  /**
   * Hands over what may be new to the database and what somebody waits to hear of, and the counts
   * that have gathered for long enough: one record for many queries keeps the recorder cheap.
   */
  flushDue(wallMs: number): void {
    this.handover.flushUrgent();
    this.handover.flushOlder(wallMs, gatherMsFor(this.pending));
  }

  /** Hands over all that has gathered. Stops when the ring is full; the rest stays. */
  flush(): void {
    this.handover.flushUrgent();
    this.handover.flushQueues();
  }

  /** Slots still waiting to be handed over. */
  get pending(): number {
    return this.#pairs.dirtyCount + this.#names.dirtyCount;
  }

  /** Records that could not be handed over before the tables had to be cleared. */
  get shedCount(): number {
    return this.handover.shedCount;
  }

  #hasRoom(name: WireName): boolean {
    return (
      this.#pairs.used < this.#pairs.capacity &&
      this.#names.used < this.#names.capacity &&
      this.handover.hasRoom(name.length)
    );
  }

  /** Workloads, rules and what is recalled are of one revision: nothing gathers across two. */
  #turnTo(revision: number): void {
    if (this.#pairs.used > 0) this.#startAgain();
    this.#revision = revision;
    this.handover.revision = revision;
  }

  /** Pairs go first: what there is no room for is lost, and first seen is about pairs. */
  #startAgain(): void {
    this.handover.flushPairs();
    this.flush();
    this.handover.clear(this.pending);
  }

  /** The pair's next record shows this name: the one that somebody will want to know of. */
  #showName(pair: number, slot: number): void {
    const from = slot * ROW_OCTETS;
    const to = pair * ROW_OCTETS;
    this.#pairs.words[pair * ROW_WORDS + WORD_NAME_AT] =
      this.#names.words[slot * ROW_WORDS + WORD_NAME_AT]!;
    this.#pairs.octets[to + OCTET_NAME_LENGTH] = this.#names.octets[from + OCTET_NAME_LENGTH]!;
    this.#pairs.octets[to + OCTET_REGISTRABLE] = this.#names.octets[from + OCTET_REGISTRABLE]!;
  }

  /**
   * Adds one query to a slot. Who came first since the last record is what it shows; only something
   * graver takes that place.
   *
   * @returns whether the slot's next record shows this query
   */
  #count(slots: Slots, slot: number, query: Query, outcome: number): boolean {
    const { words, octets } = slots;
    const { decision } = query;
    const row = slot * ROW_WORDS;
    const at = slot * ROW_OCTETS;
    if (outcome === OUTCOME_DENIED) words[row + COUNT_DENIED]!++;
    else if (outcome === OUTCOME_FAILED) words[row + COUNT_FAILED]!++;
    else {
      words[row + COUNT_ALLOWED]!++;
      words[row + COUNT_CACHED]! += outcome & 1;
      if (outcome >= OUTCOME_NXDOMAIN) words[row + COUNT_NXDOMAIN]!++;
    }
    words[row + COUNT_WOULD_DENY]! += decision.wouldDeny;
    slots.times[slot * ROW_TIMES + TIME_LAST] = query.wallMs;
    const state = octets[at + OCTET_STATE]!;
    const flags = octets[at + OCTET_FLAGS]!;
    const isNoteworthy = outcome === OUTCOME_DENIED || decision.flags !== 0;
    if ((state & IS_DIRTY) !== 0) {
      const isKnown =
        (decision.flags & ~flags) === 0 && octets[at + OCTET_REASON] === decision.reason;
      if (!isNoteworthy || ((state & IS_NOTED) !== 0 && isKnown)) return false;
    } else {
      slots.times[slot * ROW_TIMES + TIME_FIRST] = query.wallMs;
    }
    octets[at + OCTET_FLAGS] = flags | decision.flags;
    this.#schedule(slots, slot, query.wallMs, isNoteworthy);
    takeFacts(slots, slot, query);
    return true;
  }

  /**
   * A new slot goes at once, and so does a pair that somebody will want to hear of, unless they
   * heard of it just now.
   */
  #schedule(slots: Slots, slot: number, wallMs: number, isNoteworthy: boolean): void {
    const at = slot * ROW_OCTETS;
    const isFirst = (slots.octets[at + OCTET_FLAGS]! & FLAG_FIRST) !== 0;
    const handed = slots.words[slot * ROW_WORDS + WORD_HANDED]!;
    const isOverdue = Math.abs(secondsOf(wallMs) - handed) >= GATHER_SECONDS;
    const isSplit = (slots.octets[at + OCTET_STATE]! & IS_SPLIT) !== 0;
    const isUrgent = isNoteworthy && slots === this.#pairs && (isOverdue || isSplit);
    if (isFirst || isUrgent) slots.hurry(slot);
    else slots.enqueue(slot);
    if (isNoteworthy) slots.octets[at + OCTET_STATE]! |= IS_NOTED;
  }

  /**
   * A denial for another reason than the one that waits gets a record of its own, so that nobody is
   * told of one with the name of the other. Once between two handovers: who alternates on purpose
   * must not fill the ring.
   */
  #keepApart(pair: number, query: Query): void {
    const { octets } = this.#pairs;
    const at = pair * ROW_OCTETS;
    const state = octets[at + OCTET_STATE]!;
    if ((state & (IS_DIRTY | IS_NOTED | IS_SPLIT)) !== (IS_DIRTY | IS_NOTED)) return;
    if (octets[at + OCTET_REASON] === query.decision.reason) return;
    if (!this.handover.writePair(pair)) return;
    this.#pairs.times[pair * ROW_TIMES + TIME_FIRST] = query.wallMs;
    octets[at + OCTET_STATE]! |= IS_SPLIT;
  }
}

/** For how long counts gather where so many slots wait, ms. */
function gatherMsFor(slots: number): number {
  const seconds = Math.max(GATHER_SECONDS, slots / COUNTS_PER_SECOND);
  return Math.min(seconds, GATHER_SECONDS_MAX) * 1000;
}

/** Whether the pair may have detail of one new name more; takes it from the pair's share. */
function mayDetail(words: Int32Array, row: number, query: Query): boolean {
  const nowMs = query.nowMs | 0;
  const ahead = Math.max((words[row + WORD_DETAIL_MS]! - nowMs) | 0, 0);
  if (ahead > (DETAIL_AT_ONCE - 1) * DETAIL_EVERY_MS) return false;
  words[row + WORD_DETAIL_MS] = nowMs + ahead + DETAIL_EVERY_MS;
  return true;
}

/** The facts of the query that the slot's next record shows. */
function takeFacts(slots: Slots, slot: number, query: Query): void {
  const { words, octets } = slots;
  const { decision } = query;
  const row = slot * ROW_WORDS;
  const at = slot * ROW_OCTETS;
  words[row + WORD_RULE] = decision.rule;
  words[row + WORD_QTYPE] = query.qtype;
  octets[at + OCTET_REASON] = decision.reason;
  octets[at + OCTET_FEED] = decision.feed;
  octets[at + OCTET_MODE] = query.mode;
  for (let i = 0; i < 16; i++) {
    octets[at + WORD_SOURCE * 4 + i] = query.peer[query.peerAt + i]!;
  }
}

/** Where the name of a new slot stands, and where its registrable domain starts in it. */
function describe(slots: Slots, slot: number, name: WireName, nameAt: number, label: number): void {
  const at = slot * ROW_OCTETS;
  slots.words[slot * ROW_WORDS + WORD_NAME_AT] = nameAt;
  slots.octets[at + OCTET_NAME_LENGTH] = name.length;
  slots.octets[at + OCTET_REGISTRABLE] = name.labelAt[label]!;
}

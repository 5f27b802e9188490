/**
 * Handover: the ledger's tables, and their slots as records in the ring to the recorder.
 *
 * Two ways out: `urgent` for what may be new to the database or is to be told at once, and a queue
 * for counts, which are handed over by age and a bounded number at a time, so that no query waits
 * for thousands of records.
 */

import type { WireName } from '../wire/name.ts';
import { copyOctets } from '../wire/octets.ts';
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
  AT_NXDOMAIN,
  AT_QTYPE,
  AT_REASON,
  AT_REGISTRABLE,
  AT_REVISION,
  AT_RULE,
  AT_SOURCE,
  AT_WORKLOAD,
  AT_WOULD_DENY,
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
  COUNT_NXDOMAIN,
  COUNT_WOULD_DENY,
  IS_ANSWERED,
  IS_DIRTY,
  IS_REFUSED,
  IS_URGENT,
  OCTET_ANSWERS,
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
  Slots,
  TIME_FIRST,
  TIME_LAST,
  WORD_HIGH,
  WORD_LINK,
  WORD_LOW,
  WORD_NAME_AT,
  WORD_QTYPE,
  WORD_RULE,
  WORD_SOURCE,
  WORD_WORKLOAD,
} from './slots.ts';

/** Names are kept one after the other; an average name is 25 octets. */
const ARENA_OCTETS_PER_SLOT = 48;
/** Records of one `flushOlder`: about 0.4 ms. */
const OLDER_MAX = 2048;

export class Handover {
  readonly pairs: Slots;
  readonly names: Slots;
  /** Revision of the tables that everything here was decided by. */
  revision = 0;
  shedCount = 0;
  readonly #ring: RingWriter;
  readonly #arena: Uint8Array;
  #arenaUsed = 0;
  /** By pair: first answer addresses that wait, and the address that an answer was refused for. */
  readonly #answers: Uint8Array;
  readonly #refused: Uint8Array;

  constructor(ring: RingWriter, capacity: number) {
    this.#ring = ring;
    this.pairs = new Slots(capacity);
    this.names = new Slots(capacity);
    this.#arena = new Uint8Array(capacity * ARENA_OCTETS_PER_SLOT);
    this.#answers = new Uint8Array(capacity * ANSWER_OCTETS);
    this.#refused = new Uint8Array(capacity * 16);
  }

  /** The memory of both tables and of the names. */
  get slabs(): readonly Uint8Array[] {
    return [...this.pairs.slabs, ...this.names.slabs, this.#arena];
  }

  hasRoom(nameLength: number): boolean {
    return this.#arenaUsed + nameLength <= this.#arena.length;
  }

  /** Keeps a name's octets. Returns where they stand; `hasRoom` said that they may. */
  keep(name: WireName): number {
    const at = this.#arenaUsed;
    copyOctets(name.octets, 0, this.#arena, at, name.length);
    this.#arenaUsed = at + name.length;
    return at;
  }

  keepAnswers(pair: number, addresses: Uint8Array, count: number): void {
    const at = pair * ROW_OCTETS;
    copyOctets(addresses, 0, this.#answers, pair * ANSWER_OCTETS, count * 16);
    this.pairs.octets[at + OCTET_ANSWERS] = count;
    this.pairs.octets[at + OCTET_STATE]! |= IS_ANSWERED;
    if ((this.pairs.octets[at + OCTET_STATE]! & IS_DIRTY) === 0) this.pairs.hurry(pair);
  }

  keepRefused(pair: number, octets: Uint8Array, at: number): void {
    copyOctets(octets, at, this.#refused, pair * 16, 16);
    this.pairs.octets[pair * ROW_OCTETS + OCTET_STATE]! |= IS_REFUSED;
  }

  /** Forgets everything; `lost` records found no room. */
  clear(lost: number): void {
    this.shedCount += lost;
    this.#ring.shed(lost);
    this.pairs.clear();
    this.names.clear();
    this.#arenaUsed = 0;
  }

  flushUrgent(): void {
    this.#flushUrgent(this.pairs, KIND_PAIR);
    this.#flushUrgent(this.names, KIND_NAME);
  }

  /**
   * Hands over counts that began to gather `gatherMs` ago or more; and those that began in what is
   * the future since the clock was set back: they would hold up all behind them until it is there.
   */
  flushOlder(wallMs: number, gatherMs: number): void {
    this.#flushQueue(this.pairs, KIND_PAIR, wallMs, gatherMs, OLDER_MAX);
    this.#flushQueue(this.names, KIND_NAME, wallMs, gatherMs, OLDER_MAX);
  }

  flushQueues(): void {
    this.flushPairs();
    const { names } = this;
    this.#flushQueue(names, KIND_NAME, 0, 0, names.capacity);
  }

  flushPairs(): void {
    const { pairs } = this;
    this.#flushUrgent(pairs, KIND_PAIR);
    this.#flushQueue(pairs, KIND_PAIR, 0, 0, pairs.capacity);
  }

  /**
   * Writes a pair's record and begins to count anew; the pair goes on waiting.
   *
   * @returns false when the ring is full: nothing happened
   */
  writePair(pair: number): boolean {
    const { pairs } = this;
    const lastMs = pairs.times[pair * ROW_TIMES + TIME_LAST]!;
    const isUrgent = (pairs.octets[pair * ROW_OCTETS + OCTET_STATE]! & IS_URGENT) !== 0;
    if (!this.#write(KIND_PAIR, pairs, pair)) return false;
    pairs.settle(pair, lastMs);
    if (isUrgent) pairs.hurry(pair);
    else pairs.enqueue(pair);
    return true;
  }

  #flushUrgent(slots: Slots, kind: number): void {
    while (slots.urgentCount > 0) {
      const slot = slots.urgent[slots.urgentCount - 1]!;
      if (!this.#handOver(slots, slot, kind)) return;
      slots.octets[slot * ROW_OCTETS + OCTET_STATE]! &= ~IS_URGENT;
      slots.urgentCount--;
    }
  }

  #flushQueue(slots: Slots, kind: number, wallMs: number, gatherMs: number, most: number): void {
    for (let count = 0; slots.queueCount > 0 && count < most; count++) {
      const slot = slots.queue[slots.queueHead]!;
      const state = slots.octets[slot * ROW_OCTETS + OCTET_STATE]!;
      // One that is urgent too leaves by that way, or left and waits for nothing.
      if ((state & (IS_DIRTY | IS_URGENT)) === IS_DIRTY) {
        const agoMs = wallMs - slots.times[slot * ROW_TIMES + TIME_FIRST]!;
        if (agoMs >= 0 && agoMs < gatherMs) return;
        if (!this.#handOver(slots, slot, kind)) return;
      }
      slots.dequeue();
    }
  }

  /** Hands one slot over; false when the ring is full and the slot goes on waiting. */
  #handOver(slots: Slots, slot: number, kind: number): boolean {
    const at = slot * ROW_OCTETS;
    if ((slots.octets[at + OCTET_STATE]! & IS_DIRTY) !== 0) {
      if (!this.#write(kind, slots, slot)) return false;
      slots.settle(slot, slots.times[slot * ROW_TIMES + TIME_LAST]!);
    }
    // The addresses come after the pair they belong to.
    if (slots.octets[at + OCTET_ANSWERS] === 0) return true;
    if (!this.#write(KIND_ANSWER, slots, slot)) return false;
    slots.octets[at + OCTET_ANSWERS] = 0;
    return true;
  }

  #write(kind: number, slots: Slots, slot: number): boolean {
    const at = this.#ring.claim();
    if (at === -1) return false;
    const { words, times } = this.#ring;
    const word = at >> 2;
    const row = slot * ROW_WORDS;
    const from = slots.words;
    words[word + AT_KIND / 4] = kind;
    words[word + AT_WORKLOAD / 4] = from[row + WORD_WORKLOAD]!;
    words[word + AT_REVISION / 4] = this.revision;
    words[word + AT_RULE / 4] = from[row + WORD_RULE]!;
    times[(at + AT_FIRST_MS) >> 3] = slots.times[slot * ROW_TIMES + TIME_FIRST]!;
    times[(at + AT_LAST_MS) >> 3] = slots.times[slot * ROW_TIMES + TIME_LAST]!;
    words[word + AT_ALLOWED / 4] = from[row + COUNT_ALLOWED]!;
    words[word + AT_DENIED / 4] = from[row + COUNT_DENIED]!;
    words[word + AT_WOULD_DENY / 4] = from[row + COUNT_WOULD_DENY]!;
    words[word + AT_FAILED / 4] = from[row + COUNT_FAILED]!;
    words[word + AT_CACHED / 4] = from[row + COUNT_CACHED]!;
    words[word + AT_FOLDED / 4] = from[row + COUNT_FOLDED]!;
    words[word + AT_NXDOMAIN / 4] = from[row + COUNT_NXDOMAIN]!;
    for (let i = 0; i < 4; i++) {
      words[word + AT_SOURCE / 4 + i] = from[row + WORD_SOURCE + i]!;
    }
    this.#writeHashes(word, kind, slots, slot);
    this.#writeOctets(at, kind, slots, slot);
    this.#ring.publish();
    return true;
  }

  /** The keyed hashes that the slot is found by, and for a name those of its pair. */
  #writeHashes(word: number, kind: number, slots: Slots, slot: number): void {
    const { words } = this.#ring;
    const row = slot * ROW_WORDS;
    const isName = kind === KIND_NAME;
    const pairRow = isName ? slots.words[row + WORD_LINK]! * ROW_WORDS : row;
    words[word + AT_NAME_HASH / 4] = isName ? slots.words[row + WORD_LOW]! : 0;
    words[word + AT_NAME_HASH / 4 + 1] = isName ? slots.words[row + WORD_HIGH]! : 0;
    words[word + AT_DOMAIN_HASH / 4] = this.pairs.words[pairRow + WORD_LOW]!;
    words[word + AT_DOMAIN_HASH / 4 + 1] = this.pairs.words[pairRow + WORD_HIGH]!;
  }

  #writeOctets(at: number, kind: number, slots: Slots, slot: number): void {
    const { octets } = this.#ring;
    const from = slots.octets;
    const row = slot * ROW_OCTETS;
    const qtype = slots.words[slot * ROW_WORDS + WORD_QTYPE]!;
    const length = from[row + OCTET_NAME_LENGTH]!;
    octets[at + AT_QTYPE] = qtype;
    octets[at + AT_QTYPE + 1] = qtype >>> 8;
    octets[at + AT_REASON] = from[row + OCTET_REASON]!;
    octets[at + AT_FLAGS] = from[row + OCTET_FLAGS]!;
    octets[at + AT_MODE] = from[row + OCTET_MODE]!;
    octets[at + AT_FEED] = from[row + OCTET_FEED]!;
    octets[at + AT_NAME_LENGTH] = length;
    octets[at + AT_REGISTRABLE] = from[row + OCTET_REGISTRABLE]!;
    octets[at + AT_ANSWER_COUNT] = kind === KIND_NAME ? 0 : this.#writeAddresses(at, kind, slot);
    const nameAt = slots.words[slot * ROW_WORDS + WORD_NAME_AT]!;
    copyOctets(this.#arena, nameAt, octets, at + AT_NAME, length);
  }

  /**
   * The answers of a pair; or in its own record the address that was refused, where it is known.
   */
  #writeAddresses(at: number, kind: number, pair: number): number {
    const { octets } = this.#ring;
    const row = pair * ROW_OCTETS;
    const from = this.pairs.octets;
    if (kind === KIND_ANSWER) {
      const count = from[row + OCTET_ANSWERS]!;
      copyOctets(this.#answers, pair * ANSWER_OCTETS, octets, at + AT_ANSWERS, count * 16);
      return count;
    }
    const isFlagged = (from[row + OCTET_FLAGS]! & FLAG_REBINDING) !== 0;
    if (!isFlagged || (from[row + OCTET_STATE]! & IS_REFUSED) === 0) return 0;
    copyOctets(this.#refused, pair * 16, octets, at + AT_ANSWERS, 16);
    return 1;
  }
}

/**
 * Waiters: the clients that wait for a flight, each with all that its own answer needs.
 *
 * A flight is shared by identical questions; nothing of one client's message, decision or identity
 * is. Everything is copied in and out of parallel arrays, so that the client's slab can be reused.
 */

import { PEER_SIZE } from '../batch.ts';
import { UNMAPPED } from '../identity/workloads.ts';
import type { Query } from '../query.ts';
import { HEADER_SIZE } from '../wire/constants.ts';
import { FULL_COOKIE_SIZE } from '../wire/cookie.ts';
import { copyName, readName } from '../wire/name.ts';
import { copyOctets } from '../wire/octets.ts';
import type { Inflight } from './inflight.ts';

/** Workloads that are counted apart; those whose numbers are equal below it share a count. */
const COUNTED = 1 << 16;

/**
 * A row is one run of memory, numbers first, so that a waiter is a few cache lines and no object.
 * In time that was no more than the noise: 3.3 to 3.7 us a forwarded question before, 3.3 to 3.5
 * so.
 *
 * ```
 * word  0 id  1 flags  2 EDNS, DO, keepalive, TCP, alias, padding, encryption, cookie  3 UDP size
 *       4 workload  5 mode  6 revision  7 octets of the question
 *       8 decision: allowed, would deny, reason, feed  9 rule  10 label << 8 | flags
 * octet 44 peer record; 92 header and question, at most 12 + 255 + 4; 368 when it arrived
 * word 91 when the query came, us of the monotonic clock as far as they fit
 * octet 376 cookie for the response
 * ```
 */
const ROW_OCTETS = 400;
const ROW_WORDS = ROW_OCTETS / 4;
const WORD_WORKLOAD = 4;
const WORD_SINCE = 91;
const AT_PEER = 44;
const AT_QUESTION = AT_PEER + PEER_SIZE;
const ROW_DOUBLES = ROW_OCTETS / 8;
const DOUBLE_RECEIVED = 46;
const AT_COOKIE = 376;

const HAS_EDNS = 1;
const DNSSEC_OK = 2;
const WANTS_KEEPALIVE = 4;
const OVER_TCP = 8;
const IS_ALIAS = 16;
const WANTS_PADDING = 32;
/** Two bits. */
const ENCRYPTION_SHIFT = 6;
const HAS_COOKIE = 256;

export class Waiters {
  readonly capacity: number;
  count = 0;
  /** Next waiter of the same flight, or of the free list; -1 ends both. */
  readonly next: Int32Array;
  /** Which listener the answer leaves by: index of a UDP port, or -1 - connection for TCP. */
  readonly channel: Int32Array;
  /** How many wait, by the workload's number below COUNTED; 0..perWorkload. */
  readonly #held = new Uint16Array(COUNTED);
  readonly #perWorkload: number;
  /** The rows, as words, octets and doubles. */
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  readonly #doubles: Float64Array;
  #free = 0;

  /**
   * @param perWorkload 1..65535: how many places one workload may hold, so that none that asks for
   *   names nobody answers keeps the others from asking
   */
  constructor(capacity: number, perWorkload: number) {
    this.capacity = capacity;
    this.#perWorkload = perWorkload;
    this.next = new Int32Array(capacity);
    this.channel = new Int32Array(capacity);
    const memory = new ArrayBuffer(capacity * ROW_OCTETS);
    this.#words = new Int32Array(memory);
    this.#octets = new Uint8Array(memory);
    this.#doubles = new Float64Array(memory);
    for (let i = 0; i < capacity; i++) this.next[i] = i + 1;
    this.next[capacity - 1] = -1;
  }

  /**
   * Puts the query at the head of a flight's waiters.
   *
   * @returns false when there is no room, or its workload has its share: the query is shed
   */
  add(query: Query, channel: number, flight: number, inflight: Inflight): boolean {
    const waiter = this.#free;
    const workload = query.workload & (COUNTED - 1);
    if (waiter === -1 || this.#held[workload]! >= this.#share(query.workload)) return false;
    this.#held[workload]!++;
    this.#free = this.next[waiter]!;
    this.count++;
    this.next[waiter] = inflight.firstWaiter[flight]!;
    inflight.firstWaiter[flight] = waiter;
    inflight.waiterCount[flight]!++;
    this.channel[waiter] = channel;
    this.#writeNumbers(waiter * ROW_WORDS, query);
    this.#doubles[waiter * ROW_DOUBLES + DOUBLE_RECEIVED] = query.wallMs;
    const at = waiter * ROW_OCTETS;
    const length = query.questionEnd - query.start;
    copyOctets(query.peer, query.peerAt, this.#octets, at + AT_PEER, PEER_SIZE);
    copyOctets(query.octets, query.start, this.#octets, at + AT_QUESTION, length);
    if (query.hasCookie === 1) {
      copyOctets(query.cookie, 0, this.#octets, at + AT_COOKIE, FULL_COOKIE_SIZE);
    }
    return true;
  }

  /** Whether half of the workload's places are free: what nobody waits for takes no others. */
  hasSpare(workload: number): boolean {
    return this.#held[workload & (COUNTED - 1)]! * 2 < this.#share(workload);
  }

  get isFull(): boolean {
    return this.#free === -1;
  }

  /** Places of one workload. Strangers have a quarter of them, and none when half are taken. */
  #share(workload: number): number {
    if (workload !== UNMAPPED) return this.#perWorkload;
    return this.count * 2 >= this.capacity ? 0 : this.#perWorkload >> 2;
  }

  #writeNumbers(row: number, query: Query): void {
    const words = this.#words;
    const { decision } = query;
    words[row] = query.id;
    words[row + 1] = query.flags;
    words[row + 2] =
      (query.hasEdns === 1 ? HAS_EDNS : 0) |
      (query.dnssecOk === 1 ? DNSSEC_OK : 0) |
      (query.wantsKeepalive === 1 ? WANTS_KEEPALIVE : 0) |
      (query.overTcp === 1 ? OVER_TCP : 0) |
      (query.isAlias === 1 ? IS_ALIAS : 0) |
      (query.wantsPadding === 1 ? WANTS_PADDING : 0) |
      (query.encryption << ENCRYPTION_SHIFT) |
      (query.hasCookie === 1 ? HAS_COOKIE : 0);
    words[row + 3] = query.udpSize;
    words[row + WORD_WORKLOAD] = query.workload;
    words[row + 5] = query.mode;
    words[row + 6] = query.revision;
    words[row + 7] = query.questionEnd - query.start;
    words[row + 8] =
      decision.allowed |
      (decision.wouldDeny << 8) |
      (decision.reason << 16) |
      (decision.feed << 24);
    words[row + 9] = decision.rule;
    words[row + 10] = (decision.matchedLabel << 8) | decision.flags;
    words[row + WORD_SINCE] = query.nowMs * 1000;
  }

  /** Fills `query` as it was when it began to wait; `question` has the flight's name and
   * type; the name of an alias is read from its own question again. */
  restore(waiter: number, question: Query, query: Query): void {
    const at = waiter * ROW_OCTETS;
    query.octets = this.#octets;
    query.start = at + AT_QUESTION;
    query.peer = this.#octets;
    query.peerAt = at + AT_PEER;
    query.qtype = question.qtype;
    query.qclass = question.qclass;
    this.#readNumbers(waiter * ROW_WORDS, query);
    query.receivedMs = this.#doubles[waiter * ROW_DOUBLES + DOUBLE_RECEIVED]!;
    query.end = query.questionEnd;
    if (query.hasCookie === 1) {
      copyOctets(this.#octets, at + AT_COOKIE, query.cookie, 0, FULL_COOKIE_SIZE);
    }
    if (query.isAlias === 0) copyName(question.name, query.name);
    else readName(query.octets, query.start + HEADER_SIZE, query.end, query.name);
  }

  #readNumbers(row: number, query: Query): void {
    const words = this.#words;
    const { decision } = query;
    query.id = words[row]!;
    query.flags = words[row + 1]!;
    const bits = words[row + 2]!;
    query.hasEdns = bits & HAS_EDNS;
    query.dnssecOk = (bits & DNSSEC_OK) === 0 ? 0 : 1;
    query.wantsKeepalive = (bits & WANTS_KEEPALIVE) === 0 ? 0 : 1;
    query.overTcp = (bits & OVER_TCP) === 0 ? 0 : 1;
    query.isAlias = (bits & IS_ALIAS) === 0 ? 0 : 1;
    query.wantsPadding = (bits & WANTS_PADDING) === 0 ? 0 : 1;
    query.encryption = (bits >>> ENCRYPTION_SHIFT) & 3;
    query.hasCookie = (bits & HAS_COOKIE) === 0 ? 0 : 1;
    query.udpSize = words[row + 3]!;
    query.workload = words[row + WORD_WORKLOAD]!;
    query.mode = words[row + 5]!;
    query.revision = words[row + 6]!;
    query.questionEnd = query.start + words[row + 7]!;
    const verdict = words[row + 8]!;
    decision.allowed = verdict & 0xff;
    decision.wouldDeny = (verdict >>> 8) & 0xff;
    decision.reason = (verdict >>> 16) & 0xff;
    decision.feed = verdict >>> 24;
    decision.rule = words[row + 9]!;
    decision.matchedLabel = words[row + 10]! >>> 8;
    decision.flags = words[row + 10]! & 0xff;
  }

  /** Whether it waits for the target of a local alias. */
  isForAlias(waiter: number): boolean {
    return (this.#words[waiter * ROW_WORDS + 2]! & IS_ALIAS) !== 0;
  }

  /** Microseconds since the query came; below half an hour, for a word tells no more apart. */
  waitedUs(waiter: number, nowMs: number): number {
    return (((nowMs * 1000) | 0) - this.#words[waiter * ROW_WORDS + WORD_SINCE]!) | 0;
  }

  release(waiter: number): void {
    this.#held[this.#words[waiter * ROW_WORDS + WORD_WORKLOAD]! & (COUNTED - 1)]!--;
    this.next[waiter] = this.#free;
    this.#free = waiter;
    this.count--;
  }
}

/**
 * Waiters: the clients that wait for a flight, each with all that its own answer needs.
 *
 * A flight is shared by identical questions; nothing of one client's message, decision or identity
 * is. Everything is copied in and out of parallel arrays, so that the client's slab can be reused.
 */

import { PEER_SIZE } from '../batch.ts';
import { copyDecision, Decision } from '../policy/decision.ts';
import type { Query } from '../query.ts';
import { HEADER_SIZE } from '../wire/constants.ts';
import { copyName, readName } from '../wire/name.ts';
import { copyOctets } from '../wire/octets.ts';
import type { Inflight } from './inflight.ts';

/** A header and the longest question: 12 + 255 + 4 octets, rounded up. */
const QUESTION_STRIDE = 272;

/** Workloads that are counted apart; those whose numbers are equal below it share a count. */
const COUNTED = 1 << 16;
/** The field of `FIELDS` that holds the workload. */
const FIELD_WORKLOAD = 7;
/** Fields of a query that are copied as numbers, in one row of the table. */
const FIELDS = 12;

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
  readonly #fields: Int32Array;
  readonly #questions: Uint8Array;
  readonly #peers: Uint8Array;
  readonly #decisions: Decision[];
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
    this.#fields = new Int32Array(capacity * FIELDS);
    this.#questions = new Uint8Array(capacity * QUESTION_STRIDE);
    this.#peers = new Uint8Array(capacity * PEER_SIZE);
    this.#decisions = Array.from({ length: capacity }, () => new Decision());
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
    if (waiter === -1 || this.#held[workload]! >= this.#perWorkload) return false;
    this.#held[workload]!++;
    this.#free = this.next[waiter]!;
    this.count++;
    this.next[waiter] = inflight.firstWaiter[flight]!;
    inflight.firstWaiter[flight] = waiter;
    inflight.waiterCount[flight]!++;
    this.channel[waiter] = channel;
    const fields = this.#fields;
    let at = waiter * FIELDS;
    fields[at++] = query.id;
    fields[at++] = query.flags;
    fields[at++] = query.hasEdns;
    fields[at++] = query.dnssecOk;
    fields[at++] = query.udpSize;
    fields[at++] = query.wantsKeepalive;
    fields[at++] = query.overTcp;
    fields[at++] = query.workload;
    fields[at++] = query.mode;
    fields[at++] = query.revision;
    fields[at++] = query.isAlias;
    fields[at++] = query.questionEnd - query.start;
    const length = query.questionEnd - query.start;
    copyOctets(query.octets, query.start, this.#questions, waiter * QUESTION_STRIDE, length);
    copyOctets(query.peer, query.peerAt, this.#peers, waiter * PEER_SIZE, PEER_SIZE);
    copyDecision(query.decision, this.#decisions[waiter]!);
    return true;
  }

  /** Fills `query` as it was when it began to wait; `question` has the flight's name and
   * type; the name of an alias is read from its own question again. */
  restore(waiter: number, question: Query, query: Query): void {
    const fields = this.#fields;
    let at = waiter * FIELDS;
    query.id = fields[at++]!;
    query.flags = fields[at++]!;
    query.hasEdns = fields[at++]!;
    query.dnssecOk = fields[at++]!;
    query.udpSize = fields[at++]!;
    query.wantsKeepalive = fields[at++]!;
    query.overTcp = fields[at++]!;
    query.workload = fields[at++]!;
    query.mode = fields[at++]!;
    query.revision = fields[at++]!;
    query.isAlias = fields[at++]!;
    query.octets = this.#questions;
    query.start = waiter * QUESTION_STRIDE;
    query.questionEnd = query.start + fields[at]!;
    query.end = query.questionEnd;
    query.peer = this.#peers;
    query.peerAt = waiter * PEER_SIZE;
    query.qtype = question.qtype;
    query.qclass = question.qclass;
    if (query.isAlias === 0) copyName(question.name, query.name);
    else readName(query.octets, query.start + HEADER_SIZE, query.end, query.name);
    copyDecision(this.#decisions[waiter]!, query.decision);
  }

  release(waiter: number): void {
    this.#held[this.#fields[waiter * FIELDS + FIELD_WORKLOAD]! & (COUNTED - 1)]!--;
    this.next[waiter] = this.#free;
    this.#free = waiter;
    this.count--;
  }
}

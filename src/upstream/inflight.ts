/**
 * Inflight: the questions that were sent upstream and wait for an answer, one flight each.
 *
 * Identical questions share a flight (RFC 5452 5: one outstanding query per question, so that a
 * birthday attack gains nothing), and everybody who waits is a waiter of it. What "identical" means
 * is the key: name, type, the flags that change the answer, and the group of servers. Who may have
 * the answer is decided per waiter, elsewhere; this table knows no policy, no timer and no socket.
 */

import { equalOctets, readName, type WireName } from '../wire/name.ts';
import { Ages } from './ages.ts';

/** Bits of `keyFlags`: what else of a query changes what upstream answers. */
export const KEY_CD = 1;
export const KEY_DO = 2;
/** RD was clear in the query. */
export const KEY_NO_RD = 4;

/** Most answers have come by then; what Unbound calls jostle-timeout. */
const YIELD_MS = 200;

/** Octets between two names in `nameOctets`. */
export const NAME_STRIDE = 256;

/** Suffixes whose hashes are kept with a flight, the root among them: few names have more. */
const SUFFIXES = 8;

export class Inflight {
  /** Flights, a power of two. */
  readonly capacity: number;
  /** Flights in use. */
  count = 0;
  /** First entry of the flight's waiter list / the caller's waiter index / -1 for none. */
  readonly firstWaiter: Int32Array;
  /** Waiters of the flight / count / kept by the caller. */
  readonly waiterCount: Int32Array;
  /** Question type / RR type / 0..65535. */
  readonly qtype: Uint16Array;
  /** Part of the key / KEY_* bits / 0..7. */
  readonly keyFlags: Uint8Array;
  /** Group of servers / index in the plan / 0..65535. */
  readonly group: Uint16Array;
  /** When the flight was acquired / ms of the monotonic clock / as given. */
  readonly startedMs: Float64Array;
  /** Lower-case wire names with their root / octets / name of flight `f` at `f * NAME_STRIDE`. */
  readonly nameOctets: Uint8Array;
  /** Octets of each name / octets / 1..255. */
  readonly nameLength: Uint16Array;
  /** Labels of each name without the root / count / 0..127. */
  readonly #labelCount: Uint8Array;
  /** Where the labels start / offset in the name / of flight `f` at `f * SUFFIXES`. */
  readonly #labelAt: Uint8Array;
  /** Hashes of the suffixes / low and high half / of flight `f` at `f * SUFFIXES * 2`. */
  readonly #hashes: Int32Array;
  /** How often the slot was released / count / modulo 2^32; tells old flights from new. */
  readonly generation: Uint32Array;

  /** First flight of each bucket / flight / -1 for none. Twice as many buckets as flights. */
  readonly #buckets: Int32Array;
  /** Next flight of the bucket, or of the free list / flight / -1 for none. */
  readonly #next: Int32Array;
  /** Bucket of the flight / bucket index / -1: cannot be found (free, or detached). */
  readonly #bucket: Int32Array;
  readonly #ages: Ages;
  #free = 0;

  /** @param capacity a power of two, 1..65,536 */
  constructor(capacity = 8192) {
    this.capacity = capacity;
    this.firstWaiter = new Int32Array(capacity).fill(-1);
    this.waiterCount = new Int32Array(capacity);
    this.qtype = new Uint16Array(capacity);
    this.keyFlags = new Uint8Array(capacity);
    this.group = new Uint16Array(capacity);
    this.startedMs = new Float64Array(capacity);
    this.nameOctets = new Uint8Array(capacity * NAME_STRIDE);
    this.nameLength = new Uint16Array(capacity);
    this.#labelCount = new Uint8Array(capacity);
    this.#labelAt = new Uint8Array(capacity * SUFFIXES);
    this.#hashes = new Int32Array(capacity * SUFFIXES * 2);
    this.generation = new Uint32Array(capacity);
    this.#buckets = new Int32Array(capacity * 2).fill(-1);
    this.#bucket = new Int32Array(capacity).fill(-1);
    this.#next = new Int32Array(capacity);
    for (let flight = 0; flight < capacity; flight++) this.#next[flight] = flight + 1;
    this.#next[capacity - 1] = -1;
    this.#ages = new Ages(capacity);
  }

  /** @returns the flight that asks the same question of the same group, or -1 */
  find(name: WireName, qtype: number, keyFlags: number, group: number): number {
    const { capacity } = this;
    let flight = this.#buckets[this.#bucketOf(name, qtype, keyFlags, group)]!;
    for (let steps = 0; flight !== -1 && steps < capacity; steps++) {
      if (
        this.qtype[flight] === qtype &&
        this.keyFlags[flight] === keyFlags &&
        this.group[flight] === group &&
        this.nameLength[flight] === name.length &&
        equalOctets(this.nameOctets, flight * NAME_STRIDE, name.octets, 0, name.length)
      ) {
        return flight;
      }
      flight = this.#next[flight]!;
    }
    return -1;
  }

  /**
   * Takes a free flight for a question that `find` did not find. It has no waiters yet.
   *
   * @returns the flight, or -1 when all are in use
   */
  acquire(name: WireName, qtype: number, keyFlags: number, group: number, nowMs: number): number {
    const flight = this.#free;
    if (flight === -1) return -1;
    this.#free = this.#next[flight]!;
    this.count++;
    this.#ages.push(flight);
    this.firstWaiter[flight] = -1;
    this.waiterCount[flight] = 0;
    this.qtype[flight] = qtype;
    this.keyFlags[flight] = keyFlags;
    this.group[flight] = group;
    this.startedMs[flight] = nowMs;
    this.nameLength[flight] = name.length;
    const at = flight * NAME_STRIDE;
    for (let i = 0; i < name.length; i++) this.nameOctets[at + i] = name.octets[i]!;
    this.#keepSuffixes(flight, name);
    const bucket = this.#bucketOf(name, qtype, keyFlags, group);
    this.#bucket[flight] = bucket;
    this.#next[flight] = this.#buckets[bucket]!;
    this.#buckets[bucket] = flight;
    return flight;
  }

  /** Reads the flight's name as it was when it was acquired, hashes included. */
  readName(flight: number, name: WireName): void {
    const at = flight * NAME_STRIDE;
    const labels = this.#labelCount[flight]!;
    if (labels >= SUFFIXES) {
      readName(this.nameOctets, at, at + NAME_STRIDE, name);
      return;
    }
    const length = this.nameLength[flight]!;
    for (let i = 0; i < length; i++) name.octets[i] = this.nameOctets[at + i]!;
    const first = flight * SUFFIXES;
    for (let i = 0; i <= labels; i++) {
      name.labelAt[i] = this.#labelAt[first + i]!;
      name.low[i] = this.#hashes[(first + i) * 2]!;
      name.high[i] = this.#hashes[(first + i) * 2 + 1]!;
    }
    name.length = length;
    name.labelCount = labels;
    name.registrable = -1;
  }

  #keepSuffixes(flight: number, name: WireName): void {
    const labels = name.labelCount;
    this.#labelCount[flight] = labels;
    if (labels >= SUFFIXES) return;
    const first = flight * SUFFIXES;
    for (let i = 0; i <= labels; i++) {
      this.#labelAt[first + i] = name.labelAt[i]!;
      this.#hashes[(first + i) * 2] = name.low[i]!;
      this.#hashes[(first + i) * 2 + 1] = name.high[i]!;
    }
  }

  /** A flight that gives way to a question that finds no place, or -1. */
  victim(nowMs: number): number {
    const flight = this.#ages.yielding;
    return flight !== -1 && nowMs - this.startedMs[flight]! >= YIELD_MS ? flight : -1;
  }

  /** A flight that began at `limitMs` or before and was not told of yet, or -1. */
  late(limitMs: number): number {
    return this.#ages.takeOlder(this.startedMs, limitMs);
  }

  /** Gives a flight back. Its number means another question from the next `acquire` on. */
  release(flight: number): void {
    this.detach(flight);
    this.#ages.remove(flight);
    this.generation[flight]!++;
    this.#next[flight] = this.#free;
    this.#free = flight;
    this.count--;
  }

  /**
   * Makes a flight that goes on unfindable: who asks the same from now on starts a new one. For a
   * reload that gives a group's number to other servers.
   */
  detach(flight: number): void {
    const bucket = this.#bucket[flight]!;
    if (bucket === -1) return;
    this.#bucket[flight] = -1;
    const after = this.#next[flight]!;
    let at = this.#buckets[bucket]!;
    if (at === flight) {
      this.#buckets[bucket] = after;
      return;
    }
    for (let steps = 0; steps < this.capacity; steps++) {
      const next = this.#next[at]!;
      if (next === flight) {
        this.#next[at] = after;
        return;
      }
      at = next;
    }
  }

  /** The name's hash is keyed (wire/hash.ts), so nobody can choose names that share a bucket. */
  #bucketOf(name: WireName, qtype: number, keyFlags: number, group: number): number {
    const rest = Math.imul((qtype << 3) | keyFlags | (group << 19), 0x9e3779b1);
    return (name.low[0]! ^ (rest >>> 7)) & (this.capacity * 2 - 1);
  }
}

/**
 * Store: answers as they came, in one slab, found by name, type and flags.
 *
 * A slab used as a ring: new answers are written at the head, and what lies at the tail makes room.
 * An answer that was used since it was written moves to the head once more instead (first in, first
 * out, with reinsertion: close to LRU without touching anything on a hit but one octet). The index
 * is open addressing over slab offsets; the key is compared octet by octet, so that no answer is
 * ever given for another name.
 */

import type { WireName } from '../wire/name.ts';
import { equalOctets } from '../wire/name.ts';
import { Denials } from './denials.ts';
import {
  AT_CONTENT,
  AT_EXPIRES,
  AT_HIGH,
  AT_INSPECTION,
  AT_KEY,
  AT_LOW,
  AT_MESSAGE_LENGTH,
  AT_NAME,
  AT_NAME_LENGTH,
  AT_REVISION,
  AT_RULE,
  AT_SIZE,
  AT_STORED,
  AT_TTL_COUNT,
  AT_USE,
  ENTRY_MIN,
  EVERY_TYPE,
  IS_FAILURE,
  IS_STALE,
  IS_USED,
  isWorthRefresh,
  type StoredAnswer,
  usedOnceMore,
  WAS_DUE,
} from './entry.ts';

/** Reinsertions for one new answer: bounds what a write may cost. */
const REINSERT_MAX = 8;
const FREE = 0;
/** Words of one place of the index. */
const PLACE_WORDS = 2;

export class Store {
  readonly octets: Uint8Array;
  readonly #view: DataView;
  /**
   * Two words a place: slab offset / 8 + 1 of an entry, or 0 free; and the high half of its hash,
   * so that a probe reads the slab, which is far from the processor, for its own entry only.
   */
  readonly #index: Int32Array;
  readonly #mask: number;
  /** Where an NXDOMAIN may be found. */
  readonly denials: Denials;
  #head = 0;
  #tail = 0;
  /** Where the lap that the tail is still in ends; 0 when the head has not gone round. */
  #lapEnd = 0;
  count = 0;
  evictions = 0;
  /** How often everything was forgotten. */
  generation = 0;

  /** @param size octets of the slab, 64 kB or more */
  constructor(size: number) {
    const octets = Math.floor(Math.max(1 << 17, size) / 8) * 8;
    this.octets = new Uint8Array(octets);
    this.#view = new DataView(this.octets.buffer);
    let slots = 1024;
    while (slots < octets / 128) slots *= 2;
    this.#index = new Int32Array(slots * 2 * PLACE_WORDS);
    this.#mask = this.#index.length - 1;
    this.denials = new Denials(slots);
  }

  /**
   * The entry for the suffix of `name` that starts at `label`.
   *
   * @param key qtype << 8 | key flags
   * @returns its slab offset, or -1 when there is none or it has expired
   */
  find(name: WireName, label: number, key: number, nowSeconds: number): number {
    const index = this.#index;
    const high = name.high[label]!;
    let at = this.#placeOf(name.low[label]!, key);
    for (;;) {
      const word = index[at]!;
      if (word === FREE) return -1;
      if (index[at + 1] === high) {
        const entry = (word - 1) * 8;
        if (this.#isFor(entry, name, label, key)) {
          return this.#view.getUint32(entry + AT_EXPIRES, true) > nowSeconds ? entry : -1;
        }
      }
      at = (at + PLACE_WORDS) & this.#mask;
    }
  }

  /** What stands where the probes for a key begin: an entry / 8 + 1, or 0. See ahead.ts. */
  placeWord(low: number, key: number): number {
    return this.#index[this.#placeOf(low, key)]!;
  }

  /** An octet of each of the first cache lines of an entry, given as offset / 8, in one. */
  linesOf(place: number): number {
    if (place < 0) return 0;
    const { octets } = this;
    return octets[place * 8]! ^ octets[place * 8 + 64]! ^ octets[place * 8 + 127]!;
  }

  #isFor(entry: number, name: WireName, label: number, key: number): boolean {
    const view = this.#view;
    if (view.getInt32(entry + AT_LOW, true) !== name.low[label]) return false;
    if (view.getInt32(entry + AT_HIGH, true) !== name.high[label]) return false;
    if (view.getUint32(entry + AT_KEY, true) !== key) return false;
    const start = name.labelAt[label]!;
    const length = name.length - start;
    return (
      this.octets[entry + AT_NAME_LENGTH] === length &&
      equalOctets(this.octets, entry + AT_NAME, name.octets, start, length)
    );
  }

  /** Notes that an entry was of use: it will be kept once more when its turn to go comes. */
  touch(entry: number): void {
    const at = entry + AT_USE;
    this.octets[at] = usedOnceMore(this.octets[at]!);
  }

  /** Whether an answer that was just given out should be asked for anew before its end. */
  isDue(entry: number, nowSeconds: number): boolean {
    if ((this.octets[entry + AT_CONTENT]! & (IS_FAILURE | IS_STALE | WAS_DUE)) !== 0) return false;
    const expires = this.#view.getUint32(entry + AT_EXPIRES, true);
    const lifetime = expires - this.#view.getUint32(entry + AT_STORED, true);
    return isWorthRefresh(this.octets[entry + AT_USE]!, lifetime, expires - nowSeconds);
  }

  messageAt(entry: number): number {
    return this.ttlsAt(entry) + 2 * this.ttlCount(entry);
  }

  messageLength(entry: number): number {
    return this.#view.getUint16(entry + AT_MESSAGE_LENGTH, true);
  }

  nameLength(entry: number): number {
    return this.octets[entry + AT_NAME_LENGTH]!;
  }

  /** Offset of the first TTL offset; they are u16, little-endian. */
  ttlsAt(entry: number): number {
    return (entry + AT_NAME + this.octets[entry + AT_NAME_LENGTH]! + 1) & ~1;
  }

  ttlCount(entry: number): number {
    return this.#view.getUint16(entry + AT_TTL_COUNT, true);
  }

  age(entry: number, nowSeconds: number): number {
    return nowSeconds - this.#view.getUint32(entry + AT_STORED, true);
  }

  content(entry: number): number {
    return this.octets[entry + AT_CONTENT]!;
  }

  /** Adds a content flag. */
  mark(entry: number, flag: number): void {
    this.octets[entry + AT_CONTENT]! |= flag;
  }

  /** Takes a content flag away. */
  unmark(entry: number, flag: number): void {
    this.octets[entry + AT_CONTENT]! &= ~flag;
  }

  revision(entry: number): number {
    return this.#view.getUint32(entry + AT_REVISION, true);
  }

  /** What inspection found under `revision`: 0, or the REASON_* that refuses it. */
  inspection(entry: number): number {
    return this.octets[entry + AT_INSPECTION]!;
  }

  rule(entry: number): number {
    return this.#view.getUint32(entry + AT_RULE, true);
  }

  setInspection(entry: number, revision: number, reason: number, rule: number): void {
    this.octets[entry + AT_INSPECTION] = reason;
    this.#view.setUint32(entry + AT_REVISION, revision, true);
    this.#view.setUint32(entry + AT_RULE, rule, true);
  }

  /**
   * Writes an answer, replacing one with the same key.
   *
   * @param message slab that holds it from `start`, `length` octets
   * @param ttls offsets of the TTL fields from the message's start, `ttlCount` of them
   * @param seconds how long it may be used, 1 or more
   * @returns the entry, or -1 when it is larger than a quarter of the slab
   */
  put(name: WireName, key: number, answer: StoredAnswer, nowSeconds: number): number {
    const nameEnd = (AT_NAME + name.length + 1) & ~1;
    const needed = (nameEnd + 2 * answer.ttlCount + answer.length + 7) & ~7;
    const size = Math.max(needed, ENTRY_MIN);
    if (size > this.octets.length >>> 2) return -1;
    this.#remove(name, key);
    const entry = this.#makeRoom(size, nowSeconds);
    const view = this.#view;
    view.setUint32(entry + AT_SIZE, size, true);
    view.setInt32(entry + AT_LOW, name.low[0]!, true);
    view.setInt32(entry + AT_HIGH, name.high[0]!, true);
    view.setUint32(entry + AT_KEY, key, true);
    view.setUint32(entry + AT_STORED, nowSeconds, true);
    view.setUint32(entry + AT_EXPIRES, nowSeconds + answer.seconds, true);
    view.setUint16(entry + AT_MESSAGE_LENGTH, answer.length, true);
    view.setUint16(entry + AT_TTL_COUNT, answer.ttlCount, true);
    const { octets } = this;
    octets[entry + AT_NAME_LENGTH] = name.length;
    octets[entry + AT_USE] = 0;
    octets[entry + AT_CONTENT] = answer.content;
    for (let i = 0; i < name.length; i++) octets[entry + AT_NAME + i] = name.octets[i]!;
    let at = entry + nameEnd;
    for (let i = 0; i < answer.ttlCount; i++, at += 2) {
      view.setUint16(at, answer.ttlOffsets[i]!, true);
    }
    const source = answer.octets;
    for (let i = 0; i < answer.length; i++) octets[at + i] = source[answer.start + i]!;
    this.#link(entry);
    return entry;
  }

  /** The entry for a name, also one whose time is over; -1 for none. */
  held(name: WireName, key: number): number {
    let at = this.#placeOf(name.low[0]!, key);
    for (;;) {
      const word = this.#index[at]!;
      if (word === FREE) return -1;
      const entry = (word - 1) * 8;
      if (this.#index[at + 1] === name.high[0] && this.#isFor(entry, name, 0, key)) return entry;
      at = (at + PLACE_WORDS) & this.#mask;
    }
  }

  /** Gives an entry another end. */
  setEnd(entry: number, expiresSeconds: number): void {
    this.#view.setUint32(entry + AT_EXPIRES, expiresSeconds, true);
  }

  /** Forgets everything: the upstreams changed, so any answer may. */
  clear(): void {
    this.#index.fill(FREE);
    this.denials.clear();
    this.#head = 0;
    this.#tail = 0;
    this.#lapEnd = 0;
    this.count = 0;
    this.generation++;
  }

  /** The memory of the entries and of the index. */
  get slabs(): readonly Uint8Array[] {
    return [this.octets, new Uint8Array(this.#index.buffer)];
  }

  /** Octets of the slab that hold entries. */
  get usedOctets(): number {
    return this.#lapEnd === 0 ? this.#head - this.#tail : this.#lapEnd - this.#tail + this.#head;
  }

  /**
   * Claims `size` octets in a row at the head. Entries lie in `[tail, head)`, or after the head has
   * gone round (`#lapEnd` > 0) in `[tail, lapEnd)` and `[0, head)` with `head <= tail`.
   */
  #makeRoom(size: number, nowSeconds: number): number {
    let reinsertions = REINSERT_MAX;
    for (;;) {
      const limit = this.#lapEnd === 0 ? this.octets.length : this.#tail;
      if (this.#head + size <= limit) break;
      if (this.#lapEnd === 0) {
        this.#startLap();
      } else {
        const entry = this.#tail;
        const entrySize = this.#view.getUint32(entry + AT_SIZE, true);
        const fresh = this.#view.getUint32(entry + AT_EXPIRES, true) > nowSeconds;
        if ((this.octets[entry + AT_USE]! & IS_USED) !== 0 && fresh && reinsertions-- > 0) {
          this.#moveToHead(entry);
        } else {
          this.#unlink(entry);
          this.evictions++;
        }
        this.#passTail(entrySize);
      }
    }
    const entry = this.#head;
    this.#head += size;
    return entry;
  }

  #startLap(): void {
    this.#lapEnd = this.#head;
    this.#head = 0;
    this.denials.startLap();
    this.#passTail(0);
  }

  #passTail(size: number): void {
    this.#tail += size;
    if (this.#tail !== this.#lapEnd) return;
    this.#tail = 0;
    this.#lapEnd = 0;
  }

  /** The copy may overlap what it copies; `copyWithin` allows for that. */
  #moveToHead(entry: number): void {
    const size = this.#view.getUint32(entry + AT_SIZE, true);
    this.#unlink(entry);
    this.octets.copyWithin(this.#head, entry, entry + size);
    this.octets[this.#head + AT_USE]! &= ~IS_USED;
    this.#link(this.#head);
    this.#head += size;
  }

  /** Where the probes for a key begin. */
  #placeOf(low: number, key: number): number {
    return ((low ^ key) << 1) & this.#mask;
  }

  #homeOf(entry: number): number {
    const low = this.#view.getInt32(entry + AT_LOW, true);
    return this.#placeOf(low, this.#view.getUint32(entry + AT_KEY, true));
  }

  #link(entry: number): void {
    let at = this.#homeOf(entry);
    while (this.#index[at] !== FREE) at = (at + PLACE_WORDS) & this.#mask;
    this.#index[at] = entry / 8 + 1;
    this.#index[at + 1] = this.#view.getInt32(entry + AT_HIGH, true);
    this.count++;
    const key = this.#view.getUint32(entry + AT_KEY, true);
    if (key >>> 8 === EVERY_TYPE) this.denials.add(this.#view.getInt32(entry + AT_LOW, true));
  }

  /** Takes an entry out of the index and closes the gap, so that probes need no tombstones. */
  #unlink(entry: number): void {
    const word = entry / 8 + 1;
    let at = this.#homeOf(entry);
    while (this.#index[at] !== word) {
      // Replaced entries were unlinked already; they only wait for the tail.
      if (this.#index[at] === FREE) return;
      at = (at + PLACE_WORDS) & this.#mask;
    }
    this.count--;
    let hole = at;
    for (;;) {
      at = (at + PLACE_WORDS) & this.#mask;
      const next = this.#index[at]!;
      if (next === FREE) break;
      const home = this.#homeOf((next - 1) * 8);
      if (((at - home) & this.#mask) >= ((at - hole) & this.#mask)) {
        this.#index[hole] = next;
        this.#index[hole + 1] = this.#index[at + 1]!;
        hole = at;
      }
    }
    this.#index[hole] = FREE;
  }

  #remove(name: WireName, key: number): void {
    const entry = this.held(name, key);
    if (entry === -1) return;
    this.#unlink(entry);
    this.octets[entry + AT_USE] = 0;
  }
}

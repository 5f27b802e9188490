/**
 * answer: responses from the local zones, AA=1 (RFC 1034 4.3.2 without delegation). Fast lane.
 *
 * Aliases are followed through the local zones. Where a chain leaves them, or enters a private zone
 * from outside, the caller decides; whether the client may ask at all was decided before.
 */

import { Fingerprints } from '../fingerprints.ts';
import type { Query } from '../query.ts';
import {
  AA,
  CLASS_IN,
  HEADER_SIZE,
  NAME_MAX,
  NOERROR,
  NXDOMAIN,
  TYPE_ANY,
  TYPE_CNAME,
  TYPE_DNAME,
  TYPE_NSEC,
  TYPE_RRSIG,
} from '../wire/constants.ts';
import { equalOctets, readName, WireName } from '../wire/name.ts';
import { copyOctets, LOWER, readU16, readU32, writeU16, writeU32 } from '../wire/octets.ts';
import {
  appendOpt,
  beginResponse,
  optRoom,
  respondTruncated,
  responseLimit,
  setCounts,
} from '../wire/response.ts';
import * as layout from './memory.ts';

export type { ZonesMemory } from './memory.ts';

/** The response is complete. */
export const ANSWERED = 0;
/** The response holds the aliases; what they lead to, `zones.target`, is not answered here. */
export const CHAIN_LEAVES = 1;

/** Aliases that are followed in one response. */
const CHAIN_MAX = 16;
/** RFC 6672 2.2: the name that a DNAME makes is too long. */
const YXDOMAIN = 6;
/** Pointers reach 14 bits far (RFC 1035 4.1.4). */
const POINTER = 0xc000;
const POINTER_MAX = 0x3fff;
/** Type, class, TTL and length of a record. */
const RECORD_FIXED_SIZE = 10;
/** Offset of the data's length in a record without its owner, and of its TTL. */
const RECORD_RDLENGTH = 8;
const RECORD_TTL = 4;

/** What a step of the chain came to. */
const STEP_DONE = 0;
/** An alias was written; `target` is the next name. */
const STEP_ALIAS = 1;
const STEP_OVERFLOW = 2;

const NO_TEXT = new Uint8Array(0);

export class Zones {
  /** The name that a chain came to; valid after CHAIN_LEAVES until the next answer. */
  readonly target = new WireName();

  readonly #memory: layout.ZonesMemory;
  readonly #apexes: Fingerprints;
  readonly #names: Fingerprints;
  /** Offsets from the start of the message at which the chain's names stand, uncompressed. */
  readonly #chain = new Uint16Array(CHAIN_MAX + 1);

  // Of the response that is being written.
  /** The current name: the query's, or `target`. */
  #name = this.target;
  /** Offset from the start of the message at which it stands. */
  #nameAt = 0;
  #rcode = NOERROR;
  #answers = 0;
  #authorities = 0;
  /** Octets that records may fill, from the start of the message. */
  #room = 0;

  constructor(memory: layout.ZonesMemory) {
    this.#memory = memory;
    this.#apexes = new Fingerprints(memory.apexes.words, memory.apexes.count);
    this.#names = new Fingerprints(memory.names.words, memory.names.count);
  }

  /**
   * Zone with the longest apex at or above a name; -1 when none is, or a forward rule is longer.
   */
  find(name: WireName): number {
    const { zones, octets } = this.#memory;
    if (this.#apexes.count === 0) return -1;
    for (let label = 0; label <= name.labelCount; label++) {
      const zone = this.#apexes.find(name.low[label]!, name.high[label]!) - 1;
      if (zone === -1) continue;
      const at = zone * layout.ZONE_WORDS;
      const length = zones[at + layout.ZONE_NAME_LENGTH]!;
      const suffixAt = name.labelAt[label]!;
      if (name.length - suffixAt !== length) continue;
      if (!equalOctets(name.octets, suffixAt, octets, zones[at + layout.ZONE_NAME_AT]!, length)) {
        continue;
      }
      return (zones[at + layout.ZONE_FLAGS]! & layout.ZONE_FORWARDED) === 0 ? zone : -1;
    }
    return -1;
  }

  /** Whether only workloads whose allowlist names it may ask. */
  isPrivate(zone: number): boolean {
    return (this.#flags(zone) & layout.ZONE_PRIVATE) !== 0;
  }

  isBuiltin(zone: number): boolean {
    return (this.#flags(zone) & layout.ZONE_BUILTIN) !== 0;
  }

  /** For rules and people; slow lane. */
  text(zone: number): string {
    return this.#memory.texts[zone] ?? '';
  }

  #flags(zone: number): number {
    return this.#memory.zones[zone * layout.ZONE_WORDS + layout.ZONE_FLAGS]!;
  }

  /**
   * Writes the whole response, our OPT included. The query has passed `parse`, its class is IN, and
   * its name lies in `zone`.
   */
  answer(query: Query, zone: number): typeof ANSWERED | typeof CHAIN_LEAVES {
    beginResponse(query, AA, NOERROR);
    this.#rcode = NOERROR;
    this.#answers = 0;
    this.#authorities = 0;
    this.#room = responseLimit(query) - optRoom(query, -1);
    this.#nameAt = HEADER_SIZE;
    this.#name = query.name;
    let current = zone;
    for (let hop = 0; hop < CHAIN_MAX; hop++) {
      this.#chain[hop] = this.#nameAt;
      const step = this.#step(query, current);
      if (step === STEP_OVERFLOW) {
        respondTruncated(query, AA, NOERROR);
        return ANSWERED;
      }
      if (step === STEP_DONE || this.#isLoop(query, hop)) break;
      this.#name = this.target;
      const next = this.find(this.target);
      if (next === -1 || (next !== current && this.isPrivate(next))) {
        this.#finish(query);
        return CHAIN_LEAVES;
      }
      current = next;
    }
    this.#finish(query);
    return ANSWERED;
  }

  #finish(query: Query): void {
    setCounts(query, this.#answers, this.#authorities);
    const flagsAt = query.outStart + 3;
    query.out[flagsAt] = query.out[flagsAt]! | this.#rcode;
    appendOpt(query, 0, -1, NO_TEXT, 0, 0);
  }

  /** Whether the chain has come back to a name that it went through; compares without case. */
  #isLoop(query: Query, hop: number): boolean {
    const { octets, length } = this.target;
    for (let i = 0; i <= hop; i++) {
      const at = query.outStart + this.#chain[i]!;
      let same = 0;
      while (same < length && LOWER[query.out[at + same]!] === octets[same]) same++;
      if (same === length) return true;
    }
    return false;
  }

  /** Answers one name of the chain (RFC 1034 4.3.2 step 3). */
  #step(query: Query, zone: number): number {
    const name = this.#name;
    const apexLabel = name.labelCount - this.#zoneWord(zone, layout.ZONE_LABELS);
    const exact = this.#findNode(0, zone);
    if (exact !== -1) return this.#answerNode(query, zone, exact);
    let encloser = -1;
    let label = 1;
    for (; label <= apexLabel; label++) {
      encloser = this.#findNode(label, zone);
      if (encloser !== -1) break;
    }
    if (encloser !== -1) {
      const dname = this.#findSet(encloser, TYPE_DNAME, 0);
      if (dname !== -1) return this.#answerDname(query, label, encloser, dname);
      const wildcard = this.#nodeWord(encloser, layout.NODE_WILDCARD) - 1;
      if (wildcard !== -1) return this.#answerNode(query, zone, wildcard);
    }
    this.#rcode = NXDOMAIN;
    return this.#writeSoa(query, zone);
  }

  /** The node exists, as itself or as the wildcard: its data, its alias, or NODATA. */
  #answerNode(query: Query, zone: number, node: number): number {
    const written = this.#writeMatching(query, node);
    if (written === -1) return STEP_OVERFLOW;
    if (written > 0) return STEP_DONE;
    const cname = this.#findSet(node, TYPE_CNAME, 0);
    if (cname === -1) return this.#writeSoa(query, zone);
    const rdataAt = query.outLength + this.#ownerSize(0) + RECORD_FIXED_SIZE;
    if (this.#writeSigned(query, 0, node, cname) === STEP_OVERFLOW) return STEP_OVERFLOW;
    this.#readTarget(query, rdataAt);
    return STEP_ALIAS;
  }

  /** @returns sets written: one, several for RRSIG, none; -1 when they do not fit */
  #writeMatching(query: Query, node: number): number {
    const { sets } = this.#memory;
    const first = this.#nodeWord(node, layout.NODE_SET);
    const count = this.#nodeWord(node, layout.NODE_SETS);
    let written = 0;
    for (let set = first; set < first + count; set++) {
      const type = sets[set * layout.SET_WORDS + layout.SET_TYPE]!;
      // RFC 8482 4.1: ANY gets one RRset, and not one that is only about others.
      const any = query.qtype === TYPE_ANY && type !== TYPE_RRSIG && type !== TYPE_NSEC;
      if (type !== query.qtype && !any) continue;
      if (this.#writeSigned(query, 0, node, set) === STEP_OVERFLOW) return -1;
      written++;
      if (type !== TYPE_RRSIG) return written;
    }
    return written;
  }

  /** RFC 6672 3.2: the DNAME, and the CNAME that it makes for this name. */
  #answerDname(query: Query, label: number, node: number, set: number): number {
    const name = this.#name;
    const { sets, octets } = this.#memory;
    const recordAt = sets[set * layout.SET_WORDS + layout.SET_AT]!;
    if (this.#writeSigned(query, label, node, set) === STEP_OVERFLOW) return STEP_OVERFLOW;
    const prefix = name.labelAt[label]!;
    const targetLength = readU16(octets, recordAt + RECORD_RDLENGTH);
    const length = prefix + targetLength;
    if (length > NAME_MAX) {
      this.#rcode = YXDOMAIN;
      return STEP_DONE;
    }
    const size = this.#ownerSize(0) + RECORD_FIXED_SIZE + length;
    if (query.outLength + size > this.#room) return STEP_OVERFLOW;
    const { out } = query;
    const at = this.#writeOwner(query, 0);
    writeU16(out, at, TYPE_CNAME);
    writeU16(out, at + 2, CLASS_IN);
    writeU32(out, at + RECORD_TTL, readU32(octets, recordAt + RECORD_TTL));
    writeU16(out, at + RECORD_RDLENGTH, length);
    const rdata = at + RECORD_FIXED_SIZE;
    // The client's own case where the message holds it.
    copyOctets(out, query.outStart + this.#nameAt, out, rdata, prefix);
    copyOctets(octets, recordAt + RECORD_FIXED_SIZE, out, rdata + prefix, targetLength);
    query.outLength = rdata + length - query.outStart;
    this.#answers++;
    if (query.qtype === TYPE_CNAME || query.qtype === TYPE_ANY) return STEP_DONE;
    this.#readTarget(query, rdata - query.outStart);
    return STEP_ALIAS;
  }

  /** The name at an offset of the message becomes `target` and the current name. */
  #readTarget(query: Query, at: number): void {
    const from = query.outStart + at;
    readName(query.out, from, query.outStart + query.outLength, this.target);
    this.#nameAt = at;
  }

  // --- tables

  #zoneWord(zone: number, word: number): number {
    return this.#memory.zones[zone * layout.ZONE_WORDS + word]!;
  }

  #nodeWord(node: number, word: number): number {
    return this.#memory.nodes[node * layout.NODE_WORDS + word]!;
  }

  /**
   * Node of the suffix that starts at a label, in this zone; its octets are compared, not only
   * hashed.
   */
  #findNode(label: number, zone: number): number {
    const name = this.#name;
    const node = this.#names.find(name.low[label]!, name.high[label]!) - 1;
    if (node === -1 || this.#nodeWord(node, layout.NODE_ZONE) !== zone) return -1;
    const length = this.#nodeWord(node, layout.NODE_NAME_LENGTH);
    const suffixAt = name.labelAt[label]!;
    if (name.length - suffixAt !== length) return -1;
    const { octets } = this.#memory;
    const nameAt = this.#nodeWord(node, layout.NODE_NAME_AT);
    return equalOctets(name.octets, suffixAt, octets, nameAt, length) ? node : -1;
  }

  #findSet(node: number, type: number, covered: number): number {
    const { sets } = this.#memory;
    const first = this.#nodeWord(node, layout.NODE_SET);
    const count = this.#nodeWord(node, layout.NODE_SETS);
    for (let set = first; set < first + count; set++) {
      const at = set * layout.SET_WORDS;
      if (sets[at + layout.SET_TYPE] === type && sets[at + layout.SET_COVERED] === covered) {
        return set;
      }
    }
    return -1;
  }

  // --- records

  /**
   * A set under the current name from a label on, with its signatures for those who want them (RFC
   * 4035 3.1.1).
   */
  #writeSigned(query: Query, label: number, node: number, set: number): number {
    if (!this.#writeSet(query, label, set)) return STEP_OVERFLOW;
    if (query.dnssecOk === 0) return STEP_DONE;
    const type = this.#memory.sets[set * layout.SET_WORDS + layout.SET_TYPE]!;
    const signatures = type === TYPE_RRSIG ? -1 : this.#findSet(node, TYPE_RRSIG, type);
    if (signatures === -1) return STEP_DONE;
    return this.#writeSet(query, label, signatures) ? STEP_DONE : STEP_OVERFLOW;
  }

  /** @param label of the current name at which the owner starts */
  #writeSet(query: Query, label: number, set: number): boolean {
    const { sets, octets } = this.#memory;
    const count = sets[set * layout.SET_WORDS + layout.SET_COUNT]!;
    let from = sets[set * layout.SET_WORDS + layout.SET_AT]!;
    for (let record = 0; record < count; record++) {
      const length = RECORD_FIXED_SIZE + readU16(octets, from + RECORD_RDLENGTH);
      if (!this.#writeRecord(query, label, from, length)) return false;
      this.#answers++;
      from += length;
    }
    return true;
  }

  #writeSoa(query: Query, zone: number): number {
    const label = this.#name.labelCount - this.#zoneWord(zone, layout.ZONE_LABELS);
    const from = this.#zoneWord(zone, layout.ZONE_SOA_AT);
    const length = this.#zoneWord(zone, layout.ZONE_SOA_LENGTH);
    if (!this.#writeRecord(query, label, from, length)) return STEP_OVERFLOW;
    this.#authorities++;
    return STEP_DONE;
  }

  #writeRecord(query: Query, label: number, from: number, length: number): boolean {
    if (query.outLength + this.#ownerSize(label) + length > this.#room) return false;
    const at = this.#writeOwner(query, label);
    copyOctets(this.#memory.octets, from, query.out, at, length);
    query.outLength = at + length - query.outStart;
    return true;
  }

  /** Octets that the owner takes: a pointer, or the name where a pointer cannot reach. */
  #ownerSize(label: number): number {
    const name = this.#name;
    const at = this.#nameAt + name.labelAt[label]!;
    return at <= POINTER_MAX ? 2 : name.length - name.labelAt[label]!;
  }

  /**
   * Writes the current name from a label on. It stands whole in the message, in the question or as
   * the data of the alias before, so that the client's case shows.
   *
   * @returns the absolute offset after it
   */
  #writeOwner(query: Query, label: number): number {
    const name = this.#name;
    const { out } = query;
    const at = query.outStart + query.outLength;
    const nameAt = this.#nameAt + name.labelAt[label]!;
    const size = this.#ownerSize(label);
    if (size === 2) writeU16(out, at, POINTER | nameAt);
    else copyOctets(name.octets, name.labelAt[label]!, out, at, size);
    return at + size;
  }
}

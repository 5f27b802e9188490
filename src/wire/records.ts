/**
 * Resource records in place: bounds, the names inside RDATA, and records copied without
 * compression.
 *
 * RFC 3597 section 4 lists the types whose RDATA may hold compressed names; every other type is
 * opaque and is carried as it came.
 */

import {
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  TYPE_DNAME,
  TYPE_HTTPS,
  TYPE_MX,
  TYPE_NAPTR,
  TYPE_NS,
  TYPE_NSEC,
  TYPE_PTR,
  TYPE_RRSIG,
  TYPE_SOA,
  TYPE_SRV,
  TYPE_SVCB,
} from './constants.ts';
import { expandOctets, skipName, WireName } from './name.ts';
import { copyOctets, readU16, writeU16 } from './octets.ts';

/** One record's place in a message; offsets are absolute in the slab. */
export class RecordPlace {
  owner = 0;
  type = 0;
  /** Offset of the TTL; class is at `ttlAt - 2`, type at `ttlAt - 4`. */
  ttlAt = 0;
  rdata = 0;
  rdataEnd = 0;
}

/** @returns the offset after the record, or -1 when it does not lie inside the message */
export function readRecord(
  octets: Uint8Array,
  at: number,
  end: number,
  record: RecordPlace,
): number {
  const fields = skipName(octets, at, end);
  if (fields === -1 || fields + 10 > end) return -1;
  record.owner = at;
  record.type = readU16(octets, fields);
  record.ttlAt = fields + 4;
  record.rdata = fields + 10;
  record.rdataEnd = fields + 10 + readU16(octets, fields + 8);
  return record.rdataEnd > end ? -1 : record.rdataEnd;
}

/** Layout of RDATA with names: octets before the first name, names, octets after the last. */
const BEFORE = new Uint8Array(66);
const NAMES = new Uint8Array(66);
/** ANY_REST: whatever is left; else exactly that many octets. */
const AFTER = new Uint8Array(66);
const ANY_REST = 255;

function layout(type: number, before: number, names: number, after: number): void {
  BEFORE[type] = before;
  NAMES[type] = names;
  AFTER[type] = after;
}
for (const type of [TYPE_NS, 3, 4, TYPE_CNAME, 7, 8, 9, TYPE_PTR, TYPE_DNAME])
  layout(type, 0, 1, 0);
for (const type of [TYPE_MX, 18, 21, 36]) layout(type, 2, 1, 0); // MX AFSDB RT KX
layout(TYPE_SOA, 0, 2, 20);
layout(14, 0, 2, 0); // MINFO
layout(17, 0, 2, 0); // RP
layout(26, 2, 2, 0); // PX
layout(TYPE_SRV, 6, 1, 0);
layout(24, 18, 1, ANY_REST); // SIG
layout(TYPE_RRSIG, 18, 1, ANY_REST);
layout(30, 0, 1, ANY_REST); // NXT
layout(TYPE_NSEC, 0, 1, ANY_REST);
layout(TYPE_SVCB, 2, 1, ANY_REST);
layout(TYPE_HTTPS, 2, 1, ANY_REST);

const scratch = new WireName();

/** Octets before the first name of NAPTR: order, preference and three character strings. */
function naptrPrefix(octets: Uint8Array, record: RecordPlace): number {
  let at = record.rdata + 4;
  for (let i = 0; i < 3; i++) {
    if (at >= record.rdataEnd) return -1;
    at += 1 + octets[at]!;
  }
  return at - record.rdata;
}

/** Octets before the first name; -1 when RDATA is too short for them. */
function prefixOf(octets: Uint8Array, record: RecordPlace): number {
  return record.type === TYPE_NAPTR ? naptrPrefix(octets, record) : (BEFORE[record.type] ?? 0);
}

function namesOf(type: number): number {
  return type === TYPE_NAPTR ? 1 : type < 66 ? NAMES[type]! : 0;
}

/**
 * Whether RDATA is well formed as far as its type says: addresses of their size, names that end
 * inside it, nothing left over where nothing may be. Types without names are opaque.
 */
export function isValidRdata(octets: Uint8Array, start: number, record: RecordPlace): boolean {
  const { type, rdata, rdataEnd } = record;
  if (type === TYPE_A) return rdataEnd - rdata === 4;
  if (type === TYPE_AAAA) return rdataEnd - rdata === 16;
  const names = namesOf(type);
  if (names === 0) return true;
  const before = prefixOf(octets, record);
  if (before === -1) return false;
  let at = rdata + before;
  for (let i = 0; i < names; i++) {
    if (at >= rdataEnd) return false;
    at = expandOctets(octets, start, at, rdataEnd, scratch);
    if (at === -1) return false;
  }
  const after = type === TYPE_NAPTR ? 0 : AFTER[type]!;
  return after === ANY_REST ? at <= rdataEnd : at + after === rdataEnd;
}

/**
 * Copies a record with every name written out, for records whose place in the message changes.
 * The record must be valid. Case of names is lost to lower case, which compares equal (RFC 4343).
 *
 * @returns the offset after the copy, or -1 when it does not fit before `outEnd`
 */
export function copyExpanded(
  octets: Uint8Array,
  start: number,
  record: RecordPlace,
  out: Uint8Array,
  outAt: number,
): number {
  // An expanded record takes at most its RDATA and three names more.
  if (outAt + (record.rdataEnd - record.rdata) + 4 * 256 > out.length) return -1;
  expandOctets(octets, start, record.owner, octets.length, scratch);
  copyOctets(scratch.octets, 0, out, outAt, scratch.length);
  const fields = outAt + scratch.length;
  copyOctets(octets, record.ttlAt - 4, out, fields, 8);
  const rdataAt = fields + 10;
  let at = rdataAt;
  let from = record.rdata;
  const names = namesOf(record.type);
  const before = names === 0 ? 0 : prefixOf(octets, record);
  copyOctets(octets, from, out, at, before);
  at += before;
  from += before;
  for (let i = 0; i < names; i++) {
    from = expandOctets(octets, start, from, record.rdataEnd, scratch);
    copyOctets(scratch.octets, 0, out, at, scratch.length);
    at += scratch.length;
  }
  const rest = record.rdataEnd - from;
  copyOctets(octets, from, out, at, rest);
  at += rest;
  writeU16(out, fields + 8, at - rdataAt);
  return at;
}

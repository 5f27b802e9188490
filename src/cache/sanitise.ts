/**
 * sanitise: an upstream's answer, checked record by record and reduced to what belongs.
 *
 * Kept are the records of the question's name and of its CNAME/DNAME chain, for negative answers
 * the SOA of a zone that holds a name of the chain, and where DO asked for them NSEC, NSEC3 and
 * signatures. Everything else is left out: the additional section, name server records, other
 * classes, records about other names (the cache-poisoning classes of CVE-2025-11411 and
 * CVE-2025-40778). What is kept in place keeps its octets; a record that has to move is written out
 * without compression.
 */

import {
  AT_ANCOUNT,
  AT_ARCOUNT,
  AT_NSCOUNT,
  CLASS_IN,
  HEADER_SIZE,
  NOERROR,
  NXDOMAIN,
  OPTION_EDE,
  TYPE_CNAME,
  TYPE_DNAME,
  TYPE_NSEC,
  TYPE_NSEC3,
  TYPE_OPT,
  TYPE_RRSIG,
  TYPE_SOA,
} from '../wire/constants.ts';
import {
  additionalCount,
  answerCount,
  authorityCount,
  messageFlags,
  rcodeOf,
} from '../wire/header.ts';
import { expandName, WireName } from '../wire/name.ts';
import { copyOctets, readU16, readU32, writeU16, writeU32 } from '../wire/octets.ts';
import { copyExpanded, isValidRdata, RecordPlace, readRecord } from '../wire/records.ts';
import { IS_NXDOMAIN, StoredAnswer } from './entry.ts';
import { SetTtls } from './set-ttls.ts';

/** No honest message has more; the positions of each are kept in fixed arrays. */
const RECORDS_MAX = 4096;
/** A chain of more than this ends where it is: loops and long chains stay cheap. */
const CHAIN_MAX = 16;
const POINTER_TO_QUESTION = 0xc000 | HEADER_SIZE;

export interface TtlLimits {
  readonly minTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly maxNegativeTtlSeconds: number;
  readonly staleSeconds: number;
  readonly clientResponseMs: number;
  readonly prefetch: boolean;
}

/** The clean message and what the store needs to know of it. One reused record. */
export class CleanAnswer extends StoredAnswer {
  rcode = 0;
  answers = 0;
  authorities = 0;
  /** EDE code that the upstream gave, -1 for none. */
  ede = -1;

  constructor() {
    super();
    this.octets = new Uint8Array(1 << 16);
  }
}

// The message of this call and scratch for it; sanitise is synchronous and keeps nothing.
let octets: Uint8Array = new Uint8Array(0);
let start = 0;
let end = 0;
let questionEnd = 0;
let answers = 0;
let authorities = 0;
let total = 0;
const record = new RecordPlace();
const recordAt = new Uint32Array(RECORDS_MAX);
const recordType = new Uint16Array(RECORDS_MAX);
const ownerLow = new Int32Array(RECORDS_MAX);
const ownerHigh = new Int32Array(RECORDS_MAX);
const isKept = new Uint8Array(RECORDS_MAX);
/** 1 where a SOA's owner is a name of the chain or above one. */
const isAbove = new Uint8Array(RECORDS_MAX);
const owner = new WireName();
const target = new WireName();
const chainLow = new Int32Array(CHAIN_MAX + 1);
const chainHigh = new Int32Array(CHAIN_MAX + 1);
let chainLength = 0;
const setTtls = new SetTtls();
let hasQtype = false;
let wantsDnssec = false;

/** Sets the message that the next `sanitise` reads. Its question was already found to match. */
export function setMessage(slab: Uint8Array, messageStart: number, messageEnd: number): void {
  octets = slab;
  start = messageStart;
  end = messageEnd;
}

/**
 * @param question name, type and DO of the query that went upstream
 * @returns false when the message is malformed anywhere, or too large once written out: it must be
 *   ignored as if it never came
 */
export function sanitise(
  question: { readonly name: WireName; readonly qtype: number; readonly dnssecOk: number },
  limits: TtlLimits,
  clean: CleanAnswer,
): boolean {
  const { name, qtype } = question;
  answers = answerCount(octets, start);
  authorities = authorityCount(octets, start);
  total = answers + authorities + additionalCount(octets, start);
  if (total > RECORDS_MAX) return false;
  questionEnd = start + HEADER_SIZE + name.length + 4;
  clean.ede = -1;
  clean.rcode = rcodeOf(messageFlags(octets, start));
  wantsDnssec = question.dnssecOk === 1;
  if (!locate(name, clean)) return false;
  followChain(name, qtype);
  keepAnswers(qtype);
  const isNegative = clean.rcode === NXDOMAIN || !hasQtype;
  if (isNegative || wantsDnssec) keepAuthorities();
  noteSetTtls();
  if (!write(name, limits, clean)) return false;
  decideTtl(isNegative, limits, clean);
  clean.content = clean.rcode === NXDOMAIN && chainLength === 1 ? IS_NXDOMAIN : 0;
  return true;
}

/** First pass: every record inside the message, every name readable, owners hashed. */
function locate(name: WireName, clean: CleanAnswer): boolean {
  let at = questionEnd;
  for (let i = 0; i < total; i++) {
    const next = readRecord(octets, at, end, record);
    if (next === -1 || !isValidRdata(octets, start, record)) return false;
    recordAt[i] = at;
    // Another class is another tree of names: like an OPT, such a record belongs to no answer.
    recordType[i] = readU16(octets, record.ttlAt - 2) === CLASS_IN ? record.type : TYPE_OPT;
    isKept[i] = 0;
    isAbove[i] = 0;
    if (readU16(octets, at) === POINTER_TO_QUESTION) {
      ownerLow[i] = name.low[0]!;
      ownerHigh[i] = name.high[0]!;
    } else {
      if (expandName(octets, start, at, end, owner) === -1) return false;
      ownerLow[i] = owner.low[0]!;
      ownerHigh[i] = owner.high[0]!;
    }
    if (record.type === TYPE_OPT) {
      if (i < answers + authorities || octets[at] !== 0) return false;
      readOpt(clean);
    }
    at = next;
  }
  return true;
}

/** Upper bits of the rcode and the first EDE (RFC 6891 6.1.3, RFC 8914). */
function readOpt(clean: CleanAnswer): void {
  clean.rcode |= octets[record.ttlAt]! << 4;
  let at = record.rdata;
  while (at + 4 <= record.rdataEnd) {
    const length = readU16(octets, at + 2);
    if (at + 4 + length > record.rdataEnd) return;
    if (readU16(octets, at) === OPTION_EDE && length >= 2) {
      clean.ede = readU16(octets, at + 4);
      return;
    }
    at += 4 + length;
  }
}

/** The names that the answer may speak of: the question's, and where its CNAMEs lead. */
function followChain(name: WireName, qtype: number): void {
  chainLow[0] = name.low[0]!;
  chainHigh[0] = name.high[0]!;
  chainLength = 1;
  let current: WireName = name;
  for (;;) {
    keepDnames(current);
    noteZones(current);
    const alias = qtype === TYPE_CNAME ? -1 : findAlias();
    if (alias === -1 || chainLength > CHAIN_MAX) return;
    readRecord(octets, recordAt[alias]!, end, record);
    // Valid since `locate`. The chain keeps hashes, so that one name of scratch is enough.
    expandName(octets, start, record.rdata, record.rdataEnd, target);
    for (let i = 0; i < chainLength; i++) {
      if (chainLow[i] === target.low[0] && chainHigh[i] === target.high[0]) return;
    }
    chainLow[chainLength] = target.low[0]!;
    chainHigh[chainLength] = target.high[0]!;
    chainLength++;
    current = target;
  }
}

/** The CNAME owned by the last name of the chain, or -1. */
function findAlias(): number {
  const low = chainLow[chainLength - 1];
  const high = chainHigh[chainLength - 1];
  for (let i = 0; i < answers; i++) {
    if (recordType[i] === TYPE_CNAME && ownerLow[i] === low && ownerHigh[i] === high) return i;
  }
  return -1;
}

/** Keeps DNAMEs above a name of the chain, and what is signed at their owner. */
function keepDnames(name: WireName): void {
  for (let i = 0; i < answers; i++) {
    if (recordType[i] !== TYPE_DNAME || isKept[i] === 1) continue;
    for (let label = 1; label <= name.labelCount; label++) {
      if (name.low[label] !== ownerLow[i] || name.high[label] !== ownerHigh[i]) continue;
      for (let j = 0; j < answers; j++) {
        const isSame = ownerLow[j] === ownerLow[i] && ownerHigh[j] === ownerHigh[i];
        const isSignature = wantsDnssec && recordType[j] === TYPE_RRSIG;
        if (isSame && (recordType[j] === TYPE_DNAME || isSignature)) isKept[j] = 1;
      }
    }
  }
}

/**
 * Finds the SOAs of zones that may hold `name`; another zone has no say in how long it is absent.
 */
function noteZones(name: WireName): void {
  for (let i = answers; i < answers + authorities; i++) {
    if (recordType[i] !== TYPE_SOA) continue;
    for (let label = 0; label <= name.labelCount; label++) {
      if (name.low[label] === ownerLow[i] && name.high[label] === ownerHigh[i]) isAbove[i] = 1;
    }
  }
}

function keepAnswers(qtype: number): void {
  hasQtype = false;
  for (let i = 0; i < answers; i++) {
    const type = recordType[i]!;
    const isSignature = wantsDnssec && type === TYPE_RRSIG;
    if (type !== qtype && type !== TYPE_CNAME && !isSignature) continue;
    for (let link = 0; link < chainLength; link++) {
      if (chainLow[link] !== ownerLow[i] || chainHigh[link] !== ownerHigh[i]) continue;
      isKept[i] = 1;
      if (type === qtype) hasQtype = true;
    }
  }
}

function keepAuthorities(): void {
  for (let i = answers; i < answers + authorities; i++) {
    const type = recordType[i]!;
    isKept[i] = type === TYPE_SOA ? isAbove[i]! : wantsDnssec && isProof(i, type) ? 1 : 0;
  }
}

/** NSEC and NSEC3, and the signatures of those and of the SOA. */
function isProof(i: number, type: number): boolean {
  if (type !== TYPE_RRSIG) return type === TYPE_NSEC || type === TYPE_NSEC3;
  readRecord(octets, recordAt[i]!, end, record);
  const covered = readU16(octets, record.rdata);
  return covered === TYPE_SOA || covered === TYPE_NSEC || covered === TYPE_NSEC3;
}

function noteSetTtls(): void {
  setTtls.clear();
  for (let i = 0; i < answers + authorities; i++) {
    if (isKept[i] === 0) continue;
    readRecord(octets, recordAt[i]!, end, record);
    setTtls.note(octets, record, ownerLow[i]!, ownerHigh[i]!);
  }
}

/**
 * Writes header, question and the kept records; notes where the TTLs stand and clamps them.
 *
 * @returns false when they do not fit: part of an RRset must not pass for the whole
 */
function write(name: WireName, limits: TtlLimits, clean: CleanAnswer): boolean {
  const out = clean.octets;
  clean.start = 0;
  clean.answers = 0;
  clean.authorities = 0;
  clean.ttlCount = 0;
  copyOctets(octets, start, out, 0, questionEnd - start);
  copyOctets(name.octets, 0, out, HEADER_SIZE, name.length);
  clean.length = questionEnd - start;
  // While nothing was left out, records keep their place and with it their compression.
  let inPlace = true;
  for (let i = 0; i < answers + authorities; i++) {
    if (isKept[i] === 0) {
      inPlace = false;
      continue;
    }
    if (!writeRecord(i, inPlace, limits, clean)) return false;
    if (i < answers) clean.answers++;
    else clean.authorities++;
  }
  writeU16(out, AT_ANCOUNT, clean.answers);
  writeU16(out, AT_NSCOUNT, clean.authorities);
  writeU16(out, AT_ARCOUNT, 0);
  return true;
}

function writeRecord(i: number, inPlace: boolean, limits: TtlLimits, clean: CleanAnswer): boolean {
  const out = clean.octets;
  const at = clean.length;
  const next = readRecord(octets, recordAt[i]!, end, record);
  const ttl = setTtls.lowest(octets, record, ownerLow[i]!, ownerHigh[i]!);
  const capped = Math.max(Math.min(ttl, limits.maxTtlSeconds), limits.minTtlSeconds);
  if (inPlace) {
    copyOctets(octets, record.owner, out, at, next - record.owner);
    noteTtl(clean, at + record.ttlAt - record.owner, capped);
    clean.length = at + next - record.owner;
    return true;
  }
  const after = copyExpanded(octets, start, record, out, at);
  if (after === -1) return false;
  noteTtl(clean, ttlOfExpanded(out, at), capped);
  clean.length = after;
  return true;
}

/** The owner of an expanded record is uncompressed: its TTL is four octets after its root. */
function ttlOfExpanded(out: Uint8Array, at: number): number {
  let position = at;
  while (out[position] !== 0) position += 1 + out[position]!;
  return position + 5;
}

function noteTtl(clean: CleanAnswer, at: number, ttl: number): void {
  if (clean.ttlCount === clean.ttlOffsets.length) return;
  writeU32(clean.octets, at, ttl);
  clean.ttlOffsets[clean.ttlCount++] = at;
}

/**
 * How long the answer may be kept: the lowest TTL of its records; for a negative one no longer than
 * the SOA says (RFC 2308 section 5), and not at all without an SOA. A chain that leads out of what
 * the upstream knows is kept as long as its CNAMEs.
 */
function decideTtl(isNegative: boolean, limits: TtlLimits, clean: CleanAnswer): void {
  const soa = isNegative ? negativeTtl(limits, clean) : -1;
  const isDangling = soa === -1 && clean.answers > 0 && clean.rcode === NOERROR;
  let seconds = lowestTtl(clean);
  if (isNegative && soa !== -1) seconds = Math.min(seconds, soa);
  else if (isNegative && !isDangling) seconds = 0;
  if (seconds > limits.maxTtlSeconds) seconds = limits.maxTtlSeconds;
  clean.seconds = clean.rcode === NOERROR || clean.rcode === NXDOMAIN ? seconds : 0;
}

function lowestTtl(clean: CleanAnswer): number {
  let lowest = 0xffffffff;
  for (let i = 0; i < clean.ttlCount; i++) {
    lowest = Math.min(lowest, readU32(clean.octets, clean.ttlOffsets[i]!));
  }
  return lowest;
}

/**
 * min(TTL, MINIMUM) of the SOA in the authority section, capped; -1 without one. Also written to
 * the SOA's TTL, so that clients count the same.
 */
function negativeTtl(limits: TtlLimits, clean: CleanAnswer): number {
  const out = clean.octets;
  let at = questionEnd - start;
  for (let i = 0; i < clean.answers + clean.authorities; i++) {
    at = readRecord(out, at, clean.length, record);
    if (i < clean.answers || record.type !== TYPE_SOA) continue;
    const ttl = readU32(out, record.ttlAt);
    const minimum = readU32(out, record.rdataEnd - 4);
    const seconds = Math.min(ttl, minimum, limits.maxNegativeTtlSeconds);
    writeU32(out, record.ttlAt, seconds);
    return seconds;
  }
  return -1;
}

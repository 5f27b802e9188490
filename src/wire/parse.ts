/**
 * parse: a query's bounds are checked here, once; the later stages rely on it.
 *
 * After PARSE_OK the header, exactly one question with an uncompressed name, and at most one OPT
 * record lie inside the message, and `query.name` is lower case and hashed. `questionEnd` is after
 * the question when it could be read, else after the header.
 */

import { OVER_HTTPS, PLAIN, type Query } from '../query.ts';
import {
  AT_QDCOUNT,
  HEADER_SIZE,
  OPCODE_MASK,
  OPT_DO,
  OPTION_COOKIE,
  OPTION_ECS,
  OPTION_KEEPALIVE,
  OPTION_PADDING,
  QR,
  TYPE_OPT,
  UDP_EDNS_MAX,
  UDP_PLAIN_MAX,
} from './constants.ts';
import { additionalCount, answerCount, authorityCount, messageFlags, messageId } from './header.ts';
import { readName, skipName } from './name.ts';
import { readU16 } from './octets.ts';

/** The header itself cannot be read, or it is a response: no reply at all (RFC 8906, RFC 1035). */
export const PARSE_DROP = 0;
/** A header, but a body that cannot be read: FORMERR. */
export const PARSE_FORMERR = 1;
export const PARSE_OK = 2;
/** The opcode is not QUERY; the body was not looked at. */
export const PARSE_OPCODE = 3;
/** No question but a cookie: the client asks for ours (RFC 7873 5.4). */
export const PARSE_COOKIE = 4;

export type ParseResult =
  | typeof PARSE_DROP
  | typeof PARSE_FORMERR
  | typeof PARSE_OK
  | typeof PARSE_OPCODE
  | typeof PARSE_COOKIE;

/** More options than this are not walked: an honest query has a handful (CVE-2026-41292). */
const OPTIONS_MAX = 128;

/** Reads the message between `query.start` and `query.end` into the cursor. */
export function parse(query: Query): ParseResult {
  const { octets, start, end } = query;
  query.questionEnd = start + HEADER_SIZE;
  query.hasEdns = 0;
  query.ednsVersion = 0;
  query.dnssecOk = 0;
  query.wantsKeepalive = 0;
  query.cookieLength = 0;
  query.hasCookie = 0;
  query.wantsPadding = 0;
  query.subnetAt = 0;
  query.udpSize = UDP_PLAIN_MAX;
  query.qtype = 0;
  query.qclass = 0;
  if (end - start < HEADER_SIZE) return PARSE_DROP;
  query.id = messageId(octets, start);
  query.flags = messageFlags(octets, start);
  if ((query.flags & QR) !== 0) return PARSE_DROP;
  if ((query.flags & OPCODE_MASK) !== 0) return PARSE_OPCODE;
  const questions = readU16(octets, start + AT_QDCOUNT);
  if (questions === 0) return parseWithoutQuestion(query);
  // RFC 9619: a QUERY has at most one.
  if (questions !== 1) return PARSE_FORMERR;
  const { nameEnd: readEnd } = query;
  const nameEnd = readEnd > 0 ? readEnd : readName(octets, start + HEADER_SIZE, end, query.name);
  if (nameEnd === -1 || nameEnd + 4 > end) return PARSE_FORMERR;
  query.qtype = readU16(octets, nameEnd);
  query.qclass = readU16(octets, nameEnd + 2);
  query.questionEnd = nameEnd + 4;
  if (query.qtype === TYPE_OPT) return PARSE_FORMERR;
  return parseRecords(query);
}

function parseWithoutQuestion(query: Query): ParseResult {
  query.name.length = 0;
  const parsed = parseRecords(query);
  return parsed === PARSE_OK && query.cookieLength > 0 ? PARSE_COOKIE : PARSE_FORMERR;
}

/** Walks what follows the question: nothing there matters but the OPT record. */
function parseRecords(query: Query): ParseResult {
  const { octets, start, end } = query;
  const plain = answerCount(octets, start) + authorityCount(octets, start);
  const total = plain + additionalCount(octets, start);
  // A record takes 11 octets at least, so counts that the message cannot hold end here, cheaply.
  if (total * 11 > end - query.questionEnd) return PARSE_FORMERR;
  let at = query.questionEnd;
  for (let record = 0; record < total; record++) {
    const owner = at;
    at = skipName(octets, at, end);
    if (at === -1 || at + 10 > end) return PARSE_FORMERR;
    const next = at + 10 + readU16(octets, at + 8);
    if (next > end) return PARSE_FORMERR;
    if (readU16(octets, at) === TYPE_OPT) {
      // RFC 6891 6.1.1: one OPT, in the additional section, owned by the root.
      if (query.hasEdns === 1 || record < plain || octets[owner] !== 0) return PARSE_FORMERR;
      if (!parseOpt(query, at, next)) return PARSE_FORMERR;
    }
    at = next;
  }
  return PARSE_OK;
}

/** @param at the type field of the OPT record; @param next the end of its options */
function parseOpt(query: Query, at: number, next: number): boolean {
  const { octets } = query;
  query.hasEdns = 1;
  const size = readU16(octets, at + 2);
  // RFC 6891 6.2.3: under 512 means 512.
  query.udpSize = size < UDP_PLAIN_MAX ? UDP_PLAIN_MAX : Math.min(size, UDP_EDNS_MAX);
  query.ednsVersion = octets[at + 5]!;
  query.dnssecOk = (octets[at + 6]! & OPT_DO) === 0 ? 0 : 1;
  let option = at + 10;
  for (let count = 0; option < next && count < OPTIONS_MAX; count++) {
    if (option + 4 > next) return false;
    const code = readU16(octets, option);
    const length = readU16(octets, option + 2);
    if (option + 4 + length > next) return false;
    // RFC 7873 5.2: only the first counts.
    if (code === OPTION_COOKIE && query.cookieLength === 0) {
      if (!isCookieLength(length)) return false;
      query.cookieAt = option + 4;
      query.cookieLength = length;
    }
    if (code === OPTION_ECS && !isSubnet(octets, option + 4, length)) return false;
    if (code === OPTION_ECS) query.subnetAt = query.subnetAt === 0 ? option + 4 : -1;
    // RFC 7828 is about a connection of DNS; that of HTTP/2 is its own affair.
    if (code === OPTION_KEEPALIVE && query.encryption !== OVER_HTTPS) query.wantsKeepalive = 1;
    if (code === OPTION_PADDING && query.encryption !== PLAIN) query.wantsPadding = 1;
    option += 4 + length;
  }
  return true;
}

/** RFC 7873 5.2.2: a client cookie of 8 octets, alone or with a server cookie of 8 to 32. */
function isCookieLength(length: number): boolean {
  return length === 8 || (length >= 16 && length <= 40);
}

/**
 * RFC 7871 6: family 1 or 2, as many address octets as the prefix needs. Its content
 * counts from a trusted forwarder only (identity/forwarded.ts).
 */
function isSubnet(octets: Uint8Array, at: number, length: number): boolean {
  if (length < 4) return false;
  const family = readU16(octets, at);
  const prefix = octets[at + 2]!;
  if (family !== 1 && family !== 2) return true;
  return prefix <= (family === 1 ? 32 : 128) && length === 4 + ((prefix + 7) >>> 3);
}

/**
 * Responses written in place, beside the query that they answer.
 *
 * The pieces are used in wire order: `beginResponse` (header and question), records, then
 * `finishResponse` (our OPT, counts). `query.outLength` is the write position all along.
 */

import type { TextsMemory } from '../policy/texts.ts';
import type { Query } from '../query.ts';
import {
  AT_ANCOUNT,
  AT_ARCOUNT,
  AT_FLAGS,
  AT_NSCOUNT,
  AT_QDCOUNT,
  CD,
  HEADER_SIZE,
  OPCODE_MASK,
  OPT_DO,
  OPTION_COOKIE,
  OPTION_EDE,
  OPTION_KEEPALIVE,
  QR,
  RA,
  RD,
  TC,
  TYPE_OPT,
  UDP_EDNS_MAX,
} from './constants.ts';
import { FULL_COOKIE_SIZE } from './cookie.ts';
import { messageFlags } from './header.ts';
import { copyOctets, readU16, writeU16, writeU32 } from './octets.ts';

/** Bytes of an OPT record without options. */
const OPT_SIZE = 11;
/** RFC 7828: what we tell TCP clients, in units of 100 ms. */
const KEEPALIVE_DECISECONDS = 100;

/** Octets that this client takes, within the slot. */
export function responseLimit(query: Query): number {
  if (query.overTcp === 1) return query.outRoom;
  return Math.min(query.udpSize, query.outRoom);
}

/** Octets that `finishResponse` will need for the OPT record and an EDE of `textLength`. */
export function optRoom(query: Query, textLength: number): number {
  if (query.hasEdns === 0) return 0;
  const keepalive = query.overTcp === 1 && query.wantsKeepalive === 1 ? 6 : 0;
  const cookie = query.hasCookie === 1 ? 4 + FULL_COOKIE_SIZE : 0;
  return OPT_SIZE + keepalive + cookie + (textLength < 0 ? 0 : 6 + textLength);
}

/**
 * Header and question. ID, opcode, RD and CD are copied, RA is set, Z and the rest are zero
 * (RFC 1035 4.1.1); the question is echoed octet for octet, so that a client's 0x20 case is kept.
 */
export function beginResponse(query: Query, flags: number, rcode: number): void {
  const { out, outStart, octets, start } = query;
  const kept = query.flags & (OPCODE_MASK | RD | CD);
  writeU16(out, outStart, query.id);
  writeU16(out, outStart + AT_FLAGS, QR | RA | kept | flags | (rcode & 0xf));
  const hasQuestion = query.questionEnd > start + HEADER_SIZE ? 1 : 0;
  writeU16(out, outStart + AT_QDCOUNT, hasQuestion);
  writeU32(out, outStart + AT_ANCOUNT, 0);
  writeU16(out, outStart + AT_ARCOUNT, 0);
  const length = query.questionEnd - start;
  for (let i = HEADER_SIZE; i < length; i++) out[outStart + i] = octets[start + i]!;
  query.outLength = length;
  query.optAt = 0;
}

/** Sets the number of records in the answer and authority sections. */
export function setCounts(query: Query, answers: number, authorities: number): void {
  writeU16(query.out, query.outStart + AT_ANCOUNT, answers);
  writeU16(query.out, query.outStart + AT_NSCOUNT, authorities);
}

/**
 * Appends our OPT record when the query had one (RFC 6891 6.1.1).
 *
 * @param extendedRcode upper bits of the rcode, 0 but for BADVERS
 * @param ede EDE code, or -1 for none
 * @param text slab of the EDE text, UTF-8; `textLength` octets from `textAt`
 */
export function appendOpt(
  query: Query,
  extendedRcode: number,
  ede: number,
  text: Uint8Array,
  textAt: number,
  textLength: number,
): void {
  if (query.hasEdns === 0) return;
  const { out, outStart } = query;
  const opt = outStart + query.outLength;
  query.optAt = query.outLength;
  out[opt] = 0;
  writeU16(out, opt + 1, TYPE_OPT);
  writeU16(out, opt + 3, UDP_EDNS_MAX);
  writeU32(out, opt + 5, (extendedRcode << 24) | (query.dnssecOk === 1 ? OPT_DO << 8 : 0));
  let at = opt + OPT_SIZE;
  if (query.overTcp === 1 && query.wantsKeepalive === 1) {
    writeU16(out, at, OPTION_KEEPALIVE);
    writeU16(out, at + 2, 2);
    writeU16(out, at + 4, KEEPALIVE_DECISECONDS);
    at += 6;
  }
  if (query.hasCookie === 1) {
    writeU16(out, at, OPTION_COOKIE);
    writeU16(out, at + 2, FULL_COOKIE_SIZE);
    copyOctets(query.cookie, 0, out, at + 4, FULL_COOKIE_SIZE);
    at += 4 + FULL_COOKIE_SIZE;
  }
  if (ede >= 0) {
    writeU16(out, at, OPTION_EDE);
    writeU16(out, at + 2, 2 + textLength);
    writeU16(out, at + 4, ede);
    at += 6;
    for (let i = 0; i < textLength; i++) out[at + i] = text[textAt + i]!;
    at += textLength;
  }
  writeU16(out, opt + 9, at - opt - OPT_SIZE);
  writeU16(out, outStart + AT_ARCOUNT, readU16(out, outStart + AT_ARCOUNT) + 1);
  query.outLength = at - outStart;
}

const NO_TEXT = new Uint8Array(0);

/** A response without records: FORMERR, NOTIMP, REFUSED, SERVFAIL, BADVERS. */
export function respondEmpty(query: Query, rcode: number, ede: number): void {
  beginResponse(query, 0, rcode);
  appendOpt(query, rcode >>> 4, ede, NO_TEXT, 0, 0);
}

/** The same with a text, where there is room for all of it. */
export function respondWhy(
  query: Query,
  rcode: number,
  ede: number,
  { octets, starts }: TextsMemory,
  id: number,
): void {
  beginResponse(query, 0, rcode);
  const at = starts[id]!;
  const length = starts[id + 1]! - at;
  const fits = query.outLength + optRoom(query, length) <= responseLimit(query);
  appendOpt(query, 0, ede, octets, at, fits ? length : 0);
}

/** An answer that did not fit: the question, TC, and no record (RFC 2181 section 9). */
export function respondTruncated(query: Query, flags: number, rcode: number): void {
  beginResponse(query, flags | TC, rcode);
  appendOpt(query, 0, -1, NO_TEXT, 0, 0);
}

/** Whether the response that was written tells the client to use TCP. */
export function isCut(query: Query): boolean {
  return (messageFlags(query.out, query.outStart) & TC) !== 0;
}

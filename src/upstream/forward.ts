/**
 * forward: the query that goes upstream, rebuilt from the flight and never relayed.
 *
 * What leaves is a fresh id, the question in our own case, RD, CD, DO and our own OPT. Nothing else
 * of a client's message is at hand here, on purpose: what the client could set is a way out.
 */

import {
  AT_ARCOUNT,
  CD,
  CLASS_IN,
  HEADER_SIZE,
  OPT_DO,
  RD,
  TYPE_OPT,
  UDP_EDNS_MAX,
} from '../wire/constants.ts';
import { writeHeader } from '../wire/header.ts';
import { copyOctets, writeU16, writeU32 } from '../wire/octets.ts';
import { KEY_CD, KEY_DO, KEY_NO_RD, NAME_STRIDE } from './inflight.ts';
import type { Tries } from './tries.ts';

/** Our OPT: root owner, type, size, extended rcode and flags, no options (see cookies.ts). */
const OPT_SIZE = 11;
/** No query of ours is longer: header, name of 255, type and class, OPT with a cookie of 40. */
export const QUERY_MAX = HEADER_SIZE + 255 + 4 + OPT_SIZE + 44;

/** RFC 8467 4.1: padded queries are multiples of this. */
const PADDING_BLOCK = 128;
const OPTION_PADDING = 12;
const OPTION_HEAD = 4;
/** No padded query of ours is longer. */
export const PADDED_MAX = Math.ceil((QUERY_MAX + OPTION_HEAD) / PADDING_BLOCK) * PADDING_BLOCK;

/**
 * Bit beside the KEY_* bits: leave our OPT out, for a server that called it a FORMERR (RFC 6891 7).
 */
export const PLAIN = 8;

/**
 * Writes the query of `row` at `at`, with id 0; the caller knows the id. AD is clear: we do not
 * claim to understand it (RFC 6840 5.7).
 *
 * @param flags KEY_* bits of the flight, and PLAIN
 * @returns octets written, at most QUERY_MAX
 */
export function buildQuery(
  tries: Tries,
  row: number,
  flags: number,
  out: Uint8Array,
  at: number,
): number {
  const rd = (flags & KEY_NO_RD) === 0 ? RD : 0;
  const cd = (flags & KEY_CD) === 0 ? 0 : CD;
  writeHeader(out, at, 0, rd | cd);
  const length = tries.askedLength[row]!;
  copyOctets(tries.asked, row * NAME_STRIDE, out, at + HEADER_SIZE, length);
  const end = at + HEADER_SIZE + length;
  writeU16(out, end, tries.askedType[row]!);
  writeU16(out, end + 2, CLASS_IN);
  if ((flags & PLAIN) !== 0) return HEADER_SIZE + length + 4;
  const opt = end + 4;
  out[opt] = 0;
  writeU16(out, opt + 1, TYPE_OPT);
  writeU16(out, opt + 3, UDP_EDNS_MAX);
  writeU32(out, opt + 5, (flags & KEY_DO) === 0 ? 0 : OPT_DO << 8);
  writeU16(out, opt + 9, 0);
  writeU16(out, at + AT_ARCOUNT, 1);
  return HEADER_SIZE + length + 4 + OPT_SIZE;
}

/**
 * Pads the query of `length` octets that `buildQuery` wrote at 0 (RFC 7830), so that who sees only
 * the size of what is encrypted learns little. One without an OPT stays as it is.
 *
 * @param out at least PADDED_MAX octets; zero behind the query
 * @returns octets now
 */
export function padQuery(out: Uint8Array, length: number): number {
  if (out[AT_ARCOUNT + 1] === 0) return length;
  const padded = Math.ceil((length + OPTION_HEAD) / PADDING_BLOCK) * PADDING_BLOCK;
  // Our OPT is the last record, and has no options: its RDLENGTH is the last two octets.
  writeU16(out, length - 2, padded - length);
  writeU16(out, length, OPTION_PADDING);
  writeU16(out, length + 2, padded - length - OPTION_HEAD);
  return padded;
}

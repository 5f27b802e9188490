/** How long an HTTP cache may keep a response (RFC 8484 5.1): what its records allow. */

import { HEADER_SIZE, TYPE_SOA } from '../wire/constants.ts';
import { answerCount, authorityCount } from '../wire/header.ts';
import { skipName } from '../wire/name.ts';
import { readU16, readU32 } from '../wire/octets.ts';

const QUESTION_REST = 4;
const AT_TTL = 4;
const AT_RDLENGTH = 8;
const FIXED = 10;
const MINIMUM = 4;

/**
 * Seconds: the lowest TTL of the answer section; of a negative answer the lower of the SOA's TTL
 * and its MINIMUM (RFC 2308 5); 0 where neither is there. The message is one of ours, with one
 * question at most.
 */
export function freshness(octets: Uint8Array, start: number, end: number): number {
  const answers = answerCount(octets, start);
  const total = answers === 0 ? authorityCount(octets, start) : answers;
  let at = start + HEADER_SIZE;
  if (readU16(octets, start + 4) === 1) at = skipName(octets, at, end) + QUESTION_REST;
  let lowest = -1;
  for (let i = 0; i < total; i++) {
    at = skipName(octets, at, end);
    if (at === -1 || at + FIXED > end) return 0;
    const next = at + FIXED + readU16(octets, at + AT_RDLENGTH);
    if (next > end) return 0;
    const isSoa = readU16(octets, at) === TYPE_SOA;
    const ttl = readU32(octets, at + AT_TTL);
    if (answers > 0) lowest = lowest === -1 ? ttl : Math.min(lowest, ttl);
    else if (isSoa) lowest = Math.min(ttl, readU32(octets, next - MINIMUM));
    at = next;
  }
  return Math.max(lowest, 0);
}

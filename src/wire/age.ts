/** The age of a message that came out of an HTTP cache (RFC 8484 section 5.1). */

import { HEADER_SIZE, TYPE_OPT } from './constants.ts';
import { additionalCount, answerCount, authorityCount } from './header.ts';
import { skipName } from './name.ts';
import { readU16, readU32, writeU32 } from './octets.ts';
import { RecordPlace, readRecord } from './records.ts';

const AT_QDCOUNT = 4;
const QUESTION_REST = 4;
const record = new RecordPlace();

/**
 * Takes `seconds` off the TTL of every record in place, to no less than 0. What OPT has in its
 * place is none (RFC 6891 6.1.3). A message that cannot be read is changed up to where that shows:
 * it is not used anyway.
 *
 * @param seconds 0 or more
 */
export function ageMessage(octets: Uint8Array, start: number, end: number, seconds: number): void {
  const total =
    answerCount(octets, start) + authorityCount(octets, start) + additionalCount(octets, start);
  let at = start + HEADER_SIZE;
  for (let i = readU16(octets, start + AT_QDCOUNT); i > 0 && at !== -1; i--) {
    at = skipName(octets, at, end);
    if (at !== -1) at += QUESTION_REST;
  }
  for (let i = 0; i < total && at !== -1; i++) {
    at = readRecord(octets, at, end, record);
    if (at === -1 || record.type === TYPE_OPT) continue;
    const ttl = readU32(octets, record.ttlAt);
    writeU32(octets, record.ttlAt, ttl > seconds ? ttl - seconds : 0);
  }
}

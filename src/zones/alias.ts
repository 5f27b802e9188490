/**
 * Aliases that lead out of the local zones: `db.svc.example CNAME db.provider.example`.
 *
 * A stub resolver does not follow a bare CNAME, so the target is resolved like any other question
 * and its records are appended to the chain that the zone gave. The target has passed policy
 * before; what is appended has passed inspection.
 */

import type { Query } from '../query.ts';
import { AT_ANCOUNT, AT_ARCOUNT, AT_FLAGS, HEADER_SIZE, RCODE_MASK } from '../wire/constants.ts';
import { answerCount, authorityCount, messageFlags } from '../wire/header.ts';
import { skipName } from '../wire/name.ts';
import { readU16, readU32, writeU16, writeU32 } from '../wire/octets.ts';
import { copyExpanded, RecordPlace, readRecord } from '../wire/records.ts';
import { appendOpt, optRoom, respondTruncated, responseLimit } from '../wire/response.ts';

const NO_TEXT = new Uint8Array(0);
const record = new RecordPlace();

/** A clean message about the target: where it is, and how many seconds it has been stored. */
export interface TargetAnswer {
  octets: Uint8Array;
  start: number;
  length: number;
  age: number;
}

/** Appends the target's records to the chain that `Zones.answer` wrote for `query`. */
export function appendTarget(query: Query, target: TargetAnswer): void {
  const { octets, start } = target;
  const flags = messageFlags(octets, start);
  dropOpt(query);
  const answers = answerCount(octets, start);
  const total = answers + authorityCount(octets, start);
  const end = start + target.length;
  let at = skipName(octets, start + HEADER_SIZE, end) + 4;
  for (let i = 0; i < total; i++) {
    at = readRecord(octets, at, end, record);
    if (at === -1 || !appendRecord(query, target)) {
      respondTruncated(query, 0, flags & RCODE_MASK);
      return;
    }
    const counter = query.outStart + AT_ANCOUNT + (i < answers ? 0 : 2);
    writeU16(query.out, counter, readU16(query.out, counter) + 1);
  }
  const flagsAt = query.outStart + AT_FLAGS;
  // RFC 6604: the rcode is that of the last name of the chain.
  const chain = readU16(query.out, flagsAt) & ~RCODE_MASK;
  writeU16(query.out, flagsAt, chain | (flags & RCODE_MASK));
  appendOpt(query, 0, -1, NO_TEXT, 0, 0);
}

/** The zone ended its response with our OPT; it comes last again. */
function dropOpt(query: Query): void {
  query.outLength -= optRoom(query, -1);
  writeU16(query.out, query.outStart + AT_ARCOUNT, 0);
}

function appendRecord(query: Query, target: TargetAnswer): boolean {
  const limit = responseLimit(query) - optRoom(query, -1);
  if (query.outLength + record.rdataEnd - record.rdata > limit) return false;
  const outAt = query.outStart + query.outLength;
  const after = copyExpanded(target.octets, target.start, record, query.out, outAt);
  if (after === -1 || after - query.outStart > limit) return false;
  const ttlAt = skipName(query.out, outAt, after) + 4;
  const ttl = readU32(query.out, ttlAt);
  writeU32(query.out, ttlAt, ttl > target.age ? ttl - target.age : 0);
  query.outLength = after - query.outStart;
  return true;
}

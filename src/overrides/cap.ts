/**
 * The TTLs of a response that an exception let through: no client may go on using it when the
 * exception has ended. Fast lane.
 */

import type { Query } from '../query.ts';
import { HEADER_SIZE, TYPE_OPT } from '../wire/constants.ts';
import { additionalCount, answerCount, authorityCount } from '../wire/header.ts';
import { skipName } from '../wire/name.ts';
import { readU32, writeU32 } from '../wire/octets.ts';
import { RecordPlace, readRecord } from '../wire/records.ts';

const record = new RecordPlace();

/** No record of the response in `query.out` lives longer than `leftMs`: 0 in the last second. */
export function capTtls(query: Query, leftMs: number): void {
  const { out, outStart } = query;
  const seconds = Math.floor(leftMs / 1000);
  const end = outStart + query.outLength;
  const count =
    answerCount(out, outStart) + authorityCount(out, outStart) + additionalCount(out, outStart);
  if (count === 0) return;
  let at = skipName(out, outStart + HEADER_SIZE, end) + 4;
  for (let i = 0; i < count; i++) {
    at = readRecord(out, at, end, record);
    if (at === -1) return;
    // The TTL of an OPT record is flags.
    if (record.type === TYPE_OPT || readU32(out, record.ttlAt) <= seconds) continue;
    writeU32(out, record.ttlAt, seconds);
  }
}

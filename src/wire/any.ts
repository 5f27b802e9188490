/**
 * The answer to ANY: one small HINFO record instead of everything (RFC 8482 4.2), so that a short
 * query buys no long response. What a name really has is not looked at.
 */

import type { Query } from '../query.ts';
import { CLASS_IN, HEADER_SIZE, NOERROR } from './constants.ts';
import { copyOctets, writeU16, writeU32 } from './octets.ts';
import { appendOpt, beginResponse, setCounts } from './response.ts';

const HINFO = 13;
/** CPU "RFC8482" and an empty OS. */
const RDATA = new TextEncoder().encode('\x07RFC8482\x00');
const TTL_SECONDS = 3600;
const POINTER_TO_QUESTION = 0xc000 | HEADER_SIZE;
const NO_TEXT = new Uint8Array(0);

/** Writes the whole response. It fits every client: the question and 21 octets. */
export function writeAny(query: Query): void {
  beginResponse(query, 0, NOERROR);
  const { out } = query;
  const at = query.outStart + query.outLength;
  writeU16(out, at, POINTER_TO_QUESTION);
  writeU16(out, at + 2, HINFO);
  writeU16(out, at + 4, CLASS_IN);
  writeU32(out, at + 6, TTL_SECONDS);
  writeU16(out, at + 10, RDATA.length);
  copyOctets(RDATA, 0, out, at + 12, RDATA.length);
  query.outLength += 12 + RDATA.length;
  setCounts(query, 1, 0);
  appendOpt(query, 0, -1, NO_TEXT, 0, 0);
}

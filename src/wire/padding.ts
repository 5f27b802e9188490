/**
 * Padding of responses on encrypted transports (RFC 7830): to blocks of 468 octets (RFC 8467 4.1),
 * where the query was padded, so that the length of an answer does not tell which one it is.
 */

import type { Query } from '../query.ts';
import { OPTION_PADDING } from './constants.ts';
import { readU16, writeU16 } from './octets.ts';

const BLOCK = 468;
/** Code and length of an option. */
const OPTION = 4;
/** From the OPT record's owner to the length of its options, and to the options. */
const AT_RDLENGTH = 9;

/** Lengthens the whole response in `query.out`, whose last record is its OPT. */
export function padResponse(query: Query): void {
  const { out, outStart, outLength, optAt } = query;
  if (query.wantsPadding === 0 || optAt === 0) return;
  const blocks = ((outLength + OPTION + BLOCK - 1) / BLOCK) | 0;
  const padded = Math.min(blocks * BLOCK, query.outRoom);
  const zeros = padded - outLength - OPTION;
  if (zeros < 0) return;
  let at = outStart + outLength;
  writeU16(out, at, OPTION_PADDING);
  writeU16(out, at + 2, zeros);
  at += OPTION;
  for (let i = 0; i < zeros; i++) out[at + i] = 0;
  const rdlength = outStart + optAt + AT_RDLENGTH;
  writeU16(out, rdlength, readU16(out, rdlength) + OPTION + zeros);
  query.outLength = padded;
}

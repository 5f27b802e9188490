/**
 * match: is this message the answer to a query of ours?
 *
 * The kernel has checked address and port (the sockets are connected). The rest of RFC 5452 9.1
 * is here: id, QR, opcode, one question, its octets in the very case we chose, type and class.
 * Whatever fails is not an answer at all: it is counted, and the query goes on waiting, so that one
 * forged packet cannot become a SERVFAIL. What the answer says is not looked at here.
 */

import { CLASS_IN, HEADER_SIZE, OPCODE_MASK, QR } from '../wire/constants.ts';
import { messageFlags, messageId, questionCount } from '../wire/header.ts';
import { LOWER, readU16 } from '../wire/octets.ts';
import { NAME_STRIDE } from './inflight.ts';
import type { Tries } from './tries.ts';

/** No query with that id waits on that socket: forged, or late. */
export const MATCH_STRAY = 0;
/** The id is known, the rest is not what was asked. */
export const MATCH_WRONG = 1;
/** All is right but the case of the name: forged, or a server that does not keep case. */
export const MATCH_CASE = 2;
export const MATCH_OK = 3;

export type Match = typeof MATCH_STRAY | typeof MATCH_WRONG | typeof MATCH_CASE | typeof MATCH_OK;

/** The try that the last `matchDatagram` looked at, unless it said MATCH_STRAY. */
export let matchedTry = -1;

/** Looks at a datagram that came on `socket`. */
export function matchDatagram(
  tries: Tries,
  socket: number,
  octets: Uint8Array,
  start: number,
  end: number,
): Match {
  if (end - start < HEADER_SIZE) return MATCH_STRAY;
  const attempt = tries.find(socket, messageId(octets, start));
  if (attempt === -1) return MATCH_STRAY;
  matchedTry = attempt;
  return matchMessage(tries, tries.rowOf(attempt), octets, start, end);
}

/** Everything but the id, against the question of `row`. */
export function matchMessage(
  tries: Tries,
  row: number,
  octets: Uint8Array,
  start: number,
  end: number,
): Match {
  if (end - start < HEADER_SIZE) return MATCH_WRONG;
  if ((messageFlags(octets, start) & (QR | OPCODE_MASK)) !== QR) return MATCH_WRONG;
  if (questionCount(octets, start) !== 1) return MATCH_WRONG;
  const length = tries.askedLength[row]!;
  const at = start + HEADER_SIZE;
  if (at + length + 4 > end) return MATCH_WRONG;
  if (readU16(octets, at + length) !== tries.askedType[row]) return MATCH_WRONG;
  if (readU16(octets, at + length + 2) !== CLASS_IN) return MATCH_WRONG;
  const asked = row * NAME_STRIDE;
  let result: Match = MATCH_OK;
  for (let i = 0; i < length; i++) {
    const octet = octets[at + i]!;
    const wanted = tries.asked[asked + i]!;
    if (octet === wanted) continue;
    if (LOWER[octet] !== LOWER[wanted]) return MATCH_WRONG;
    result = MATCH_CASE;
  }
  return result;
}

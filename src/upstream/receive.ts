/**
 * receive: what a datagram that arrived from a server is to us. What is wrong with it is counted
 * here; what follows from it is dispatch.ts.
 */

import { COOKIE_FINE, COOKIE_RENEWED, COOKIE_WRONG } from './cookies.ts';
import { type Flights, NO_EDNS } from './flights.ts';
import {
  MATCH_CASE,
  MATCH_OK,
  MATCH_STRAY,
  MATCH_WRONG,
  matchDatagram,
  matchedTry,
} from './match.ts';
import type { Server } from './servers.ts';

/** No answer to anything of ours: as if it had not come. */
export const NOTHING = 0;
/**
 * An answer but for the letter case or the cookie: forged, or of a server that keeps neither, which
 * TCP tells. If it was forged, the honest answer may still come before that.
 */
export const DOUBTFUL = 1;
/** BADCOOKIE, and a cookie that will do. */
export const BAD_COOKIE = 2;
export const ANSWER = 3;

export type Received = typeof NOTHING | typeof DOUBTFUL | typeof BAD_COOKIE | typeof ANSWER;

/** The try that the last message of `receive` belongs to, unless that was NOTHING. */
export let receivedTry = -1;

/** A datagram that arrived on `socket` of `server`. */
export function receive(
  flights: Flights,
  server: Server,
  socket: number,
  octets: Uint8Array,
  start: number,
  end: number,
): Received {
  const { tries } = flights;
  const match = matchDatagram(tries, socket, octets, start, end);
  if (match === MATCH_STRAY) {
    server.strays++;
    return NOTHING;
  }
  if (match !== MATCH_OK) server.mismatches++;
  if (match === MATCH_WRONG) return NOTHING;
  receivedTry = matchedTry;
  const isProbe = tries.isProbe(receivedTry);
  // A probe asks for nobody, so nothing is asked again for it.
  const doubtful = isProbe ? NOTHING : DOUBTFUL;
  if (match === MATCH_CASE) return doubtful;
  // What went without our OPT record had no cookie either; probes always have it.
  const isPlain = !isProbe && (flights.marks[receivedTry >>> 1]! & NO_EDNS) !== 0;
  const cookie = isPlain ? COOKIE_FINE : server.cookie.judge(octets, start, end, server.streak);
  if (cookie === COOKIE_WRONG) server.mismatches++;
  if (cookie === COOKIE_FINE) return ANSWER;
  return cookie === COOKIE_RENEWED ? BAD_COOKIE : doubtful;
}

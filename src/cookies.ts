/**
 * Cookies of clients (RFC 7873 5.2): each that is well formed is answered with a full one; where
 * the configuration requires it, nothing else is said over UDP before a source has shown that it
 * receives what is sent to it. Fast lane; how a cookie is made and known is wire/cookie.ts.
 */

import { BAD_COOKIE, FORMERR_COUNT, UNPROVEN } from './counters.ts';
import type { Memory } from './memory.ts';
import { CONTINUE, type Query, RESPOND, type Verdict } from './query.ts';
import type { Tables } from './tables.ts';
import { BADCOOKIE, BADVERS, FORMERR, NOERROR } from './wire/constants.ts';
import { CLIENT_COOKIE_SIZE, COOKIES_ALL, COOKIES_OFF, COOKIES_OFFERED } from './wire/cookie.ts';
import { respondEmpty, respondTruncated } from './wire/response.ts';

/**
 * Before anything is decided about the name: who may be forging a source leaves no trace in the
 * history of the workload whose address it took. TCP proves the source by itself.
 */
export function checkCookie(query: Query, { cookies }: Tables, memory: Memory): Verdict {
  if (cookies === COOKIES_OFF) return CONTINUE;
  if (query.cookieLength === 0) {
    if (cookies < COOKIES_ALL || query.overTcp === 1) return CONTINUE;
    memory.counters[UNPROVEN]!++;
    respondTruncated(query, 0, NOERROR);
    return RESPOND;
  }
  const isValid = memory.cookies.judge(query);
  query.hasCookie = 1;
  if (isValid || query.overTcp === 1 || cookies < COOKIES_OFFERED) return CONTINUE;
  return respondBadCookie(query, memory);
}

/** A query without a question: its client wants to know or to try its cookie (RFC 7873 5.4). */
export function answerCookie(query: Query, { cookies }: Tables, memory: Memory): Verdict {
  if (cookies === COOKIES_OFF) {
    memory.counters[FORMERR_COUNT]!++;
    respondEmpty(query, FORMERR, -1);
    return RESPOND;
  }
  if (query.ednsVersion > 0) {
    respondEmpty(query, BADVERS, -1);
    return RESPOND;
  }
  const isValid = memory.cookies.judge(query);
  query.hasCookie = 1;
  if (!isValid && query.cookieLength > CLIENT_COOKIE_SIZE) return respondBadCookie(query, memory);
  respondEmpty(query, NOERROR, -1);
  return RESPOND;
}

function respondBadCookie(query: Query, memory: Memory): Verdict {
  memory.counters[BAD_COOKIE]!++;
  respondEmpty(query, BADCOOKIE, -1);
  return RESPOND;
}

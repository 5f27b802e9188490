/**
 * Failures: that nobody could answer a question is remembered for a while (RFC 9520), so that
 * clients that ask again do not make the trouble worse. What failed, and what a client hears, is
 * not kept.
 */

import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import { KEY_NO_RD } from '../upstream/inflight.ts';
import { HEADER_SIZE } from '../wire/constants.ts';
import type { WireName } from '../wire/name.ts';
import { readU32 } from '../wire/octets.ts';
import { EVERY_TYPE, IS_FAILURE, IS_LATE, IS_STALE, STALE_SECONDS } from './entry.ts';
import { keyFlagsOf } from './lookup.ts';
import type { Store } from './store.ts';

/** Seconds (RFC 9520 3.2: at least 1 s, at most 5 minutes). */
const FAILURE_SECONDS = 5;
/** No TTL is longer (config/limits.ts). */
const WEEK_SECONDS = 604_800;

/**
 * Remembers that `question` was not answered. What was asked with RD=0 says nothing about RD=1.
 * An answer of before that may still serve does so in its place; one whose time is not over, which
 * was asked for anew before its end, is left as it is.
 *
 * @param keyFlags KEY_* bits that it was asked with
 * @param staleSeconds how long after its end an answer may serve; 0 for not at all
 */
export function rememberFailure(
  question: Query,
  keyFlags: number,
  staleSeconds: number,
  memory: Memory,
): void {
  if (keyFlags >= KEY_NO_RD) return;
  const { clean, store } = memory;
  if (isLive(question, keyFlags, store)) return;
  const revived = revive(question, keyFlags, staleSeconds, memory);
  if (revived !== -1) {
    store.unmark(revived, IS_LATE);
    return;
  }
  clean.start = 0;
  clean.length = HEADER_SIZE;
  clean.ttlCount = 0;
  clean.seconds = FAILURE_SECONDS;
  clean.content = IS_FAILURE;
  store.put(question.name, (question.qtype << 8) | keyFlags, clean, question.nowSeconds);
}

/**
 * Has an answer of before serve for a question that nobody has answered for a while
 * (RFC 8767 section 5). Parameters as above.
 *
 * @returns whether there is one: `lookup` finds it
 */
export function serveStale(
  question: Query,
  keyFlags: number,
  staleSeconds: number,
  memory: Memory,
): boolean {
  const { store } = memory;
  if (keyFlags >= KEY_NO_RD || isLive(question, keyFlags, store)) return false;
  const revived = revive(question, keyFlags, staleSeconds, memory);
  if (revived !== -1) store.mark(revived, IS_LATE);
  return revived !== -1;
}

/** Ends what serves past its end in the place of an answer that has come by now. */
export function endStale(question: Query, keyFlags: number, { store }: Memory): void {
  if (keyFlags >= KEY_NO_RD) return;
  endIfStale(question, (question.qtype << 8) | keyFlags, store);
  endIfStale(question, (EVERY_TYPE << 8) | keyFlags, store);
}

function endIfStale({ name, nowSeconds }: Query, key: number, store: Store): void {
  const entry = store.find(name, 0, key, nowSeconds);
  if (entry !== -1 && (store.content(entry) & IS_STALE) !== 0) store.setEnd(entry, nowSeconds);
}

function isLive({ name, qtype, nowSeconds }: Query, keyFlags: number, store: Store): boolean {
  let entry = store.find(name, 0, (qtype << 8) | keyFlags, nowSeconds);
  if (entry === -1) entry = store.find(name, 0, (EVERY_TYPE << 8) | keyFlags, nowSeconds);
  return entry !== -1 && (store.content(entry) & (IS_FAILURE | IS_STALE)) === 0;
}

/**
 * The answer for the type, or NXDOMAIN, which holds for every type: what was said last.
 *
 * @returns the entry, -1 when there is none that may serve
 */
function revive(question: Query, keyFlags: number, staleSeconds: number, memory: Memory): number {
  const { name, qtype, nowSeconds } = question;
  const { store } = memory;
  if (staleSeconds === 0) return -1;
  let entry = store.held(name, (qtype << 8) | keyFlags);
  const denial = store.held(name, (EVERY_TYPE << 8) | keyFlags);
  if (entry === -1 || (denial !== -1 && isYounger(denial, entry, nowSeconds, store))) {
    entry = denial;
  }
  if (entry === -1 || (store.content(entry) & IS_FAILURE) !== 0) return -1;
  if (store.age(entry, nowSeconds) >= lifetime(entry, store) + staleSeconds) return -1;
  store.mark(entry, IS_STALE);
  store.setEnd(entry, nowSeconds + STALE_SECONDS);
  return entry;
}

function isYounger(entry: number, other: number, nowSeconds: number, store: Store): boolean {
  return store.age(entry, nowSeconds) < store.age(other, nowSeconds);
}

/** What the answer was kept for at first, the lowest of its TTLs; serving stale changes none. */
function lifetime(entry: number, store: Store): number {
  const { octets } = store;
  const message = store.messageAt(entry);
  let at = store.ttlsAt(entry);
  let lowest = WEEK_SECONDS;
  for (let i = store.ttlCount(entry); i > 0; i--, at += 2) {
    lowest = Math.min(lowest, readU32(octets, message + (octets[at]! | (octets[at + 1]! << 8))));
  }
  return lowest;
}

/** Whether nobody could answer for `name` a short while ago. */
export function hasFailed(query: Query, name: WireName, memory: Memory): boolean {
  const { store } = memory;
  const key = (query.qtype << 8) | keyFlagsOf(query);
  const entry = store.find(name, 0, key, query.nowSeconds);
  if (entry === -1) return false;
  const content = store.content(entry);
  return (content & IS_FAILURE) !== 0 || (content & (IS_STALE | IS_LATE)) === IS_STALE;
}

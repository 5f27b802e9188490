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
import { keyFlagsOf } from './lookup.ts';
import { IS_FAILURE } from './store.ts';

/** Seconds (RFC 9520 3.2: at least 1 s, at most 5 minutes). */
const FAILURE_SECONDS = 5;

/**
 * Remembers that `question` was not answered. What was asked with RD=0 says nothing about RD=1.
 *
 * @param keyFlags KEY_* bits that it was asked with
 */
export function rememberFailure(question: Query, keyFlags: number, memory: Memory): void {
  if (keyFlags >= KEY_NO_RD) return;
  const { clean, store } = memory;
  clean.start = 0;
  clean.length = HEADER_SIZE;
  clean.ttlCount = 0;
  clean.seconds = FAILURE_SECONDS;
  clean.content = IS_FAILURE;
  store.put(question.name, (question.qtype << 8) | keyFlags, clean, question.nowSeconds);
}

/** Whether nobody could answer for `name` a short while ago. */
export function hasFailed(query: Query, name: WireName, memory: Memory): boolean {
  const { store } = memory;
  const key = (query.qtype << 8) | keyFlagsOf(query);
  const entry = store.find(name, 0, key, query.nowSeconds);
  return entry !== -1 && (store.content(entry) & IS_FAILURE) !== 0;
}

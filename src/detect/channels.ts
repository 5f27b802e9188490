/**
 * Channels: the words of a row about one (workload, registrable domain), after those of rows.ts.
 * Its worth is the ledger of novel information, in bytes.
 */

import { RECENT_OCTETS, RECENTS } from './price.ts';
import { ROW_FIRST } from './rows.ts';

/** Names that brought something new, and queries that went upstream, since CHANNEL_SINCE. */
export const CHANNEL_NAMES = ROW_FIRST;
export const CHANNEL_QUERIES = ROW_FIRST + 1;
/** Wall clock of the first of them, s. */
export const CHANNEL_SINCE = ROW_FIRST + 2;
/** Of the queries: for types that carry data; the last such type. */
export const CHANNEL_ODD = ROW_FIRST + 3;
export const CHANNEL_ODD_TYPE = ROW_FIRST + 4;
/** Octets of the longest part. */
export const CHANNEL_LONGEST = ROW_FIRST + 5;
/** IS_* below. */
export const CHANNEL_FLAGS = ROW_FIRST + 6;
/** Wall clock until which the domain is denied to the workload, s; 0 for never. */
export const CHANNEL_DENIED_UNTIL = ROW_FIRST + 7;
/** f32: the ledger when a finding was last told; 0 for never. When, s. */
export const CHANNEL_TOLD = ROW_FIRST + 8;
export const CHANNEL_TOLD_SECONDS = ROW_FIRST + 9;
/** f32: data in answers, bytes, and when that was true, s; answers that differed. */
export const CHANNEL_DATA = ROW_FIRST + 10;
export const CHANNEL_DATA_SECONDS = ROW_FIRST + 11;
export const CHANNEL_ANSWERS = ROW_FIRST + 12;
export const CHANNEL_DATA_TOLD = ROW_FIRST + 13;
/** Whose row it is: hashes of the workload's name and of the domain. */
export const CHANNEL_WORKLOAD = ROW_FIRST + 14; // and the next
export const CHANNEL_DOMAIN = ROW_FIRST + 16; // and the next
/** Which of the kept parts is the oldest. */
export const CHANNEL_OLDEST = ROW_FIRST + 18;
/** Lengths of the kept parts, an octet each; 0: nothing is kept. */
export const CHANNEL_KEPT = ROW_FIRST + 19;
/** The kept parts (price.ts). */
export const CHANNEL_RECENTS = 24;

/** Words of a row, and of these those that say what the rest means. */
export const CHANNEL_WORDS = CHANNEL_RECENTS + (RECENTS * RECENT_OCTETS) / 4;
export const CHANNEL_CLEAR_WORDS = CHANNEL_RECENTS;

/** The row was filled in. */
export const IS_READY = 1;
/** The domain is among the popular ones. */
export const IS_POPULAR = 2;
/** The domain carries much by its nature: counted, never told. */
export const IS_QUIET = 4;

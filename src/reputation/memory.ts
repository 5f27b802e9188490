/**
 * What a compiled set of feeds is made of: plain typed arrays over shared memory, so that main
 * posts it to every worker and one copy stays. Types and code numbers only; `vet.ts` reads,
 * `compile.ts` writes.
 *
 * A name's fingerprint leads to a *statement*: what each feed says about that suffix. Statements
 * are interned, because a million domains need only as many as there are combinations of feeds.
 *
 *     statements[at]      number of feeds n, 1..255
 *     statements[at + 1]  feed, 1..255    } n times, feeds ascending
 *     statements[at + 2]  code for the name itself
 *     statements[at + 3]  code for the names below it
 */

import type { FingerprintsMemory } from '../fingerprints.ts';

/** Code: the feed says nothing here. */
export const SAYS_NOTHING = 0;
/** Code: the feed exempts this from its own shorter entries. */
export const SAYS_ALLOW = 1;
/** Code: listed; a denied query gets what its workload's `answer` says. */
export const SAYS_DENY = 2;
/** Code: listed, and the RPZ asks for NODATA. */
export const SAYS_NODATA = 3;
/** Code: listed, and the RPZ asks for no response at all. */
export const SAYS_DROP = 4;
/** Code of local data 0; local data `i` is `SAYS_DATA + i`. */
export const SAYS_DATA = 5;
/** Type of a local record that stands for none: its name is listed, and has nothing to answer. */
export const NO_TYPE = 0;

/** How a denied query is answered: `Reputation.action` after `vet` returned 2. */
export const ACTION_WORKLOAD = 0;
export const ACTION_NODATA = 1;
export const ACTION_DROP = 2;
/** Local data: the records that start at `Reputation.dataStart`. */
export const ACTION_DATA = 3;

/** Int32 words of one feed's part of a statement. */
export const SAYS_WORDS = 3;

/** Feeds are numbered in one octet of an event record. */
export const FEEDS_MAX = 255;

/** What may change without compiling again; index 0 of each array is unused. */
export interface FeedTable {
  /** Feed names in configuration order; feed `f` is `names[f - 1]`. */
  readonly names: readonly string[];
  readonly categories: readonly string[];
  /** Holds 1 where the feed's action is deny, 0 where it only alerts. */
  readonly denies: Uint8Array;
  /** Holds 1 where the feed's category is `resolver-bypass`. */
  readonly bypass: Uint8Array;
  /** Holds the rule id of the feed, 1 or more. */
  readonly rules: Int32Array;
}

export interface ReputationMemory {
  readonly table: FingerprintsMemory;
  /** Bit set of fingerprints: a clear bit means that no entry is there. */
  readonly filter: Int32Array;
  readonly filterBits: number;
  readonly statements: Int32Array;
  /** Local data: u16 type, u16 rdlength, rdata, repeated; big-endian, names uncompressed. */
  readonly data: Uint8Array;
  /** Where local data `i` starts in `data`; one more at the end. */
  readonly dataAt: Int32Array;
  readonly feeds: FeedTable;
}

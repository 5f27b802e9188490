/**
 * The parts of a reputation score (FINDING_REPUTATION): what each word of them means. Fast lane;
 * reputation-words.ts makes sentences of them.
 *
 * Words 0 to STANDING_PARTS - 1: a part each, 0 for none:
 *
 *     0..7 code (BECAUSE_*)   8..15 points it takes away   16..31 detail
 *
 * and from STANDING_NAME on the domain that the name is like, as text: four octets a word, the
 * first in the low ones, cut at STANDING_NAME_OCTETS, zeros behind.
 */

/** At most two feeds, and one of each other kind. */
export const STANDING_PARTS = 8;
export const STANDING_NAME = 8;
export const STANDING_NAME_OCTETS = 32;

export const DETAIL_SHIFT = 16;
export const POINTS_SHIFT = 8;

/** A feed with `action: alert` lists it; detail: CATEGORIES of reputation-words.ts. */
export const BECAUSE_FEED = 1;
/** Its top-level domain has much abuse. */
export const BECAUSE_TLD = 2;
/** Nobody in this network asked for the domain before; detail: days of "before". */
export const BECAUSE_NEW = 3;
/** Spelled like a generated one; detail: bits. */
export const BECAUSE_GENERATED = 4;
/** Reads like a protected name: in letters of other scripts, with digits, with mistakes. */
export const BECAUSE_HOMOGRAPH = 5;
export const BECAUSE_GLYPHS = 6;
export const BECAUSE_EDIT = 7;
/** Holds a protected name with a word that imitations use, or as a part. */
export const BECAUSE_BAIT = 8;
export const BECAUSE_PART = 9;
/** The very label, under a top-level domain with much abuse. */
export const BECAUSE_SUFFIX = 10;
/** The whole protected domain, or its label, stands below another domain. */
export const BECAUSE_WHOLE = 11;
export const BECAUSE_LABEL = 12;
/** Its addresses change between many networks; detail: networks. */
export const BECAUSE_FLUX = 13;
export const BECAUSE_LAST = BECAUSE_FLUX;

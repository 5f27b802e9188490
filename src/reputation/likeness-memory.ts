/**
 * What look-alikes are found by: plain typed arrays over shared memory, one copy for all workers.
 * Types and code numbers only; likeness.ts reads, likeness-compile.ts writes.
 */

import type { FingerprintsMemory } from '../fingerprints.ts';
import type { TextsMemory } from '../policy/texts.ts';

/** The label has nothing of a protected name. */
export const LIKE_NOTHING = 0;
/** The label itself, under another suffix. */
export const LIKE_SAME = 1;
/** Reads alike in letters of another script (an IDN homograph). */
export const LIKE_HOMOGRAPH = 2;
/** Reads alike with digits, `rn` for m, or l for i. */
export const LIKE_GLYPHS = 3;
/** One or two mistakes away. */
export const LIKE_EDIT = 4;
/** The name beside a word that imitations use: `paypal-login`, `securepaypal`. */
export const LIKE_BAIT = 5;
/** The name as a part between hyphens. */
export const LIKE_PART = 6;

/** Values of `words`: one of these, and above it the number of the protected name. */
export const WORD_NAME = 1; // the folded label of a name
export const WORD_JOINED = 2; // the same with a bait word before or behind it
export const WORD_BAIT = 3; // a bait word; no name
export const WORD_KIND_BITS = 2;

/** Bits of the filter before `deletes`: a power of two. */
export const FILTER_BITS = 1 << 19;

export interface LikenessMemory {
  /** Hash of a folded word -> WORD_* and the number of the name. */
  readonly words: FingerprintsMemory;
  /** Hash of a label with up to two letters taken out -> 1 + where its names stand in `lists`. */
  readonly deletes: FingerprintsMemory;
  /** A count, and as many numbers of names; repeated. */
  readonly lists: Int32Array;
  /** A clear bit means that no such spelling is in `deletes`. */
  readonly filter: Int32Array;
  /** By length of a label: the most letters that need to be taken out of it, 0 to 2. */
  readonly reach: Uint8Array;
  /** Every name's domain in wire form without the root, one after the other: its first label is
   * what is imitated. */
  readonly wires: Uint8Array;
  /** Where each starts; one more entry than names. */
  readonly wireAt: Int32Array;
  /** Names below this number are the organisation's own. */
  readonly ownCount: number;
  /** Domains of the names, for people; number `n` is text `n + 1`. */
  readonly names: TextsMemory;
  /** confusables.ts. */
  readonly confusables: Uint8Array;
}

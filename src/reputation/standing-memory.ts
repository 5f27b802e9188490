/**
 * What a reputation score is made of: tables in shared memory, one copy for all workers. Types and
 * numbers only; standing.ts reads, standing-compile.ts writes.
 */

import type { FingerprintsMemory } from '../fingerprints.ts';
import type { LikenessMemory } from './likeness-memory.ts';

/** Points of a top-level domain under which nothing is scored: those of no registry. */
export const TLD_UNSCORED = 255;

/** The domains that this network has asked for since longer than `days`. */
export interface KnownDomains {
  /** Registrable domain -> 1. */
  readonly domains: FingerprintsMemory;
  readonly days: number;
}

export interface StandingMemory {
  readonly likeness: LikenessMemory;
  /** Domains that are like a name and honest -> 1. */
  readonly honest: FingerprintsMemory;
  /** Top-level domain -> points, or TLD_UNSCORED. */
  readonly tlds: FingerprintsMemory;
  /** By feed: points that a name loses for being listed, and the number of its category. */
  readonly feedPoints: Uint8Array;
  readonly feedCategory: Uint8Array;
  /** Null while the history is too young, too large or not there: then nothing counts as new. */
  readonly known: KnownDomains | null;
  /** By workload: a name that scores less is denied (told of); 0 for never. */
  readonly denyBelow: Uint8Array;
  readonly alertBelow: Uint8Array;
}

export const SCORE_MAX = 100;

/** Points that a domain loses when it is new here. */
export const NEW_POINTS = 15;
/** For answers that move between many networks. */
export const FLUX_POINTS = 25;

/**
 * Points by LIKE_*: of a name that many imitate, and of one of the organisation's own, for which a
 * stranger has less excuse.
 */
export const LIKE_POINTS: readonly number[] = [0, 25, 55, 45, 20, 45, 20];
export const LIKE_OWN_POINTS: readonly number[] = [0, 35, 70, 60, 50, 60, 40];
/** For a protected domain, or its label alone, below a stranger's domain. */
export const WHOLE_POINTS = 40;
export const LABEL_POINTS = 10;
/** A label shorter than this below a domain is a word like any other. */
export const LABEL_MIN = 6;

/** Number of the category `risky-tld`: a feed of it and `tlds` would count one thing twice. */
export const CATEGORY_RISKY_TLD = 1;

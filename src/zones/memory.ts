/**
 * Layout of the compiled zones: flat shared arrays that compile.ts writes and answer.ts reads.
 *
 * A node is a name that exists: an owner of records, or an empty non-terminal above one. A set is
 * an RRset as ready records without their owner. Everything is referred to by index.
 */

import type { FingerprintsMemory } from '../fingerprints.ts';

/** Plain and structured-cloneable; main posts it to the workers, the arrays stay shared. */
export interface ZonesMemory {
  /** Fingerprint of an apex -> index into `zones` + 1. */
  readonly apexes: FingerprintsMemory;
  /** Fingerprint of a node's name -> index into `nodes` + 1. */
  readonly names: FingerprintsMemory;
  /** ZONE_WORDS per zone. */
  readonly zones: Int32Array;
  /** NODE_WORDS per node. */
  readonly nodes: Int32Array;
  /** SET_WORDS per RRset. */
  readonly sets: Int32Array;
  /** Lower-case wire names, and records as type, class, TTL, rdlength, uncompressed rdata. */
  readonly octets: Uint8Array;
  /** Text per zone for rules and people: `zone svc.example (zones/svc.example.zone)`. */
  readonly texts: readonly string[];
}

export const ZONE_WORDS = 6;
/** Where the apex stands in `octets`, and its length in octets with the root. */
export const ZONE_NAME_AT = 0;
export const ZONE_NAME_LENGTH = 1;
/** Labels of the apex, 0..127. */
export const ZONE_LABELS = 2;
/** ZONE_* flags. */
export const ZONE_FLAGS = 3;
/**
 * The SOA as one record whose TTL is the negative TTL (RFC 2308 section 5); its length in octets.
 */
export const ZONE_SOA_AT = 4;
export const ZONE_SOA_LENGTH = 5;

export const ZONE_PRIVATE = 1;
export const ZONE_BUILTIN = 2;
/** No zone but a forward rule inside one: names from here down are asked upstream. */
export const ZONE_FORWARDED = 4;

export const NODE_WORDS = 6;
export const NODE_NAME_AT = 0;
export const NODE_NAME_LENGTH = 1;
/** Index of the zone. */
export const NODE_ZONE = 2;
/** First set, and number of sets; 0 sets for an empty non-terminal. */
export const NODE_SET = 3;
export const NODE_SETS = 4;
/** Index + 1 of the node `*` directly below, 0 for none (RFC 4592). */
export const NODE_WILDCARD = 5;

export const SET_WORDS = 4;
export const SET_TYPE = 0;
/** For RRSIG the type that is signed, else 0. */
export const SET_COVERED = 1;
/** Where the first record stands in `octets`; the others follow it. */
export const SET_AT = 2;
/** Records, 1 or more. */
export const SET_COUNT = 3;

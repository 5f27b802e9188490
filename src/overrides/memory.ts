/**
 * Overrides as the workers read them: flat tables, part of the snapshot, written by compile.ts and
 * read by in-force.ts. Fast lane.
 *
 * What outlives a snapshot is in the slots, which all snapshots and all workers share: when an
 * exception ends, and how often it was used.
 */

import type { FingerprintsMemory } from '../fingerprints.ts';

/** Exceptions, quarantines, and lifelines of one quarantine that may be in force at once. */
export const EXCEPTIONS_MAX = 4096;
export const QUARANTINES_MAX = 4096;
export const LIFELINES_MAX = 256;

/** Scope without entries, and the scope of the domains in quarantine. */
export const SCOPE_NOTHING = 0;
export const SCOPE_DOMAINS = 1;

/** Words of an entry: MATCHES_* and IS_LAST of policy/suffixes.ts, start and end of its types. */
export const ENTRY_WORDS = 4;
export const ENTRY_TYPES_START = 1;
export const ENTRY_TYPES_END = 2;
export const ENTRY_RULE = 3;

/** Words of a quarantine of a workload: its rule, the scope of its lifelines, 1 for the last. */
export const QUARANTINE_WORDS = 3;
export const QUARANTINE_LIFELINES = 1;
export const QUARANTINE_IS_LAST = 2;

/** Doubles of a slot: its end by the wall clock and by the shared monotonic one, its last use. */
export const SLOT_DOUBLES = 3;
export const SLOT_SHARED_END = 1;
export const SLOT_LAST_USE = 2;
/** Words of a slot: its uses, low and high half. */
export const SLOT_WORDS = 2;

export interface SlotsMemory {
  readonly doubles: Float64Array;
  readonly words: Int32Array;
}

/** What crosses threads; `InForce` wraps it again on the other side. */
export interface OverridesMemory {
  /** Suffix hash mixed with a scope -> 1 + index of its first entry. */
  readonly suffixes: FingerprintsMemory;
  readonly entries: Int32Array;
  /** RR types that entries are limited to; an entry whose start is its end has no limit. */
  readonly types: Uint16Array;
  /** Per scope: bit `n` set when an entry has `n` labels, as in policy/suffixes.ts. */
  readonly masks: Int32Array;
  /** Per workload: the scopes of its exceptions above and below feeds. */
  readonly aboveFeeds: Int32Array;
  readonly belowFeeds: Int32Array;
  /** Per workload: 1 + index of its first quarantine, 0 for none; the others follow that one. */
  readonly contained: Int32Array;
  readonly quarantines: Int32Array;
  /** Rules from this one on are overrides; 0 when there are none. */
  readonly firstRule: number;
  /** By rule, less `firstRule`: the slot of an exception, -1 for a quarantine. */
  readonly slotOf: Int32Array;
  readonly slots: SlotsMemory;
  readonly exceptionCount: number;
  readonly domainCount: number;
  readonly containedCount: number;
}

/** Nothing is in force. */
export function noOverrides(): OverridesMemory {
  const none = new Int32Array(0);
  return {
    suffixes: { words: none, count: 0 },
    entries: none,
    types: new Uint16Array(0),
    masks: none,
    aboveFeeds: none,
    belowFeeds: none,
    contained: none,
    quarantines: none,
    firstRule: 0,
    slotOf: none,
    slots: { doubles: new Float64Array(0), words: none },
    exceptionCount: 0,
    domainCount: 0,
    containedCount: 0,
  };
}

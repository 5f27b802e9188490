/**
 * InForce: which exception or quarantine names a wire name now. Fast lane; the tables come from
 * compile.ts, what a match means is policy/authorize.ts.
 *
 * An exception ends when the wall clock reaches its end or when its time has passed on the
 * monotonic clock, whichever comes first; the worker sees to that by itself, whatever main does,
 * and by the clock that it reads once per batch. Once ended it stays ended, for all workers:
 * whoever sees it first writes so into the slot. A quarantine has no clock here: it holds until
 * main takes it away, because what is late there must stay closed.
 */

import { SHARED_MS } from '../clock.ts';
import { REASON_EXCEPTION, REASON_EXCEPTION_OVER_FEEDS } from '../events/kinds.ts';
import { Fingerprints } from '../fingerprints.ts';
import type { Decision } from '../policy/decision.ts';
import {
  IS_LAST,
  MASK_LABELS_MAX,
  MATCHES_BELOW,
  MATCHES_EXACT,
  scopeHigh,
  scopeLow,
} from '../policy/suffixes.ts';
import type { WireName } from '../wire/name.ts';
import {
  ENTRY_RULE,
  ENTRY_TYPES_END,
  ENTRY_TYPES_START,
  ENTRY_WORDS,
  type OverridesMemory,
  QUARANTINE_IS_LAST,
  QUARANTINE_LIFELINES,
  QUARANTINE_WORDS,
  SCOPE_DOMAINS,
  SLOT_DOUBLES,
  SLOT_LAST_USE,
  SLOT_SHARED_END,
  SLOT_WORDS,
} from './memory.ts';

/** Of `contain`. */
export const NOT_CONTAINED = 0;
export const CONTAINED = 1;
/** In quarantine, and the name is one of its lifelines. */
export const LIFELINE = 2;

/** Whether an exception let the name through. */
export function isExcepted({ reason }: Decision): boolean {
  return reason === REASON_EXCEPTION || reason === REASON_EXCEPTION_OVER_FEEDS;
}

export class InForce {
  /** False where nothing is in force: then nothing else is asked. */
  readonly isOn: boolean;
  readonly hasExceptions: boolean;
  /** Rule of the last match, 0 for none, and the label of the name at which it starts. */
  rule = 0;
  label = 0;
  /** An exception that names types was looked at since this was last set to false. */
  isTyped = false;
  /** Milliseconds until the first exception ends that let something through since `begin`. */
  leftMs = Number.POSITIVE_INFINITY;
  /** Wall clock and shared monotonic clock; until they are set, every exception has ended. */
  #wallMs = Number.POSITIVE_INFINITY;
  #sharedMs = Number.POSITIVE_INFINITY;
  readonly #memory: OverridesMemory;
  readonly #suffixes: Fingerprints;

  constructor(memory: OverridesMemory) {
    this.#memory = memory;
    this.#suffixes = new Fingerprints(memory.suffixes.words, memory.suffixes.count);
    this.hasExceptions = memory.exceptionCount > 0;
    this.isOn = this.hasExceptions || memory.domainCount > 0 || memory.containedCount > 0;
  }

  /** The time of a query that is decided now. */
  begin(query: { readonly wallMs: number; readonly nowMs: number }): void {
    this.#wallMs = query.wallMs;
    this.#sharedMs = query.nowMs + SHARED_MS;
    this.leftMs = Number.POSITIVE_INFINITY;
  }

  /** Whether the name is in quarantine for everybody. */
  isQuarantined(name: WireName): boolean {
    return this.#memory.domainCount > 0 && this.#match(name, 0, SCOPE_DOMAINS);
  }

  /** Whether any domain is. */
  get hasDomains(): boolean {
    return this.#memory.domainCount > 0;
  }

  isContained(workload: number): boolean {
    return this.#memory.containedCount > 0 && this.#memory.contained[workload] !== 0;
  }

  /**
   * What the quarantines of a workload say of a name: every one of them must have it as a lifeline.
   * `rule` and `label` are of the one that denies, or of a lifeline.
   */
  contain(name: WireName, workload: number): number {
    if (!this.isContained(workload)) return NOT_CONTAINED;
    const { quarantines, contained } = this.#memory;
    for (let at = (contained[workload]! - 1) * QUARANTINE_WORDS; ; at += QUARANTINE_WORDS) {
      if (!this.#match(name, 0, quarantines[at + QUARANTINE_LIFELINES]!)) {
        this.rule = quarantines[at]!;
        return CONTAINED;
      }
      if (quarantines[at + QUARANTINE_IS_LAST] === 1) return LIFELINE;
    }
  }

  /** Whether an exception of the workload that overrides feeds is open for the name. */
  isOpenAboveFeeds(name: WireName, qtype: number, workload: number): boolean {
    return this.hasExceptions && this.#match(name, qtype, this.#memory.aboveFeeds[workload]!);
  }

  /** Whether another exception of the workload is. */
  isOpen(name: WireName, qtype: number, workload: number): boolean {
    return this.hasExceptions && this.#match(name, qtype, this.#memory.belowFeeds[workload]!);
  }

  /** Whether the exception with this rule is still open: for a decision that was made before. */
  holds(rule: number): boolean {
    const slot = this.#slotOf(rule);
    return slot !== -1 && this.#isOpenSlot(slot);
  }

  /** Whether the rule is an override's, and no exception's. */
  isQuarantine(rule: number): boolean {
    const { firstRule } = this.#memory;
    return firstRule !== 0 && rule >= firstRule && this.#slotOf(rule) === -1;
  }

  /** Counts one query that the exception with this rule let through. */
  use(rule: number): void {
    const slot = this.#slotOf(rule);
    if (slot === -1) return;
    const { words, doubles } = this.#memory.slots;
    const at = slot * SLOT_WORDS;
    // Shared by the workers: the one that carries sees -1, which is the largest low half.
    if (Atomics.add(words, at, 1) === -1) Atomics.add(words, at + 1, 1);
    doubles[slot * SLOT_DOUBLES + SLOT_LAST_USE] = this.#wallMs;
  }

  #slotOf(rule: number): number {
    const { firstRule, slotOf } = this.#memory;
    const index = rule - firstRule;
    return firstRule !== 0 && index >= 0 && index < slotOf.length ? slotOf[index]! : -1;
  }

  /** Of several entries the longest that is open, and at the name itself the exact one. */
  #match(name: WireName, qtype: number, scope: number): boolean {
    this.rule = 0;
    this.label = 0;
    const mask = this.#memory.masks[scope]!;
    if (mask === 0) return false;
    const mixLow = scopeLow(scope);
    const mixHigh = scopeHigh(scope);
    const labels = name.labelCount;
    for (let label = 0; label <= labels; label++) {
      const bit = Math.min(labels - label, MASK_LABELS_MAX);
      if (((mask >>> bit) & 1) === 0) continue;
      const found = this.#suffixes.find(name.low[label]! ^ mixLow, name.high[label]! ^ mixHigh);
      if (found !== 0 && this.#scan(found - 1, label, qtype)) return true;
    }
    return false;
  }

  #scan(first: number, label: number, qtype: number): boolean {
    const { entries } = this.#memory;
    const wanted = label === 0 ? MATCHES_EXACT : MATCHES_BELOW;
    for (let at = first * ENTRY_WORDS; at < entries.length; at += ENTRY_WORDS) {
      const bits = entries[at]!;
      const rule = entries[at + ENTRY_RULE]!;
      if ((bits & wanted) !== 0 && this.#fits(at, qtype) && this.#isInForce(rule)) {
        this.rule = rule;
        this.label = label;
        return true;
      }
      if ((bits & IS_LAST) !== 0) return false;
    }
    return false;
  }

  #fits(at: number, qtype: number): boolean {
    const { entries, types } = this.#memory;
    const start = entries[at + ENTRY_TYPES_START]!;
    const end = entries[at + ENTRY_TYPES_END]!;
    if (start === end) return true;
    this.isTyped = true;
    for (let i = start; i < end; i++) if (types[i] === qtype) return true;
    return false;
  }

  #isInForce(rule: number): boolean {
    const slot = this.#slotOf(rule);
    return slot === -1 || this.#isOpenSlot(slot);
  }

  #isOpenSlot(slot: number): boolean {
    const { doubles } = this.#memory.slots;
    const at = slot * SLOT_DOUBLES;
    const left = Math.min(
      doubles[at]! - this.#wallMs,
      doubles[at + SLOT_SHARED_END]! - this.#sharedMs,
    );
    if (left > 0) {
      if (left < this.leftMs) this.leftMs = left;
      return true;
    }
    if (this.#wallMs !== Number.POSITIVE_INFINITY) doubles[at] = Number.NEGATIVE_INFINITY;
    return false;
  }
}

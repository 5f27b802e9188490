/**
 * Policy: which rule of a list names a wire name. Fast lane; the flat tables come from compile.ts.
 *
 * A scope is a pair of lists (deny and allow) that are asked together: those of one workload, the
 * union of one set of bundles, or those of everyone. One fingerprint table holds all scopes: its
 * key is the hash of a suffix mixed with the scope. So a look-up costs one probe per label of the
 * name, cut by a mask of the label counts that occur in the scope, whatever the number of rules:
 * `authorize` took 0.15 to 0.35 us over 200,000 rules as over 200. Which scope is asked first, and
 * what a match means, is authorize.ts.
 */

import { Fingerprints, type FingerprintsMemory } from '../fingerprints.ts';
import type { WireName } from '../wire/name.ts';

/** Scope without rules, and the scope of `everyone`. Those of workloads and bundles follow. */
export const SCOPE_NONE = 0;
export const SCOPE_EVERYONE = 1;

/** Label counts from here on share the last bit of a scope's mask. */
export const MASK_LABELS_MAX = 31;

/** Words of one entry: bits, start and end of its types, rule id. */
export const ENTRY_WORDS = 4;
export const ENTRY_TYPES_START = 1;
export const ENTRY_TYPES_END = 2;
export const ENTRY_RULE = 3;

/** Bits of an entry's first word. */
export const MATCHES_EXACT = 1; // the name itself
export const MATCHES_BELOW = 2; // names under it
export const IS_DENY = 4; // in the deny list; otherwise in the allow list
export const IS_LAST = 8; // no further entry for this suffix and scope

/** What crosses threads; `Policy` wraps it again on the other side. */
export interface PolicyMemory {
  /** Suffix hash mixed with a scope -> 1 + index of its first entry. */
  readonly suffixes: FingerprintsMemory;
  /** Entries of ENTRY_WORDS each; those of one suffix and scope stand together. */
  readonly entries: Int32Array;
  /** RR types that entries are limited to; an entry whose start is its end has no limit. */
  readonly types: Uint16Array;
  /** Per scope: bit `n` set when a deny (allow) rule has `n` labels; bit 31 for 31 and more. */
  readonly denyMask: Int32Array;
  readonly allowMask: Int32Array;
  /** Per workload: its own scope and that of its bundles; SCOPE_NONE when there are no rules. */
  readonly ownScope: Int32Array;
  readonly bundleScope: Int32Array;
}

/** Spreads a scope number over both halves of a fingerprint; odd factors keep scopes distinct. */
export function scopeLow(scope: number): number {
  return Math.imul(scope, 0x9e3779b1 | 0);
}

export function scopeHigh(scope: number): number {
  return Math.imul(scope, 0x85ebca6b | 0);
}

export class Policy {
  /** The most specific deny rule of the last `match`, 0 for none, and the label it starts at. */
  denyRule = 0;
  denyLabel = 0;
  /** The most specific allow rule of the last `match`; not looked for once a deny was found. */
  allowRule = 0;
  allowLabel = 0;
  /** A rule that names types was looked at since this was last set to false: for `remember`. */
  isTyped = false;

  readonly ownScope: Int32Array;
  readonly bundleScope: Int32Array;
  readonly suffixes: Fingerprints;
  readonly #entries: Int32Array;
  readonly #types: Uint16Array;
  readonly #denyMask: Int32Array;
  readonly #allowMask: Int32Array;

  constructor(memory: PolicyMemory) {
    this.ownScope = memory.ownScope;
    this.bundleScope = memory.bundleScope;
    this.suffixes = new Fingerprints(memory.suffixes.words, memory.suffixes.count);
    this.#entries = memory.entries;
    this.#types = memory.types;
    this.#denyMask = memory.denyMask;
    this.#allowMask = memory.allowMask;
  }

  /**
   * Looks a name up in one scope, longest suffix first, and sets the four fields above. A deny ends
   * the search, because no list of the same scope can overrule it; after an allow only deny rules
   * are still looked for.
   */
  match(name: WireName, qtype: number, scope: number): void {
    this.denyRule = 0;
    this.denyLabel = 0;
    this.allowRule = 0;
    this.allowLabel = 0;
    const denyMask = this.#denyMask[scope]!;
    let mask = denyMask | this.#allowMask[scope]!;
    if (mask === 0) return;
    const mixLow = scopeLow(scope);
    const mixHigh = scopeHigh(scope);
    const labels = name.labelCount;
    for (let label = 0; label <= labels; label++) {
      const bit = Math.min(labels - label, MASK_LABELS_MAX);
      if (((mask >>> bit) & 1) === 0) continue;
      const found = this.suffixes.find(name.low[label]! ^ mixLow, name.high[label]! ^ mixHigh);
      if (found === 0) continue;
      this.#scan(found - 1, label, qtype);
      if (this.denyRule !== 0) return;
      if (this.allowRule !== 0) mask = denyMask;
    }
  }

  /** Takes the first entries of a run that fit the type and where the suffix starts. */
  #scan(first: number, label: number, qtype: number): void {
    const entries = this.#entries;
    const wanted = label === 0 ? MATCHES_EXACT : MATCHES_BELOW;
    for (let at = first * ENTRY_WORDS; at < entries.length; at += ENTRY_WORDS) {
      const bits = entries[at]!;
      if ((bits & wanted) !== 0 && this.#fits(at, qtype)) {
        if ((bits & IS_DENY) !== 0) {
          this.denyRule = entries[at + ENTRY_RULE]!;
          this.denyLabel = label;
          return;
        }
        if (this.allowRule === 0) {
          this.allowRule = entries[at + ENTRY_RULE]!;
          this.allowLabel = label;
        }
      }
      if ((bits & IS_LAST) !== 0) return;
    }
  }

  #fits(at: number, qtype: number): boolean {
    const start = this.#entries[at + ENTRY_TYPES_START]!;
    const end = this.#entries[at + ENTRY_TYPES_END]!;
    if (start === end) return true;
    this.isTyped = true;
    for (let i = start; i < end; i++) if (this.#types[i] === qtype) return true;
    return false;
  }
}

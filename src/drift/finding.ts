/** What drift is: a finding each, with what would mend it in the files. */

import type { Place } from '../config/types.ts';

export type FindingKind =
  /** An entry that allows, and allowed nothing in the window. */
  | 'unused'
  /** A name that only the mode let through. */
  | 'undeclared'
  | 'bundle-unused'
  | 'bundle-partly-used'
  /** A workload that asked for nothing. */
  | 'silent'
  /** An exception that is opened again and again. */
  | 'habit'
  /** The resolver runs another configuration than the files have. */
  | 'live';

export const FINDING_KINDS: readonly FindingKind[] = [
  'live',
  'undeclared',
  'unused',
  'bundle-unused',
  'bundle-partly-used',
  'habit',
  'silent',
];

/** The change of the files that ends a finding. */
export type Remedy =
  | { readonly kind: 'remove'; readonly list: ListPath; readonly indexes: readonly number[] }
  | { readonly kind: 'allow'; readonly list: ListPath; readonly items: readonly Wanted[] };

export interface ListPath {
  /** As the configuration shows it. */
  readonly file: string;
  readonly path: readonly string[];
}

export interface Wanted {
  readonly name: string;
  readonly comment: string;
}

export interface Finding {
  readonly kind: FindingKind;
  /** '' for what is everyone's. */
  readonly workload: string;
  /** Pattern, name, bundle or exception. */
  readonly subject: string;
  readonly at: Place | null;
  /** Queries that were let through; null where nobody counts them. */
  readonly queries: number | null;
  readonly lastMs: number | null;
  /** From when on the history watched; null where that does not matter. */
  readonly watchedMs: number | null;
  readonly note: string;
  /** Null where people must decide; `note` says why. */
  readonly remedy: Remedy | null;
}

/** What every step of a life is made of, of exceptions and quarantines alike. */

import type { Transition } from './records.ts';

/** Who acts, as the control socket and the configuration tell. */
export interface Who {
  /** A person of the configuration, or `uid 1001`. */
  readonly name: string;
  /** Null where the system does not say. */
  readonly uid: number | null;
  /** Whether the configuration names the user as one of its people. */
  readonly isPerson: boolean;
}

export interface Step<R> {
  /** Null for the first. */
  readonly before: R | null;
  readonly record: R;
  readonly transition: Transition;
}

/** A time in a sentence: RFC 3339, UTC, to the second. */
export function when(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

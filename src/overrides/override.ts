/**
 * Overrides: what people put over the policy of the files, each with an end: exceptions open,
 * quarantines close. Plain data, as the store keeps it and the tables are compiled from it.
 */

import type { Pattern } from '../config/types.ts';

/** An exception that is active. */
export interface ActiveException {
  /** `ex-17`: unique for the life of the store, never used again. */
  readonly id: string;
  readonly workload: string;
  readonly pattern: Pattern;
  /** RR type numbers, or null for all. */
  readonly types: readonly number[] | null;
  /** Above global deny and feeds (step 2 of the precedence), else below them (step 4). */
  readonly overridesFeeds: boolean;
  /** Wall clock at which it ends, ms since 1970. Workers see to it by themselves. */
  readonly untilMs: number;
  /**
   * What stands where a rule's text does: `exception ex-17 *.partner.example`. No two overrides
   * have the same.
   */
  readonly text: string;
}

/** A quarantine in force: of a workload, or of a domain for everybody. */
export interface ActiveQuarantine {
  /** `q-4` */
  readonly id: string;
  /** Null for a domain's. */
  readonly workload: string | null;
  /** Null for a workload's. */
  readonly pattern: Pattern | null;
  /** What a workload in quarantine may still resolve; empty for a domain's. */
  readonly lifelines: readonly Pattern[];
  /**
   * Wall clock at which it ends, ms since 1970; null until it is released. Workers hold it until it
   * is taken out of `Overrides`: what is late there must stay closed.
   */
  readonly untilMs: number | null;
  /** `quarantine q-4 of payments-api` */
  readonly text: string;
}

/** All that is in force. */
export interface Overrides {
  readonly exceptions: readonly ActiveException[];
  readonly quarantines: readonly ActiveQuarantine[];
}

export const NO_OVERRIDES: Overrides = { exceptions: [], quarantines: [] };

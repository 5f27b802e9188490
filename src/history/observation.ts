/**
 * Observation: what the recorder tells the main thread about one (workload, registrable domain).
 *
 * Plain data that survives `postMessage`; text here is for people and already escaped. It is not
 * an alert: folding, severity and sinks are the business of `src/alerts`.
 */

/** Queries counted since the last observation of the pair. */
export interface ObservationCounts {
  /** Let through, whoever answered. */
  readonly allowed: number;
  readonly denied: number;
  /** Let through by the mode only; a part of `allowed` and `failed`. */
  readonly wouldDeny: number;
  /** Nothing answered: SERVFAIL. */
  readonly failed: number;
}

/** What a detector found; `src/detect/wording.ts` makes text of it. */
export interface ObservedFinding {
  /** FINDING_* of src/events/kinds.ts. */
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  /** Whether a query was denied for it. */
  readonly denied: boolean;
  readonly parts: readonly number[];
}

export interface Observation {
  /**
   * The database holds this pair for the first time; where `stored` is false, a worker's belief.
   */
  readonly isNew: boolean;
  /** False while the database cannot be written, so that nothing is known about earlier runs. */
  readonly stored: boolean;
  /** Name of the workload; `(unmapped)` for a source that none claims. */
  readonly workload: string;
  /** Index of the workload in snapshot `revision`; 0 is the unmapped source. */
  readonly workloadId: number;
  /** Number of the policy snapshot that decided. */
  readonly revision: number;
  /** Index of the deciding rule in that snapshot; 0 for none. */
  readonly ruleId: number;
  /** Text of that rule (`file:line:col pattern`), or '' for none. */
  readonly rule: string;
  /** REASON_* of src/events/kinds.ts. */
  readonly reason: number;
  /** MODE_* of src/events/kinds.ts. */
  readonly mode: number;
  /** OR of FLAG_* of src/events/kinds.ts. */
  readonly flags: number;
  /**
   * Full name, escaped as RFC 1035 section 5.1 says, lower case, no trailing dot (`.` the root).
   */
  readonly qname: string;
  /** Registrable domain, same form. */
  readonly registrable: string;
  /** RR type number. */
  readonly qtype: number;
  /** Source address in text; IPv4 as IPv4. */
  readonly source: string;
  /** Addresses answered, in text; for FLAG_REBINDING the first is the one that was refused. */
  readonly answers: readonly string[];
  /** Feed that matched, 1-based index in the snapshot; 0 for none. */
  readonly feed: number;
  readonly counts: ObservationCounts;
  /** Wall clock of the first and last query counted here, ms since the epoch. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** When the pair was first seen at all, ms since the epoch; `firstMs` where `stored` is false. */
  readonly firstSeenMs: number;
  /**
   * Null for what was counted. Otherwise `counts` is of the queries that it was said of, which are
   * counted by themselves as well, and `stored` says whether `firstSeenMs` is known.
   */
  readonly finding: ObservedFinding | null;
}

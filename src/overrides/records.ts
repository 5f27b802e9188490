/**
 * The records of the store: one for each exception and each quarantine that there ever was, and one
 * for each step of its life. Plain data; times are ms since 1970 by the wall clock.
 */

/** requested -> approved -> active -> expired or revoked; a request may be rejected, or lapse. */
export type ExceptionState =
  | 'requested'
  /** Approved and kept; becomes `active` when every worker decides by it. */
  | 'approved'
  | 'active'
  | 'expired'
  | 'revoked'
  | 'rejected';

export type QuarantineState = 'active' | 'released' | 'expired';

/** When a time is over, as clock.ts judges it. */
export interface End {
  /** By the wall clock. */
  readonly untilMs: number;
  /** What was left when it was noted last. */
  readonly leftMs: number;
  /** The boot that `bootEndMs` counts from the start of. */
  readonly bootId: string;
  readonly bootEndMs: number;
}

export interface ExceptionRecord {
  /** `ex-17`: the number is never used again. */
  readonly id: string;
  readonly number: number;
  readonly state: ExceptionState;
  readonly workload: string;
  /** As configured patterns are written: `*.partner.example`. */
  readonly pattern: string;
  /** RR type numbers, or null for all. */
  readonly types: readonly number[] | null;
  readonly overridesFeeds: boolean;
  readonly reason: string;
  readonly ticket: string | null;
  /** A person of the configuration, or `uid 1001`. */
  readonly requester: string;
  readonly requesterUid: number;
  readonly requestedMs: number;
  readonly durationMs: number;
  /** Active before anybody approved it. */
  readonly isBreakGlass: boolean;
  /** Null until it is approved. */
  readonly approver: string | null;
  readonly approverUid: number | null;
  readonly approvedMs: number | null;
  /** Without an approval it lapses then. */
  readonly approveByMs: number;
  /** When its duration began; null before. */
  readonly startMs: number | null;
  /** Null before its duration began. Of one that waits for approval the end without it. */
  readonly end: End | null;
  /** When it was expired, revoked or rejected. */
  readonly endedMs: number | null;
  /** How often it was extended. */
  readonly renewals: number;
  /** Queries that it let through. */
  readonly queries: number;
  readonly firstUseMs: number | null;
  readonly lastUseMs: number | null;
}

export interface QuarantineRecord {
  /** `q-4` */
  readonly id: string;
  readonly number: number;
  readonly state: QuarantineState;
  /** Null for a domain's. */
  readonly workload: string | null;
  /** Null for a workload's. */
  readonly pattern: string | null;
  readonly lifelines: readonly string[];
  readonly reason: string | null;
  /** Who ordered it: a person, or `uid 1001`. */
  readonly orderedBy: string;
  readonly sinceMs: number;
  /** Null until it is released. */
  readonly end: End | null;
  readonly endedMs: number | null;
  readonly releasedBy: string | null;
  /** File of the evidence, once it is whole, and its digest. */
  readonly evidence: string | null;
  readonly evidenceSha256: string | null;
}

/** One step of a life. None is ever changed or removed. */
export interface Transition {
  /** `ex-17` or `q-4` */
  readonly subject: string;
  readonly atMs: number;
  /** `request`, `approve`, `activate`, `extend`, `expire`, ... */
  readonly act: string;
  /** State before; null for the first. */
  readonly from: string | null;
  readonly to: string;
  /** A person, `uid 1001`, or `dnsvalve` for what time brought about. */
  readonly actor: string;
  /** In words, or ''. */
  readonly note: string;
}

export function exceptionId(number: number): string {
  return `ex-${number}`;
}

export function quarantineId(number: number): string {
  return `q-${number}`;
}

/** Requests and exceptions that are not over. */
export function isOpen({ state }: { readonly state: ExceptionState }): boolean {
  return state === 'requested' || isStanding({ state });
}

/** Decided on, and its time runs: it is in force, or about to be. */
export function isStanding({ state }: { readonly state: ExceptionState }): boolean {
  return state === 'approved' || state === 'active';
}

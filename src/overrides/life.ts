/**
 * The life of an exception, step by step. Pure: a record, who acts and when go in, the record after
 * and the step come out. Who may do what is people.ts; what may be asked for is request.ts.
 *
 *     request ──▶ requested ──approve──▶ approved ──activate──▶ active ──expire──▶ expired
 *                  │      └──reject──▶ rejected     │            │└──revoke──▶ revoked
 *                  └──expire──▶ expired             └─expire, revoke as active
 *
 * Breaking the glass begins at `approved` without an approver, with an end that comes soon; an
 * approval moves that end to where the request wanted it. No end state is ever left.
 */

import { DnsvalveError } from '../errors.ts';
import { endAfter, isCutShort, leftOfOpening, type Moment, noted } from './clock.ts';
import { type ExceptionRecord, type ExceptionState, exceptionId, isStanding } from './records.ts';
import { type Step, type Who, when } from './step.ts';

export interface RequestFacts {
  readonly number: number;
  readonly workload: string;
  readonly pattern: string;
  readonly types: readonly number[] | null;
  readonly overridesFeeds: boolean;
  readonly reason: string;
  readonly ticket: string | null;
  readonly durationMs: number;
  readonly isBreakGlass: boolean;
  /** How long it may wait for an approval, or be open without one. */
  readonly approveWithinMs: number;
}

type ExceptionStep = Step<ExceptionRecord>;

export function request(facts: RequestFacts, by: Who, now: Moment): ExceptionStep {
  const { approveWithinMs, isBreakGlass, durationMs } = facts;
  const isOpened = isBreakGlass;
  const record: ExceptionRecord = {
    id: exceptionId(facts.number),
    number: facts.number,
    state: isOpened ? 'approved' : 'requested',
    workload: facts.workload,
    pattern: facts.pattern,
    types: facts.types,
    overridesFeeds: facts.overridesFeeds,
    reason: facts.reason,
    ticket: facts.ticket,
    requester: by.name,
    requesterUid: by.uid ?? -1,
    requestedMs: now.wallMs,
    durationMs,
    isBreakGlass,
    approver: null,
    approverUid: null,
    approvedMs: null,
    approveByMs: now.wallMs + approveWithinMs,
    startMs: isOpened ? now.wallMs : null,
    end: isOpened ? endAfter(Math.min(durationMs, approveWithinMs), now) : null,
    endedMs: null,
    renewals: 0,
    queries: 0,
    firstUseMs: null,
    lastUseMs: null,
  };
  return step(null, record, { act: isBreakGlass ? 'break-glass' : 'request', by, now });
}

/** @throws DnsvalveError USAGE where there is nothing to approve, saying what came before */
export function approve(record: ExceptionRecord, by: Who, now: Moment): ExceptionStep {
  const approval = { approver: by.name, approverUid: by.uid, approvedMs: now.wallMs };
  if (record.state === 'requested') {
    refuseLapsed(record, now);
    const end = endAfter(record.durationMs, now);
    const after = { ...record, ...approval, state: 'approved', startMs: now.wallMs, end } as const;
    return step(record, after, { act: 'approve', by, now });
  }
  if (!isStanding(record) || record.approver !== null) throw refusal(record, 'approved');
  const end = endOfGlass(record, now);
  return step(record, { ...record, ...approval, end }, { act: 'approve', by, now });
}

/** The end that the request wanted: what is used up of the time without approval is used up. */
function endOfGlass(record: ExceptionRecord, now: Moment): ExceptionRecord['end'] {
  const { end, durationMs, approveByMs, requestedMs } = record;
  const left = end === null ? 0 : leftOfOpening(end, now);
  if (end === null || left <= 0) throw refusal({ ...record, state: 'expired' }, 'approved');
  const window = Math.min(durationMs, approveByMs - requestedMs);
  const untilMs = requestedMs + durationMs;
  return noted({ ...end, untilMs }, durationMs - (window - left), now);
}

/** It is in force. Changes nothing where it is known, or over. */
export function activate(record: ExceptionRecord, now: Moment): ExceptionStep | null {
  if (record.state !== 'approved') return null;
  const note = `open until ${when(record.end?.untilMs ?? 0)}`;
  return step(record, { ...record, state: 'active' }, { act: 'activate', by: null, now, note });
}

/** @throws DnsvalveError USAGE for what is no request any more */
export function reject(record: ExceptionRecord, by: Who, now: Moment): ExceptionStep {
  if (record.state !== 'requested') throw refusal(record, 'rejected');
  return step(record, ended(record, 'rejected', now), { act: 'reject', by, now });
}

/** @throws DnsvalveError USAGE for what is over */
export function revoke(record: ExceptionRecord, by: Who, now: Moment): ExceptionStep {
  if (record.state !== 'requested' && !isStanding(record)) throw refusal(record, 'revoked');
  return step(record, ended(record, 'revoked', now), { act: 'revoke', by, now });
}

/**
 * Gives it another end, `durationMs` from now.
 *
 * @throws DnsvalveError USAGE for what is not approved or over, or ends later anyway
 */
export function extend(
  record: ExceptionRecord,
  durationMs: number,
  by: Who,
  now: Moment,
): ExceptionStep {
  const left = record.end === null ? 0 : leftOfOpening(record.end, now);
  if (!isStanding(record) || left <= 0) throw refusal(record, 'extended');
  if (record.approver === null) {
    throw new DnsvalveError('USAGE', `${record.id}: nobody has approved it yet; approve it first`);
  }
  if (durationMs <= left) {
    const until = when(record.end?.untilMs ?? 0);
    const advice = 'give a longer time from now, or revoke it';
    throw new DnsvalveError('USAGE', `${record.id}: is open until ${until} anyway; ${advice}`);
  }
  const end = endAfter(durationMs, now);
  const after = { ...record, end, renewals: record.renewals + 1 };
  const note = `open until ${when(end.untilMs)}`;
  return step(record, after, { act: 'extend', by, now, note });
}

/** The end that time brings; null where it has not come. */
export function expire(record: ExceptionRecord, now: Moment): ExceptionStep | null {
  const note = overNote(record, now);
  return note === null ? null : expired(record, now, note);
}

/** A worker saw its end, by a clock that was set back since. Null where it is over anyway. */
export function expireAsSeen(record: ExceptionRecord, now: Moment): ExceptionStep | null {
  const note = 'its time was over by a clock that was set back since';
  return isStanding(record) ? expired(record, now, note) : null;
}

function expired(record: ExceptionRecord, now: Moment, note: string): ExceptionStep {
  return step(record, ended(record, 'expired', now), { act: 'expire', by: null, now, note });
}

function overNote(record: ExceptionRecord, now: Moment): string | null {
  const { state, end, approver, approveByMs } = record;
  if (state === 'requested') return now.wallMs < approveByMs ? null : 'nobody answered in time';
  if (!isStanding(record) || end === null || leftOfOpening(end, now) > 0) return null;
  if (isCutShort(end, record.durationMs, now)) {
    return 'its time is over by the wall clock, which was set forward since it was opened';
  }
  if (approver !== null) return 'its time is over';
  return end.untilMs < approveByMs
    ? 'its time is over, and nobody approved it'
    : 'nobody approved it in time';
}

/** ms until `expire` has something to do; null where it never will. */
export function untilExpiry(record: ExceptionRecord, now: Moment): number | null {
  if (record.state === 'requested') return record.approveByMs - now.wallMs;
  if (!isStanding(record) || record.end === null) return null;
  return leftOfOpening(record.end, now);
}

function ended(record: ExceptionRecord, state: ExceptionState, now: Moment): ExceptionRecord {
  return { ...record, state, endedMs: now.wallMs };
}

function refuseLapsed(record: ExceptionRecord, now: Moment): void {
  if (now.wallMs >= record.approveByMs) throw refusal({ ...record, state: 'expired' }, 'approved');
}

/** What somebody who comes too late is told. */
function refusal(record: ExceptionRecord, what: string): DnsvalveError {
  const { id, state, approver, approvedMs, endedMs } = record;
  const isApproved = isStanding(record) && approver !== null;
  const how = isApproved ? `approved by ${approver} at ${when(approvedMs ?? 0)}` : state;
  const at = endedMs === null ? '' : ` since ${when(endedMs)}`;
  return new DnsvalveError('USAGE', `${id}: cannot be ${what}: it is ${how}${at}`);
}

interface Act {
  readonly act: string;
  /** Null for what time or the machine brought about. */
  readonly by: Who | null;
  readonly now: Moment;
  readonly note?: string;
}

function step(
  before: ExceptionRecord | null,
  record: ExceptionRecord,
  { act, by, now, note = '' }: Act,
): ExceptionStep {
  const from = before?.state ?? null;
  const actor = by?.name ?? 'dnsvalve';
  const subject = record.id;
  const transition = { subject, atMs: now.wallMs, act, from, to: record.state, actor, note };
  return { before, record, transition };
}

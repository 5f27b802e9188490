/**
 * Records as JSON documents: what commands print and the audit log keeps. Field names are stable.
 */

import { typeToText } from '../wire/text.ts';
import type { ExceptionRecord, QuarantineRecord, Transition } from './records.ts';

export function exceptionDocument(record: ExceptionRecord) {
  return {
    id: record.id,
    state: record.state,
    workload: record.workload,
    pattern: record.pattern,
    types: record.types?.map(typeToText) ?? null,
    overrides_feeds: record.overridesFeeds,
    reason: record.reason,
    ticket: record.ticket,
    requester: record.requester,
    requested: timeText(record.requestedMs),
    approver: record.approver,
    approved: timeText(record.approvedMs),
    approve_by: timeText(record.approveByMs),
    break_glass: record.isBreakGlass,
    duration_seconds: record.durationMs / 1000,
    start: timeText(record.startMs),
    until: timeText(record.end?.untilMs ?? null),
    ended: timeText(record.endedMs),
    renewals: record.renewals,
    queries: record.queries,
    first_use: timeText(record.firstUseMs),
    last_use: timeText(record.lastUseMs),
  };
}

export type ExceptionDocument = ReturnType<typeof exceptionDocument>;

export function quarantineDocument(record: QuarantineRecord) {
  return {
    id: record.id,
    state: record.state,
    workload: record.workload,
    domain: record.pattern,
    lifelines: record.lifelines,
    reason: record.reason,
    ordered_by: record.orderedBy,
    since: timeText(record.sinceMs),
    until: timeText(record.end?.untilMs ?? null),
    ended: timeText(record.endedMs),
    released_by: record.releasedBy,
    evidence: record.evidence,
    evidence_sha256: record.evidenceSha256,
  };
}

export type QuarantineDocument = ReturnType<typeof quarantineDocument>;

export function transitionDocument({ atMs, act, from, to, actor, note }: Transition) {
  return { time: timeText(atMs), act, from, to, actor, note };
}

function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

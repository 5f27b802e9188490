/** Records as rows of the store and back. The one place that knows both. */

import {
  type End,
  type ExceptionRecord,
  exceptionId,
  type QuarantineRecord,
  quarantineId,
  type Transition,
} from './records.ts';

/** A value as SQLite has it. */
export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell>>;

/** Columns of a record's end, all NULL where it has none. */
function endCells(end: End | null): Row {
  return {
    until_ms: end?.untilMs ?? null,
    left_ms: end?.leftMs ?? null,
    boot_id: end?.bootId ?? null,
    boot_end_ms: end?.bootEndMs ?? null,
  };
}

function endOf(row: Row): End | null {
  if (row['until_ms'] === null) return null;
  return {
    untilMs: Number(row['until_ms']),
    leftMs: Number(row['left_ms']),
    bootId: String(row['boot_id']),
    bootEndMs: Number(row['boot_end_ms']),
  };
}

export function exceptionRow(record: ExceptionRecord): Row {
  return {
    number: record.number,
    state: record.state,
    workload: record.workload,
    pattern: record.pattern,
    types: record.types === null ? null : JSON.stringify(record.types),
    overrides_feeds: record.overridesFeeds ? 1 : 0,
    reason: record.reason,
    ticket: record.ticket,
    requester: record.requester,
    requester_uid: record.requesterUid,
    requested_ms: record.requestedMs,
    duration_ms: record.durationMs,
    is_break_glass: record.isBreakGlass ? 1 : 0,
    approver: record.approver,
    approver_uid: record.approverUid,
    approved_ms: record.approvedMs,
    approve_by_ms: record.approveByMs,
    start_ms: record.startMs,
    ...endCells(record.end),
    ended_ms: record.endedMs,
    renewals: record.renewals,
    queries: record.queries,
    first_use_ms: record.firstUseMs,
    last_use_ms: record.lastUseMs,
  };
}

export function exceptionOf(row: Row): ExceptionRecord {
  const types = textOf(row['types']);
  return {
    id: exceptionId(Number(row['number'])),
    number: Number(row['number']),
    state: String(row['state']) as ExceptionRecord['state'],
    workload: String(row['workload']),
    pattern: String(row['pattern']),
    types: types === null ? null : (JSON.parse(types) as number[]),
    overridesFeeds: row['overrides_feeds'] === 1,
    reason: String(row['reason']),
    ticket: textOf(row['ticket']),
    requester: String(row['requester']),
    requesterUid: Number(row['requester_uid']),
    requestedMs: Number(row['requested_ms']),
    durationMs: Number(row['duration_ms']),
    isBreakGlass: row['is_break_glass'] === 1,
    approver: textOf(row['approver']),
    approverUid: numberOf(row['approver_uid']),
    approvedMs: numberOf(row['approved_ms']),
    approveByMs: Number(row['approve_by_ms']),
    startMs: numberOf(row['start_ms']),
    end: endOf(row),
    endedMs: numberOf(row['ended_ms']),
    renewals: Number(row['renewals']),
    queries: Number(row['queries']),
    firstUseMs: numberOf(row['first_use_ms']),
    lastUseMs: numberOf(row['last_use_ms']),
  };
}

export function quarantineRow(record: QuarantineRecord): Row {
  return {
    number: record.number,
    state: record.state,
    workload: record.workload,
    pattern: record.pattern,
    lifelines: JSON.stringify(record.lifelines),
    reason: record.reason,
    ordered_by: record.orderedBy,
    since_ms: record.sinceMs,
    ...endCells(record.end),
    ended_ms: record.endedMs,
    released_by: record.releasedBy,
    evidence: record.evidence,
    evidence_sha256: record.evidenceSha256,
  };
}

export function quarantineOf(row: Row): QuarantineRecord {
  return {
    id: quarantineId(Number(row['number'])),
    number: Number(row['number']),
    state: String(row['state']) as QuarantineRecord['state'],
    workload: textOf(row['workload']),
    pattern: textOf(row['pattern']),
    lifelines: JSON.parse(String(row['lifelines'])) as string[],
    reason: textOf(row['reason']),
    orderedBy: String(row['ordered_by']),
    sinceMs: Number(row['since_ms']),
    end: endOf(row),
    endedMs: numberOf(row['ended_ms']),
    releasedBy: textOf(row['released_by']),
    evidence: textOf(row['evidence']),
    evidenceSha256: textOf(row['evidence_sha256']),
  };
}

export function transitionRow(step: Transition): Row {
  const { subject, atMs, act, from, to, actor, note } = step;
  return { subject, at_ms: atMs, act, from_state: from, to_state: to, actor, note };
}

export function transitionOf(row: Row): Transition {
  return {
    subject: String(row['subject']),
    atMs: Number(row['at_ms']),
    act: String(row['act']),
    from: textOf(row['from_state']),
    to: String(row['to_state']),
    actor: String(row['actor']),
    note: String(row['note']),
  };
}

function textOf(cell: Cell | undefined): string | null {
  return cell === null || cell === undefined ? null : String(cell);
}

function numberOf(cell: Cell | undefined): number | null {
  return cell === null || cell === undefined ? null : Number(cell);
}

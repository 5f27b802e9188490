/**
 * One (workload, domain) row as table cells and as JSON: shared by `history`, `who`, `first-seen`.
 */

import type { NameRow, PairRow } from '../history/rows.ts';
import { jsonTime } from './time.ts';

/** Fields of the JSON documents; names and meanings are stable within a document version. */
export function pairDocument(row: PairRow): Record<string, unknown> {
  return {
    workload: row.workload,
    domain: row.domain,
    name: row.name,
    first_seen: jsonTime(row.firstMs),
    last_seen: jsonTime(row.lastMs),
    queries: row.queries,
    allowed: row.allowed,
    denied: row.denied,
    would_deny: row.wouldDeny,
    failed: row.failed,
    cached: row.cached,
    names: row.names,
    folded: row.folded,
    first_source: emptyToNull(row.firstSource),
    first_type: emptyToNull(row.firstType),
    first_verdict: row.firstVerdict,
    first_name: emptyToNull(row.firstName),
    answers: row.answers,
    policy_revision: row.revision,
    policy_loaded: row.policyMs === null ? null : jsonTime(row.policyMs),
    rule: emptyToNull(row.rule),
  };
}

export function nameDocument(row: NameRow): Record<string, unknown> {
  return {
    name: row.name,
    first_seen: jsonTime(row.firstMs),
    last_seen: jsonTime(row.lastMs),
    queries: row.queries,
    allowed: row.allowed,
    denied: row.denied,
    would_deny: row.wouldDeny,
    failed: row.failed,
  };
}

function emptyToNull(text: string): string | null {
  return text === '' ? null : text;
}

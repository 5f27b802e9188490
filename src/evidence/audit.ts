/**
 * Records of the audit log for a bundle: those of the window, and from the last before it that
 * brought a policy into force, so that the policy of its first moment is known. Chained as they
 * are, so that a bundle's part can be compared with the log.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AUDIT_FILE } from '../audit/log.ts';
import type { AuditRecord } from '../audit/record.ts';
import { checkAudit } from '../audit/verify.ts';
import type { Window } from './alerts.ts';

export function auditRows(stateDirectory: string, { sinceMs, untilMs }: Window): AuditRecord[] {
  const path = join(stateDirectory, AUDIT_FILE);
  if (!existsSync(path)) return [];
  let rows: AuditRecord[] = [];
  const onRecord = (record: AuditRecord): void => {
    const ms = Date.parse(record.time);
    if (ms > untilMs) return;
    if (ms < sinceMs && bringsPolicy(record)) rows = [];
    rows.push(record);
  };
  checkAudit(path, { digest: null, onRecord });
  return rows;
}

/** The policy in force at the end of the rows; null where they do not say. */
export function lastPolicy(rows: readonly AuditRecord[]): object | null {
  const last = rows.findLast(bringsPolicy);
  return last === undefined ? null : { ...(last.details['after'] as object), since: last.time };
}

function bringsPolicy({ details }: AuditRecord): boolean {
  const { after } = details;
  return typeof after === 'object' && after !== null && 'configuration' in after;
}

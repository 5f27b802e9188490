/**
 * Which policy was in force when, as the audit log tells it: every start and reload names the
 * digest of the configuration that it brought.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AUDIT_FILE } from '../audit/log.ts';
import type { AuditRecord } from '../audit/record.ts';
import { checkAudit } from '../audit/verify.ts';

/** A policy for as long as it was in force without another in between. */
export interface Reign {
  readonly digest: string;
  readonly revision: number;
  readonly sinceMs: number;
  /** The act that brought it. */
  readonly seq: number;
}

export interface Timeline {
  /** Oldest first. */
  readonly reigns: readonly Reign[];
  readonly records: readonly AuditRecord[];
  /** When the last resolver stopped; null where one runs, or ended without a word. */
  readonly stoppedMs: number | null;
  /** Whether the log is as it was written. */
  readonly isWhole: boolean;
}

/** @throws what reading the files throws */
export function readTimeline(stateDirectory: string): Timeline {
  const path = join(stateDirectory, AUDIT_FILE);
  const records: AuditRecord[] = [];
  if (!existsSync(path)) return { reigns: [], records, stoppedMs: null, isWhole: true };
  const onRecord = (record: AuditRecord): void => {
    records.push(record);
  };
  const { findings } = checkAudit(path, { digest: null, onRecord });
  const last = records.at(-1);
  return {
    reigns: reignsOf(records),
    records,
    stoppedMs: last?.act === 'stop' ? Date.parse(last.time) : null,
    isWhole: findings.length === 0,
  };
}

function reignsOf(records: readonly AuditRecord[]): Reign[] {
  const reigns: Reign[] = [];
  for (const { details, time, seq } of records) {
    const after = details['after'] as { configuration?: unknown; revision?: unknown } | null;
    const digest = after?.configuration;
    if (typeof digest !== 'string' || digest === reigns.at(-1)?.digest) continue;
    reigns.push({ digest, revision: Number(after?.revision), sinceMs: Date.parse(time), seq });
  }
  return reigns;
}

/** The policy in force at a moment; undefined before the first. */
export function reignAt({ reigns }: Timeline, ms: number): Reign | undefined {
  return reigns.findLast(({ sinceMs }) => sinceMs <= ms);
}

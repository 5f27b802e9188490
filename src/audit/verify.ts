/** Reading the audit log, and finding out whether it is whole. Needs no daemon. */

import { existsSync, readFileSync } from 'node:fs';
import { octetLines } from '../octet-lines.ts';
import { unseal } from '../seal.ts';
import { headPath, parseHead } from './head.ts';
import { type AuditRecord, auditRecord, GENESIS, type Link } from './record.ts';

export interface AuditReport {
  /** Records whose own octets are intact. */
  readonly records: number;
  /** Digest of the last record; worth keeping where nobody can write. */
  readonly last: Link | null;
  /** What is wrong, in the order of the file; empty for a log that is whole. */
  readonly findings: readonly string[];
  /** What the writer said about the log that is no damage. */
  readonly notes: readonly string[];
}

export interface AuditCheck {
  /** Digest of a record that was noted elsewhere and must be there; null for none. */
  readonly digest: string | null;
  /** Gets every intact record, in the order of the file. */
  readonly onRecord?: (record: AuditRecord) => void;
}

const NONE: Link = { seq: 0, sha256: GENESIS };

/** Reads all of the log. @throws what opening and reading the files throws */
export function checkAudit(path: string, { digest, onRecord }: AuditCheck): AuditReport {
  const findings: string[] = [];
  const notes: string[] = [];
  const head = headOf(path, digest, findings);
  let link = NONE;
  let records = 0;
  let isHeadFound = head === null || head.seq === 0;
  let isDigestFound = digest === null;
  for (const { octets, number, isWhole } of octetLines(path)) {
    const unsealed = isWhole ? unseal(octets) : null;
    const record = unsealed === null ? null : auditRecord(unsealed);
    if (record === null || unsealed?.isIntact !== true) {
      findings.push(`line ${number}: ${wrong(isWhole, record !== null)}`);
    } else {
      records++;
      onRecord?.(record);
      remark(record, { findings, notes });
      isHeadFound ||= record.seq === head?.seq && record.sha256 === head.sha256;
      isDigestFound ||= record.sha256 === digest;
    }
    if (record === null) continue;
    if (record.seq !== link.seq + 1 || record.previous !== link.sha256) {
      findings.push(`line ${number}: does not follow the record before it`);
    }
    link = record;
  }
  if (!isHeadFound) findings.push(`record ${head?.seq}, which the head names, is not in the log`);
  if (!isDigestFound) findings.push(`no record has the digest ${digest}`);
  if (records === 0) findings.push('no record is intact');
  const last = link.seq === 0 ? null : { seq: link.seq, sha256: link.sha256 };
  return { records, last, findings, notes };
}

function wrong(isWhole: boolean, isRecord: boolean): string {
  if (!isWhole) return 'is cut off';
  return isRecord ? 'is not as it was written' : 'is no record';
}

/** What the writer itself found. */
function remark(record: AuditRecord, to: { findings: string[]; notes: string[] }): void {
  const { seq, act, details } = record;
  if (act === 'gap') to.findings.push(`record ${seq}: the writer found records missing or changed`);
  if (act === 'mended') to.notes.push(`record ${seq}: an end that was cut off was removed`);
  if (act === 'lost') {
    to.findings.push(`record ${seq}: ${String(details['records'])} acts could not be written`);
  }
}

/** The head beside the log. Without it, and without a digest, a cut end would not be noticed. */
function headOf(path: string, digest: string | null, findings: string[]): Link | null {
  const beside = headPath(path);
  if (!existsSync(beside)) {
    if (digest === null) findings.push(`no head beside it (${beside}): its end may be missing`);
    return null;
  }
  const head = parseHead(readFileSync(beside, 'latin1'));
  if (head === null) findings.push(`the head (${beside}) is damaged`);
  return head;
}

/** What the files of a valve hold after a kill, read by the program's own readers. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { checkAudit } from '../../src/audit/verify.ts';
import { problemsOf } from '../../src/history/care.ts';
import { HistoryQueries } from '../../src/history/queries.ts';
import { openForReading } from '../../src/history/reader.ts';
import { exceptionDocument, quarantineDocument } from '../../src/overrides/document.ts';
import { overridesPath, readOverrides } from '../../src/overrides/read.ts';
import { until } from '../support/until.ts';
import type { Acknowledged } from './acts.ts';
import type { Document } from './subject.ts';

/** A log that is being written may be looked at between a record and its head. */
const AUDIT_MS = 3000;

/** What SQLite finds wrong. */
export function brokenFiles(historyPath: string, stateDirectory: string): string[] {
  const paths = [historyPath, overridesPath(stateDirectory)].filter(existsSync);
  return paths.flatMap((path) => {
    const db = new Database(path, { readonly: true });
    try {
      return problemsOf(db).map((problem) => `${path}: ${problem}`);
    } finally {
      db.close();
    }
  });
}

/** Which of these registrable domains, first asked for since then, the history does not have. */
export function missingDomains(
  historyPath: string,
  domains: readonly string[],
  sinceMs: number,
): string[] {
  if (domains.length === 0) return [];
  const db = openForReading(historyPath);
  try {
    const all = { workload: null, sinceMs, limit: -1 };
    const found = new Set(new HistoryQueries(db).firstSeen(all).map(({ domain }) => domain));
    return domains.filter((domain) => !found.has(domain));
  } finally {
    db.close();
  }
}

/** Exceptions and quarantines by the name that the campaign asks for. */
export function storedSubjects(stateDirectory: string, nowMs: number): Map<string, Document> {
  const { exceptions, quarantines } = readOverrides(overridesPath(stateDirectory), nowMs);
  const found = new Map<string, Document>();
  for (const one of exceptions) found.set(one.pattern, exceptionDocument(one));
  for (const one of quarantines) {
    found.set(`www${one.pattern}`, quarantineDocument(one));
  }
  return found;
}

/** Whether the audit log is whole and has every act that a command returned for. */
export async function missingActs(
  stateDirectory: string,
  acknowledged: readonly Acknowledged[],
): Promise<string[]> {
  const path = join(stateDirectory, 'audit.jsonl');
  const done = new Set<string>();
  let findings: readonly string[] = [];
  await until(
    'the audit log is whole',
    () => {
      done.clear();
      const report = checkAudit(path, {
        digest: null,
        onRecord: ({ act, details }) => {
          if (details['refused'] === null) done.add(`${act} ${String(details['id'])}`);
        },
      });
      findings = report.findings;
      return findings.length === 0 ? true : null;
    },
    AUDIT_MS,
  ).catch(() => {});
  const missing = acknowledged.filter(({ act, id }) => !done.has(`${act} ${id}`));
  return [
    ...findings.map((one) => `audit: ${one}`),
    ...missing.map(({ act, id }) => `audit: ${act} ${id} is not in the log`),
  ];
}

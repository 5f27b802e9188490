/**
 * What every report is made from: the policy, the use of its rules, the exceptions; gathered once,
 * with what a reader must know about each.
 */

import { existsSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { formatTime, type Zone } from '../cli/time.ts';
import { shownPath } from '../config/source.ts';
import { DnsvalveError } from '../errors.ts';
import { openForReading } from '../history/reader.ts';
import { overridesPath, readOverrides } from '../overrides/read.ts';
import type { ExceptionRecord, QuarantineRecord } from '../overrides/records.ts';
import { EVERYONE, UNMAPPED } from './grants.ts';
import { findPlaces, type Places, type Subject, subjectOf } from './in-force.ts';
import type { Report } from './report.ts';
import { NO_USE, readUses, type UseReading } from './use.ts';
import { counted } from './words.ts';

export interface Asked {
  readonly configPath: string;
  /** Null for the one of the configuration. */
  readonly dbPath: string | null;
  readonly isFiles: boolean;
  readonly workload: string | null;
  /** 0 for all. */
  readonly limit: number;
  readonly nowMs: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly zone: Zone;
  /** Domains of a workload in `report flows`; 0 for all. */
  readonly top: number;
}

export interface Material {
  readonly asked: Asked;
  readonly places: Places;
  readonly subject: Subject;
  /** Null where there is no history. */
  readonly db: Database.Database | null;
  readonly use: UseReading;
  readonly exceptions: readonly ExceptionRecord[];
  readonly quarantines: readonly QuarantineRecord[];
  readonly facts: Report<unknown>['facts'];
  readonly notes: readonly string[];
}

export type ReportPlan<Row> = (material: Material) => Report<Row>;

/** @throws DnsvalveError CONFIG, DATABASE, or USAGE for a workload that is not in the policy */
export function reportOf<Row>(asked: Asked, plan: ReportPlan<Row>): Report<Row> {
  return withMaterial(asked, (material) => limited(plan(material), asked.limit));
}

/** @throws as `reportOf` */
export function withMaterial<T>(asked: Asked, body: (material: Material) => T): T {
  const places = findPlaces(asked.configPath);
  const subject = subjectOf(asked.configPath, places, asked.isFiles);
  refuseUnknown(asked.workload, subject);
  const path = asked.dbPath ?? places.historyPath;
  const db = existsSync(path) ? openForReading(path) : null;
  try {
    const use = db === null ? NO_USE : readUses(db);
    const { exceptions, quarantines } = readOverrides(
      overridesPath(places.stateDirectory),
      asked.nowMs,
    );
    const held = quarantines.filter(({ state }) => state === 'active');
    const notes = [...subject.notes];
    if (db === null) notes.push(`no history at ${path}: what is used is not known`);
    if (held.length > 0) {
      notes.push(`${counted(held.length, 'quarantine')} in force: they close what is listed here`);
    }
    const facts = factsOf(subject, use, asked.zone);
    const material = { asked, places, subject, db, use, exceptions, quarantines: held };
    return body({ ...material, facts, notes });
  } finally {
    db?.close();
  }
}

function refuseUnknown(workload: string | null, { policy }: Subject): void {
  if (workload === null || workload === EVERYONE || workload === UNMAPPED) return;
  if (policy.workloads.some(({ name }) => name === workload)) return;
  throw new DnsvalveError('USAGE', `workload "${workload}": not in the policy`);
}

function factsOf(
  { policy, reign }: Subject,
  use: UseReading,
  zone: Zone,
): (readonly [string, string])[] {
  const [main = ''] = policy.files;
  const from =
    reign === null
      ? (['policy', `of the files, ${shownPath(main)}`] as const)
      : (['policy in force since', formatTime(reign.sinceMs, zone)] as const);
  const known = use.sinceMs === null ? 'not yet' : formatTime(use.sinceMs, zone);
  return [
    from,
    ['policy digest', policy.digest.slice(0, 16)],
    ['workloads', String(policy.workloads.length)],
    ['use of rules known since', known],
  ];
}

/** A report that was cut off says so wherever it is read. */
function limited<Row>(report: Report<Row>, limit: number): Report<Row> {
  const { rows, notes } = report;
  if (limit === 0 || rows.length <= limit) return report;
  const note = `cut off: the first ${limit} of ${counted(rows.length, 'row')}`;
  return { ...report, rows: rows.slice(0, limit), notes: [...notes, note] };
}

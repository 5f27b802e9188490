/**
 * Drift: where the files and what happens part, both ways. The history says what was asked for, the
 * engine says by which rule it is let through, the store of exceptions what was opened by hand, and
 * the running resolver which configuration it has.
 */

import type Database from 'better-sqlite3';
import type { CompiledPolicy } from '../backtest/policy-files.ts';
import { HistoryQueries } from '../history/queries.ts';
import { Seen } from '../learn/seen.ts';
import type { ExceptionRecord } from '../overrides/records.ts';
import { FINDING_KINDS, type Finding, type FindingKind } from './finding.ts';
import { habitFindings } from './habits.ts';
import { type LivePolicy, liveFindings } from './live.ts';
import { undeclaredFindings } from './open-names.ts';
import { Unused } from './unused.ts';
import { Usage } from './usage.ts';

export interface DriftOptions {
  readonly sinceMs: number;
  readonly nowMs: number;
  /** Only this workload; null for all. */
  readonly workload: string | null;
  readonly kinds: readonly FindingKind[];
}

/** What is known beside the history; null where nobody could be asked. */
export interface Around {
  readonly exceptions: readonly ExceptionRecord[];
  readonly live: LivePolicy | null;
}

/** @returns findings, in the order of FINDING_KINDS and within one in that of the files */
export function findDrift(
  policy: CompiledPolicy,
  db: Database.Database,
  options: DriftOptions,
  around: Around,
): Finding[] {
  const { config } = policy;
  const { sinceMs, nowMs, workload } = options;
  const usage = new Usage(policy);
  const detailFromMs = nowMs - config.history.retentionMs;
  usage.read(new Seen(db), { sinceMs, detailFromMs }, workload);
  const all = [
    ...(around.live === null ? [] : liveFindings(config, around.live)),
    ...undeclaredFindings(config, usage),
    ...new Unused(config, usage, { sinceMs, firstMs: firstHeard(db) }, workload).findings(),
    ...habitFindings(around.exceptions, { sinceMs, nowMs }),
  ];
  return options.kinds.flatMap((kind) =>
    all.filter((one) => one.kind === kind && concerns(one, workload)),
  );
}

export function kindsOf(asked: readonly string[] | undefined): readonly FindingKind[] {
  return FINDING_KINDS.filter((kind) => asked === undefined || asked.includes(kind));
}

/** Of what is nobody's alone, only what concerns everybody is found where one is asked for. */
function concerns({ workload }: Finding, only: string | null): boolean {
  return only === null || workload === '' || workload === only;
}

function firstHeard(db: Database.Database): ReadonlyMap<string, number> {
  const all = { workload: null, sinceMs: 0, limit: -1 };
  const rows = new HistoryQueries(db).workloads(all);
  return new Map(rows.map(({ workload, firstMs }) => [workload, firstMs]));
}

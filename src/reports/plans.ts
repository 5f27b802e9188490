/** The reports, each from the material that plan.ts gathers. */

import type Database from 'better-sqlite3';
import { formatTime } from '../cli/time.ts';
import { shownPath } from '../config/source.ts';
import { HistoryQueries } from '../history/queries.ts';
import { Seen } from '../learn/seen.ts';
import {
  type ChangeRow,
  changesReport,
  rowOfAct,
  rowOfPolicy,
  rowsOfException,
} from './changes.ts';
import { type Flow, type Flows, flowsReport, readFlows } from './flows.ts';
import { EVERYONE, type Grant, grantsOf } from './grants.ts';
import { flowMap } from './html/flow-map.ts';
import { type LeastRow, leastOf, leastReport, seenOf } from './least.ts';
import { type OpenContext, openReport } from './open.ts';
import { patchesOf, type RuleEdit } from './patches.ts';
import type { Material, ReportPlan } from './plan.ts';
import { type Policy, ruleName } from './policy.ts';
import { policyChanges } from './policy-changes.ts';
import type { Patch, Report } from './report.ts';
import { reignAt } from './timeline.ts';
import { isUnused, unusedReport } from './unused.ts';

/** New destinations of a window that are counted one by one. */
const FIRST_MAX = 100_000;

function allGrants({ subject, use, exceptions, asked }: Material): Grant[] {
  const { policy } = subject;
  return grantsOf({ policy, use, exceptions, workload: asked.workload, shownFile: shownPath });
}

function openContext({ asked, use, facts, notes }: Material): OpenContext {
  return { nowMs: asked.nowMs, idleMs: asked.nowMs - asked.sinceMs, use, facts, notes };
}

export const openPlan: ReportPlan<Grant> = (material) => {
  return openReport(allGrants(material), openContext(material));
};

export const unusedPlan: ReportPlan<Grant> = (material) => {
  const { asked, use } = material;
  const context = openContext(material);
  const rows = allGrants(material).filter((grant) => isUnused(grant, context));
  const isYoung = youngOf(material);
  return unusedReport(rows, {
    ...context,
    isYoung,
    watchedHours: use.watchedHours(asked.sinceMs, asked.nowMs),
    patches: patchesOf(unusedEdits(rows, isYoung, material), {
      policy: material.subject.policy,
      shownFile: shownPath,
    }),
  });
};

/** Rules that were not in force at the begin of the window: they had no chance yet. */
function youngOf({ places, asked, subject }: Material): (grant: Grant) => boolean {
  const { timeline, kept } = places;
  const reign = reignAt(timeline, asked.sinceMs) ?? timeline.reigns.at(0);
  const old = reign === undefined ? null : kept.read(reign.digest);
  if (old === null || old.digest === subject.policy.digest) return () => false;
  const known = new Set(
    grantsOf({ policy: old, use: NO_USES, exceptions: [], workload: null, shownFile: (f) => f })
      .filter(({ rule }) => rule !== null)
      .map((grant) => keyOf(grant)),
  );
  return (grant) => grant.rule !== null && !known.has(keyOf(grant));
}

const NO_USES = { uses: new Map(), sinceMs: null, watchedHours: () => 0 };

function keyOf({ workload, by, rule }: Grant): string {
  return rule === null ? '' : `${workload} ${ruleName(by, rule)}`;
}

/** A rule of a bundle goes where none of its users uses it. */
function unusedEdits(
  rows: readonly Grant[],
  isYoung: (grant: Grant) => boolean,
  { subject, asked }: Material,
): Map<string, RuleEdit[]> {
  const users = usersOf(subject.policy);
  const counts = new Map<string, number>();
  const edits = new Map<string, RuleEdit[]>();
  for (const grant of rows) {
    const { rule, by, workload } = grant;
    if (rule === null || isYoung(grant)) continue;
    if (by.startsWith('bundle ')) {
      const key = ruleName(by, rule);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (counts.get(key) !== users.get(by) || asked.workload !== null) continue;
    }
    const whose = by === 'allow' ? workload : by === 'everyone.allow' ? EVERYONE : by;
    edits.set(whose, [...(edits.get(whose) ?? []), { rule, patterns: [] }]);
  }
  return edits;
}

/** How many workloads use each bundle, by the name of its list. */
function usersOf({ workloads }: Policy): ReadonlyMap<string, number> {
  const users = new Map<string, number>();
  for (const list of workloads.flatMap(({ use }) => [...new Set(use)])) {
    users.set(`bundle ${list}`, (users.get(`bundle ${list}`) ?? 0) + 1);
  }
  return users;
}

export const leastPlan: ReportPlan<LeastRow> = (material) => {
  const { asked, subject, db, facts } = material;
  const { policy } = subject;
  const rows = db === null ? [] : leastRows(material, db, openContext(material));
  const edits = new Map(rows.map(({ workload, edits: own }) => [workload, own]));
  const { patches, whole } = patchesOf(edits, { policy, shownFile: shownPath });
  const closed = rows
    .filter(({ can }) => can === 'lose all')
    .map(({ workload }): Patch => {
      const byHand = [`remove allow and use of ${workload}: it needs neither`];
      return { subject: workload, text: '', byHand };
    });
  return leastReport(rows, {
    windowMs: asked.nowMs - asked.sinceMs,
    facts,
    notes: [...material.notes, ...evidenceOf(material)],
    patches: { patches: [...closed, ...patches], whole },
    workloads: policy.workloads.length,
  });
};

function leastRows(material: Material, db: Database.Database, context: OpenContext): LeastRow[] {
  const { asked, subject } = material;
  const { internal } = subject.policy;
  const seen = new Seen(db);
  const isYoung = youngOf(material);
  const byWorkload = Map.groupBy(allGrants(material), ({ workload }) => workload);
  const rows: LeastRow[] = [];
  for (const { name } of subject.policy.workloads) {
    const grants = byWorkload.get(name) ?? [];
    if (grants.length === 0) continue;
    const row = leastOf({
      grants,
      isUnused: (grant) => isUnused(grant, context) && !isYoung(grant),
      seen: seenOf(seen.names(name, { sinceMs: asked.sinceMs }), grants, internal),
    });
    if (row !== null) rows.push(row);
  }
  // One heading for each kind.
  return rows.sort((a, b) => (a.can < b.can ? -1 : a.can > b.can ? 1 : 0));
}

function evidenceOf({ asked, use }: Material): string[] {
  const isShort = use.sinceMs === null || use.sinceMs > asked.sinceMs;
  return isShort ? ['uses are kept for less than the window: this is not evidence yet'] : [];
}

export const flowsPlan: ReportPlan<Flow> = (material) => {
  const { facts, notes } = material;
  const found = flowsOf(material);
  return flowsReport(found, { facts, notes, drawing: flowMap(found.flows) });
};

export function flowsOf({ asked, db, subject }: Material): Flows {
  if (db === null) return { flows: [], left: 0 };
  const owners = new Map(subject.policy.workloads.map(({ name, owner }) => [name, owner]));
  return readFlows(db, asked, owners);
}

export const changesPlan: ReportPlan<ChangeRow> = (material) => {
  const { asked, places, exceptions, db } = material;
  const { sinceMs, untilMs, workload, zone } = asked;
  const notes = [...material.notes];
  const rows = [
    ...policyRows(material, notes),
    ...exceptions.flatMap((one) => rowsOfException(one, asked)).sort((a, b) => at(a) - at(b)),
    ...places.timeline.records
      .map(rowOfAct)
      .filter((row) => at(row) >= sinceMs && at(row) < untilMs),
    ...(db === null ? [] : firstRows(db, asked)),
  ];
  const isAsked = ({ subject: whose }: ChangeRow): boolean =>
    workload === null || whose === workload;
  const facts: Report<ChangeRow>['facts'] = [
    ['from', formatTime(sinceMs, zone)],
    ['to', formatTime(untilMs, zone)],
    ...material.facts,
  ];
  return changesReport(rows.filter(isAsked), { facts, notes });
};

function at({ atMs }: ChangeRow): number {
  return atMs ?? 0;
}

function policyRows({ places, asked }: Material, notes: string[]): ChangeRow[] {
  const { timeline, kept } = places;
  const [before, after] = [reignAt(timeline, asked.sinceMs), reignAt(timeline, asked.untilMs)];
  if (after === undefined) return [];
  if (before === undefined) {
    notes.push('no policy was in force at the begin of the window: what it brought is not listed');
    return [];
  }
  if (before.digest === after.digest) return [];
  const [old, now] = [kept.read(before.digest), kept.read(after.digest)];
  if (old !== null && now !== null) return policyChanges(old, now).map(rowOfPolicy);
  notes.push('a policy of the window was not kept: what changed between them is not known');
  return [];
}

/** A row for each workload: how many domains, and the first of them. */
function firstRows(db: Database.Database, { sinceMs, untilMs }: Material['asked']): ChangeRow[] {
  const filter = { workload: null, sinceMs, untilMs, limit: FIRST_MAX };
  const byWorkload = Map.groupBy(new HistoryQueries(db).firstSeen(filter), (row) => row.workload);
  return [...byWorkload]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([workload, list]) => ({
      part: 'first seen',
      subject: workload,
      change: `${list.length} new`,
      what: list.length === 1 ? 'domain' : 'domains',
      before: '',
      after: list
        .slice(0, 3)
        .map(({ domain }) => domain)
        .join(', '),
      why: '',
      by: '',
      atMs: list[0]?.firstMs ?? null,
    }));
}

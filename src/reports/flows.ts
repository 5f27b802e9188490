/** `report flows`: which workload goes to which domains, how much, and how steadily. */

import type Database from 'better-sqlite3';
import { dayOf } from '../history/days.ts';
import { textOfReversed } from '../history/names.ts';
import type { Figure, Report, Tone } from './report.ts';
import { counted, DAY_MS, thousands } from './words.ts';

export type Rhythm = 'steady' | 'now and then' | 'new' | 'stopped';

export interface Flow {
  readonly workload: string;
  readonly owner: string | null;
  readonly domain: string;
  /** Since it was first asked for; how many of them in the window is not kept. */
  readonly queries: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly rhythm: Rhythm;
}

const NEW_MS = 7 * DAY_MS;
const STEADY_DAYS = 7;

// By the day of the last query, so that what ended before the window is not read.
const READ = `
SELECT p.workload_id, p.name_rev, p.first_ms, p.last_ms, p.allowed + p.failed
FROM pair p INDEXED BY pair_by_day
WHERE p.last_day >= ? AND p.last_ms >= ? AND p.first_ms < ? AND p.allowed + p.failed > 0`;
const READ_ONE = `${READ} AND p.workload_id = ?`;

type Row = readonly [workload: number, name: string, first: number, last: number, queries: number];

export interface FlowWindow {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly workload: string | null;
  /** Domains of a workload; 0 for all. */
  readonly top: number;
}

export interface Flows {
  readonly flows: readonly Flow[];
  /** Flows beyond `top`. */
  readonly left: number;
}

/** By workload, those with the most queries first. */
export function readFlows(
  db: Database.Database,
  window: FlowWindow,
  owners: ReadonlyMap<string, string | null>,
): Flows {
  const names = new Map(
    db.prepare<[], [number, string]>('SELECT id, name FROM workload').raw().all(),
  );
  const byWorkload = new Map<number, Row[]>();
  let left = 0;
  for (const row of rowsOf(db, window, names)) {
    const own = byWorkload.get(row[0]) ?? [];
    if (own.length === 0) byWorkload.set(row[0], own);
    own.push(row);
    if (window.top > 0 && own.length >= 4 * window.top + 64) left += cut(own, window.top);
  }
  const flows: Flow[] = [];
  const sorted = [...byWorkload].map(([id, own]) => [names.get(id) ?? '', own] as const);
  for (const [workload, own] of sorted.sort(([a], [b]) => (a < b ? -1 : 1))) {
    left += cut(own, window.top === 0 ? own.length : window.top);
    const owner = owners.get(workload) ?? null;
    for (const row of own) flows.push(flowOf(row, { workload, owner }, window));
  }
  return { flows, left };
}

function rowsOf(
  db: Database.Database,
  { sinceMs, untilMs, workload }: FlowWindow,
  names: ReadonlyMap<number, string>,
): Iterable<Row> {
  const bounds = [dayOf(sinceMs), sinceMs, untilMs] as const;
  if (workload === null)
    return db
      .prepare<unknown[], Row>(READ)
      .raw()
      .iterate(...bounds);
  const id = [...names].find(([, name]) => name === workload)?.[0] ?? -1;
  return db
    .prepare<unknown[], Row>(READ_ONE)
    .raw()
    .iterate(...bounds, id);
}

/** Keeps those with the most queries. @returns how many went */
function cut(rows: Row[], top: number): number {
  rows.sort((a, b) => b[4] - a[4] || (a[1] < b[1] ? -1 : 1));
  const gone = Math.max(0, rows.length - top);
  rows.length -= gone;
  return gone;
}

function flowOf(
  [, name, firstMs, lastMs, queries]: Row,
  whose: Pick<Flow, 'workload' | 'owner'>,
  { untilMs }: FlowWindow,
): Flow {
  const rhythm = rhythmOf({ firstMs, lastMs, queries }, untilMs);
  return { ...whose, domain: textOfReversed(name), queries, firstMs, lastMs, rhythm };
}

/** From the first and the last query and their number: what happened between is not kept. */
export function rhythmOf(
  { firstMs, lastMs, queries }: Pick<Flow, 'firstMs' | 'lastMs' | 'queries'>,
  nowMs: number,
): Rhythm {
  if (nowMs - lastMs > NEW_MS) return 'stopped';
  if (nowMs - firstMs < NEW_MS) return 'new';
  const days = Math.max(1, (lastMs - firstMs) / DAY_MS);
  return days >= STEADY_DAYS && queries / days >= 1 ? 'steady' : 'now and then';
}

export interface FlowsContext {
  readonly facts: Report<Flow>['facts'];
  readonly notes: readonly string[];
  readonly drawing: string;
}

export function flowsReport({ flows, left }: Flows, context: FlowsContext): Report<Flow> {
  const { facts, notes, drawing } = context;
  const rest = left === 0 ? [] : [`${counted(left, 'flow')} with fewer queries left out: --top 0`];
  return {
    command: 'report flows',
    title: 'Where traffic goes',
    question: 'The normal flows: which workload asks for which domains, how much and how steadily.',
    facts,
    figures: figuresOf(flows),
    notes: [...notes, ...rest],
    columns: [
      { title: 'workload', field: 'workload', look: 'name', of: (f) => f.workload, only: OFF_PAGE },
      { title: 'owner', field: 'owner', look: 'text', of: (f) => f.owner, only: OFF_PAGE },
      { title: 'domain', field: 'domain', look: 'name', of: (f) => f.domain },
      { title: 'queries', field: 'queries', look: 'number', of: (f) => f.queries },
      { title: 'first seen', field: 'first_seen', look: 'time', of: (f) => f.firstMs },
      { title: 'last seen', field: 'last_seen', look: 'time', of: (f) => f.lastMs },
      { title: 'rhythm', field: 'rhythm', look: 'state', of: (f) => f.rhythm, tone: toneOf },
    ],
    rows: flows,
    groupOf: ({ workload, owner }) => ({
      heading: workload,
      details: owner === null ? [] : [owner],
      isName: true,
    }),
    drawing,
    empty: 'Nothing was let through in the window.',
  };
}

const OFF_PAGE = ['table', 'data'] as const;

function toneOf({ rhythm }: Flow): Tone {
  if (rhythm === 'new') return 'warn';
  return rhythm === 'steady' ? 'good' : 'calm';
}

function figuresOf(flows: readonly Flow[]): Figure[] {
  const of = (rhythm: Rhythm): number => flows.filter((flow) => flow.rhythm === rhythm).length;
  const fresh = of('new');
  return [
    { label: 'workloads', value: thousands(new Set(flows.map((f) => f.workload)).size) },
    { label: 'domains', value: thousands(new Set(flows.map((f) => f.domain)).size) },
    { label: 'steady', value: thousands(of('steady')), detail: 'a query a day and more' },
    { label: 'new', value: thousands(fresh), detail: 'in 7 days', ...(fresh > 0 ? WARN : {}) },
    { label: 'stopped', value: thousands(of('stopped')), detail: 'for 7 days' },
  ];
}

const WARN = { tone: 'warn' } as const;

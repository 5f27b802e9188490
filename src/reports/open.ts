/** `report open`: who has what open, who approved it, when it closes, and whether it is used. */

import type { Grant } from './grants.ts';
import type { Group, Report, ReportColumn, Tone } from './report.ts';
import type { UseReading } from './use.ts';
import { counted, DAY_MS, share, span, thousands } from './words.ts';

/** What closes within this is about to. */
const SOON_MS = DAY_MS;

const DATA = ['data'] as const;
const OFF_PAGE = ['table', 'data'] as const;
const OFF_TABLE = ['page', 'data'] as const;

export interface OpenContext {
  readonly nowMs: number;
  /** Without use for this long, something counts as idle. */
  readonly idleMs: number;
  readonly use: UseReading;
  readonly facts: Report<Grant>['facts'];
  readonly notes: readonly string[];
}

/** How a grant stands, in two or three words, and how much that asks for attention. */
export function standing(grant: Grant, context: OpenContext): readonly [string, Tone] {
  const { nowMs, idleMs, use } = context;
  const { kind, expiresMs, lastUseMs } = grant;
  if (kind === 'everything') return ['every name', 'bad'];
  if (expiresMs !== null && expiresMs - nowMs < SOON_MS) {
    return [`closes in ${span(expiresMs - nowMs)}`, 'warn'];
  }
  if (lastUseMs === null) {
    const isKnown = kind === 'exception' || use.sinceMs !== null;
    return isKnown ? ['not used', 'warn'] : ['not known', 'calm'];
  }
  const idle = nowMs - lastUseMs;
  return idle > idleMs ? [`idle ${span(idle)}`, 'warn'] : ['in use', 'good'];
}

const WHOSE: readonly ReportColumn<Grant>[] = [
  { title: 'workload', field: 'workload', look: 'name', of: (g) => g.workload, only: OFF_PAGE },
  { title: 'owner', field: 'owner', look: 'text', of: (g) => g.owner, only: OFF_PAGE },
  { title: 'env', field: 'env', look: 'text', of: (g) => g.env, only: DATA },
  { title: 'mode', field: 'mode', look: 'text', of: (g) => g.mode, only: DATA },
];

const WHY: readonly ReportColumn<Grant>[] = [
  {
    title: 'reason',
    field: 'reason',
    look: 'prose',
    of: (g) => g.reason,
    below: (g) => g.ticket,
    only: OFF_TABLE,
  },
  { title: 'ticket', field: 'ticket', look: 'text', of: (g) => g.ticket, only: DATA },
  { title: 'requester', field: 'requester', look: 'text', of: (g) => g.requester, only: DATA },
  {
    title: 'approved by',
    field: 'approver',
    look: 'text',
    of: (g) => g.approver,
    below: (g) => (g.requester === '' ? null : `asked by ${g.requester}`),
  },
];

/** What a grant is, shared by the reports that are about grants. */
export const GRANT: readonly ReportColumn<Grant>[] = [
  ...WHOSE,
  {
    title: 'pattern',
    field: 'pattern',
    look: 'name',
    of: (g) => g.pattern,
    below: (g) => (g.types === '' ? null : `only ${g.types}`),
  },
  { title: 'types', field: 'types', look: 'text', of: (g) => g.types, only: OFF_PAGE },
  { title: 'opened by', field: 'by', look: 'text', of: (g) => g.by, below: (g) => g.place },
  { title: 'written at', field: 'place', look: 'place', of: (g) => g.place, only: OFF_PAGE },
  ...WHY,
];

function columnsOf(context: OpenContext): ReportColumn<Grant>[] {
  return [
    ...GRANT,
    { title: 'closes', field: 'expires', look: 'time', of: (g) => g.expiresMs },
    { title: 'first use', field: 'first_use', look: 'time', of: (g) => g.firstUseMs, only: DATA },
    { title: 'last use', field: 'last_use', look: 'time', of: (g) => g.lastUseMs },
    { title: 'queries', field: 'queries', look: 'number', of: (g) => g.queries },
    {
      title: 'state',
      field: 'state',
      look: 'state',
      of: (g) => standing(g, context)[0],
      tone: (g) => standing(g, context)[1],
    },
  ];
}

export function openReport(rows: readonly Grant[], context: OpenContext): Report<Grant> {
  return {
    command: 'report open',
    title: 'What is open',
    question:
      'Who may resolve what, who wrote or approved it, when it closes, and whether it is used.',
    facts: context.facts,
    figures: figuresOf(rows, context),
    notes: context.notes,
    columns: columnsOf(context),
    rows,
    groupOf,
    empty: 'Nothing is open.',
  };
}

function figuresOf(rows: readonly Grant[], context: OpenContext): Report<Grant>['figures'] {
  const counts = { good: 0, calm: 0, warn: 0, bad: 0 };
  let exceptions = 0;
  let unused = 0;
  for (const grant of rows) {
    const [, tone] = standing(grant, context);
    counts[tone] += 1;
    if (grant.kind === 'exception') exceptions += 1;
    if (tone === 'warn' && grant.kind === 'rule') unused += 1;
  }
  const workloads = new Set(rows.map(({ workload }) => workload)).size;
  const rules = rows.filter(({ kind }) => kind === 'rule').length;
  return [
    { label: 'workloads', value: thousands(workloads) },
    {
      label: 'rules',
      value: thousands(rules),
      detail: `${share(counts.good, rows.length)} in use`,
    },
    {
      label: 'not used',
      value: thousands(unused),
      detail: `in ${counted(Math.round(context.idleMs / DAY_MS), 'day')}`,
      tone: unused > 0 ? 'warn' : 'good',
    },
    { label: 'exceptions', value: thousands(exceptions), detail: 'in force' },
    {
      label: 'open to every name',
      value: thousands(counts.bad),
      detail: 'by mode or fail_open',
      tone: counts.bad > 0 ? 'bad' : 'good',
    },
  ];
}

export function groupOf({ workload, owner, env, mode }: Grant): Group {
  return {
    heading: workload,
    details: [owner, env, mode].filter((one) => one !== null),
    isName: true,
  };
}

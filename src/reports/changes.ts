/**
 * `report changes`: what is different between two moments: the policy, the exceptions, what people
 * did, and where traffic went for the first time.
 */

import type { Actor, AuditRecord } from '../audit/record.ts';
import type { ExceptionRecord } from '../overrides/records.ts';
import type { PolicyChange } from './policy-changes.ts';
import type { Figure, Report, Tone } from './report.ts';
import { counted, thousands } from './words.ts';

export interface ChangeRow {
  readonly part: 'policy' | 'exceptions' | 'acts' | 'first seen';
  readonly subject: string;
  readonly change: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
  readonly by: string;
  /** When; null for a difference between the two policies. */
  readonly atMs: number | null;
}

export interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const HEADINGS = {
  policy: 'Policy: the one at the end against the one at the begin',
  exceptions: 'Exceptions',
  acts: 'Acts of the audit log',
  'first seen': 'Where workloads went for the first time',
} as const;

export function rowOfPolicy(change: PolicyChange): ChangeRow {
  return { ...change, part: 'policy', by: '', atMs: null };
}

/** Beginnings and ends of exceptions in the window. */
export function rowsOfException(one: ExceptionRecord, { sinceMs, untilMs }: Window): ChangeRow[] {
  const { workload, pattern, reason, ticket, requester, approver } = one;
  const why = [ticket ?? '', reason].filter((text) => text !== '').join(' ');
  const row = { part: 'exceptions' as const, subject: workload, what: one.id, before: '', why };
  const isIn = (ms: number | null): ms is number => ms !== null && ms >= sinceMs && ms < untilMs;
  const rows: ChangeRow[] = [];
  if (isIn(one.requestedMs)) {
    const by = requester;
    rows.push({ ...row, change: 'requested', after: pattern, by, atMs: one.requestedMs });
  }
  if (isIn(one.startMs)) {
    const by = approver ?? 'nobody yet (break-glass)';
    rows.push({ ...row, change: 'opened', after: pattern, by, atMs: one.startMs });
  }
  if (isIn(one.endedMs)) {
    rows.push({ ...row, change: one.state, before: pattern, after: '', by: '', atMs: one.endedMs });
  }
  return rows;
}

export function rowOfAct({ act, by, details, time }: AuditRecord): ChangeRow {
  const refused = details['refused'];
  const isRefused = typeof refused === 'string';
  return {
    part: 'acts',
    subject: '',
    change: isRefused ? 'refused' : 'done',
    what: act,
    before: policyText(details['before']),
    after: policyText(details['after']),
    why: isRefused ? (refused.split('\n')[0] ?? '') : '',
    by: actorText(by),
    atMs: Date.parse(time),
  };
}

function policyText(value: unknown): string {
  const digest = (value as { configuration?: unknown } | null | undefined)?.configuration;
  return typeof digest === 'string' ? `policy ${digest.slice(0, 12)}` : '';
}

function actorText(by: Actor): string {
  if (by.via === 'signal') return by.signal;
  if (by.via === 'process') return 'the resolver';
  return by.uid === null ? 'control socket' : `uid ${by.uid}`;
}

export interface ChangesContext {
  readonly facts: Report<ChangeRow>['facts'];
  readonly notes: readonly string[];
}

export function changesReport(
  rows: readonly ChangeRow[],
  context: ChangesContext,
): Report<ChangeRow> {
  return {
    command: 'report changes',
    title: 'What changed',
    question:
      'The policy, the exceptions, the acts of people and the new destinations of a window.',
    facts: context.facts,
    figures: figuresOf(rows),
    notes: context.notes,
    columns: [
      { title: 'part', field: 'part', look: 'text', of: (r) => r.part, only: ['table', 'data'] },
      { title: 'whose', field: 'subject', look: 'name', of: (r) => r.subject },
      { title: 'what', field: 'what', look: 'text', of: (r) => r.what },
      { title: 'before', field: 'before', look: 'name', of: (r) => r.before },
      { title: 'after', field: 'after', look: 'name', of: (r) => r.after },
      { title: 'why', field: 'why', look: 'prose', of: (r) => r.why },
      { title: 'by', field: 'by', look: 'text', of: (r) => r.by },
      { title: 'when', field: 'at', look: 'time', of: (r) => r.atMs },
      { title: 'change', field: 'change', look: 'state', of: (r) => r.change, tone: toneOf },
    ],
    rows,
    groupOf: ({ part }) => ({ heading: HEADINGS[part], details: [] }),
    empty: 'Nothing changed.',
  };
}

function toneOf({ part, change, what, after }: ChangeRow): Tone {
  if (change === 'refused' || (what === 'mode' && after !== 'enforce')) return 'bad';
  if (change === 'opened' || change === 'added' || part === 'first seen') return 'warn';
  return change === 'closed' || change === 'expired' || change === 'revoked' ? 'good' : 'calm';
}

function figuresOf(rows: readonly ChangeRow[]): Figure[] {
  const policy = rows.filter(({ part }) => part === 'policy');
  const of = (change: string): number => policy.filter((row) => row.change === change).length;
  const acts = rows.filter(({ part }) => part === 'acts');
  const refused = acts.filter(({ change }) => change === 'refused').length;
  const first = rows.filter(({ part }) => part === 'first seen').length;
  return [
    { label: 'rules opened', value: thousands(of('opened')) },
    { label: 'rules closed', value: thousands(of('closed')) },
    { label: 'settings changed', value: thousands(of('changed')) },
    { label: 'acts', value: thousands(acts.length), detail: `${refused} refused` },
    { label: 'went somewhere new', value: thousands(first), detail: counted(first, 'workload') },
  ];
}

/** `report unused`: rules that nobody used in the window, each with the patch that removes it. */

import type { Grant } from './grants.ts';
import { GRANT, groupOf, type OpenContext, standing } from './open.ts';
import type { Patches } from './patches.ts';
import type { Figure, Report } from './report.ts';
import { counted, DAY_MS, share, thousands } from './words.ts';

export interface UnusedContext extends OpenContext {
  /** Of the window, when somebody was there to see. */
  readonly watchedHours: number;
  readonly patches: Patches;
  /** Rules that the policy of the begin of the window did not have; null where it is not known. */
  readonly isYoung: (grant: Grant) => boolean;
}

/** Whether a rule or an exception was not used in the window, as far as anybody can say. */
export function isUnused(grant: Grant, context: OpenContext): boolean {
  if (grant.kind === 'everything') return false;
  const [state] = standing({ ...grant, expiresMs: null }, context);
  return state === 'not used' || state.startsWith('idle');
}

export function unusedReport(rows: readonly Grant[], context: UnusedContext): Report<Grant> {
  return {
    command: 'report unused',
    title: 'What is open and not used',
    question: 'Rules that decided no query in the window: each is a way out that nobody needs.',
    facts: context.facts,
    figures: figuresOf(rows, context),
    notes: [...context.notes, ...seasonal(context)],
    columns: [
      ...GRANT,
      { title: 'last use', field: 'last_use', look: 'time', of: (g) => g.lastUseMs },
      { title: 'queries', field: 'queries', look: 'number', of: (g) => g.queries },
      {
        title: 'state',
        field: 'state',
        look: 'state',
        of: (g) => (context.isYoung(g) ? 'new' : standing({ ...g, expiresMs: null }, context)[0]),
        tone: (g) => (context.isYoung(g) ? 'calm' : 'warn'),
        below: (g) => (context.isYoung(g) ? 'younger than the window' : null),
      },
    ],
    rows,
    groupOf,
    ...context.patches,
    empty: 'Everything that is open was used.',
  };
}

function figuresOf(rows: readonly Grant[], context: UnusedContext): Figure[] {
  const never = rows.filter(({ lastUseMs }) => lastUseMs === null).length;
  const young = rows.filter((grant) => context.isYoung(grant)).length;
  const hours = Math.max(1, Math.round(context.idleMs / 3_600_000));
  return [
    { label: 'not used', value: thousands(rows.length), tone: rows.length > 0 ? 'warn' : 'good' },
    { label: 'never used', value: thousands(never), detail: 'since uses are kept' },
    { label: 'younger than the window', value: thousands(young), detail: 'not in the patches' },
    {
      label: 'of the window watched',
      value: share(Math.min(context.watchedHours, hours), hours),
      detail: `${counted(Math.round(context.idleMs / DAY_MS), 'day')} asked for`,
    },
  ];
}

/** What the evidence cannot tell. */
function seasonal({ idleMs, use, nowMs, watchedHours }: UnusedContext): string[] {
  const notes = ['what runs once a quarter or a year is not seen in a shorter window'];
  if (use.sinceMs === null || nowMs - use.sinceMs < idleMs) {
    notes.push('uses are kept for less than the window: "not used" is not evidence yet');
  } else if (watchedHours < (0.9 * idleMs) / 3_600_000) {
    notes.push(
      `a resolver was there to see in ${counted(watchedHours, 'hour')} of the window only`,
    );
  }
  return notes;
}

/**
 * Exceptions that became habits: the same opening for the same workload, again and again, or for
 * long. What is needed that often belongs into the policy, where it has an owner and no end.
 */

import type { ExceptionRecord } from '../overrides/records.ts';
import type { Finding } from './finding.ts';

/** Openings and extensions that make a habit. */
const HABIT_OPENINGS = 3;
/** Or so long in all. */
const HABIT_OPEN_MS = 30 * 86_400_000;

export function habitFindings(exceptions: readonly ExceptionRecord[], window: Window): Finding[] {
  const groups = new Map<string, ExceptionRecord[]>();
  for (const one of exceptions) {
    if (one.startMs === null || endMsOf(one) < window.sinceMs) continue;
    const key = `${one.workload} ${one.pattern}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()].flatMap((group) => habitOf(group, window));
}

interface Window {
  readonly sinceMs: number;
  readonly nowMs: number;
}

function habitOf(group: readonly ExceptionRecord[], { sinceMs, nowMs }: Window): Finding[] {
  const [first] = group;
  if (first === undefined) return [];
  const openings = group.reduce((sum, { renewals }) => sum + 1 + renewals, 0);
  const openMs = group.reduce((sum, one) => {
    const fromMs = Math.max(one.startMs ?? nowMs, sinceMs);
    return sum + Math.max(0, Math.min(endMsOf(one), nowMs) - fromMs);
  }, 0);
  const queries = group.reduce((sum, one) => sum + one.queries, 0);
  if (openings < HABIT_OPENINGS && openMs < HABIT_OPEN_MS) return [];
  const last = Math.max(0, ...group.map(({ lastUseMs }) => lastUseMs ?? 0));
  const hours = Math.round(openMs / 3_600_000);
  const ids = group.map(({ id }) => id).join(', ');
  const note = `opened or extended ${openings} times, ${hours} hours in the window: ${ids}`;
  return [
    {
      kind: 'habit',
      workload: first.workload,
      subject: first.pattern,
      at: null,
      queries,
      lastMs: last === 0 ? null : last,
      watchedMs: null,
      note: queries === 0 ? `${note}; never used` : note,
      remedy: null,
    },
  ];
}

/** When it ended, or will. */
function endMsOf({ endedMs, end }: ExceptionRecord): number {
  return endedMs ?? end?.untilMs ?? 0;
}

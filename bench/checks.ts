/** Whether what was meant to happen to the queries of a run did happen. */

import { RCODES, type Run } from './load.ts';
import type { ScenarioPlan } from './scenario.ts';

/** How far a share may be from what was meant. */
const TOLERANCE = 0.01;
const LOST_MAX = 0.005;

/** What a run moved beside what the generator saw. */
export interface Moved {
  /** Queries that the upstream had. */
  readonly upstream: number;
  /** By how much the valve's counters grew; none of another server. */
  readonly counters: Readonly<Record<string, number>> | null;
}

/** @returns what is wrong, in words; none when all is well */
export function checkRun(plan: ScenarioPlan, run: Run, moved: Moved, isFloor: boolean): string[] {
  const { completed, strange, wraps } = run.seen;
  const wrong: string[] = [];
  const expect = (what: string, count: number, share: number): void => {
    if (Math.abs(count / completed - share) <= TOLERANCE) return;
    wrong.push(`${what}: ${percent(count / completed)} and not ${percent(share)}`);
  };
  if (run.lostShare > LOST_MAX) wrong.push(`${percent(run.lostShare)} lost`);
  if (strange > run.seen.lost) wrong.push(`${strange} answers to nothing that was asked`);
  if (plan.freshRate > 0 && wraps > 0) wrong.push('the new names ran out');
  if (!isFloor) {
    for (const [at, rcode] of RCODES.entries()) {
      expect(rcode, run.seen.rcodes[at] ?? 0, plan.rcodes[rcode] ?? 0);
    }
  }
  if (!isFloor || plan.floor === 'relay') expect('asked upstream', moved.upstream, plan.upstream);
  for (const [name, share] of Object.entries(moved.counters === null ? {} : plan.counters)) {
    expect(`status counts ${name}`, moved.counters?.[name] ?? 0, share);
  }
  return wrong;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** The reports, each from the material that plan.ts gathers. */

import { shownPath } from '../config/source.ts';
import { type Grant, grantsOf } from './grants.ts';
import { openReport } from './open.ts';
import type { ReportPlan } from './plan.ts';

export const openPlan: ReportPlan<Grant> = (material) => {
  const { asked, subject, use, exceptions, facts, notes } = material;
  const { nowMs, sinceMs, workload } = asked;
  const { policy } = subject;
  const grants = grantsOf({ policy, use, exceptions, workload, shownFile: shownPath });
  return openReport(grants, { nowMs, idleMs: nowMs - sinceMs, use, facts, notes });
};

/** The reputation score of a name for people, by the code that scores queries. Slow lane. */

import { PARTS } from '../events/kinds.ts';
import type { Score } from '../policy/explain.ts';
import type { Standing } from '../reputation/standing.ts';
import type { WireName } from '../wire/name.ts';
import { standingInto } from './reputation.ts';
import { standingParts } from './reputation-words.ts';

export function scoreOf(standing: Standing, name: WireName, feed: number, workload: number): Score {
  const score = standing.judge(name, feed);
  const parts = new Int32Array(PARTS);
  standingInto(parts, standing);
  return {
    score,
    deny_below: standing.memory.denyBelow[workload] ?? 0,
    alert_below: standing.memory.alertBelow[workload] ?? 0,
    parts: standingParts(parts),
  };
}

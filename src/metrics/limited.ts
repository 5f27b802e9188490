/** Which workloads asked more than they may, since somebody last looked. */

import { AT_LIMITED, AT_SLOTS, SLOT_CELLS } from './meter.ts';

/** What is needed of meters.ts. */
interface Counted {
  readonly slots: ReadonlyMap<string, number>;
  totals(): Float64Array;
}

/** Queries that were refused or dropped, by workload; without those that have none. */
export function limitedBy({ slots, totals }: { slots: Counted['slots']; totals: Float64Array }) {
  const counts = new Map<string, number>();
  for (const [workload, slot] of slots) {
    const count = totals[AT_SLOTS + slot * SLOT_CELLS + AT_LIMITED] ?? 0;
    if (count > 0) counts.set(workload, count);
  }
  return counts;
}

export class LimitedWatch {
  #before: ReadonlyMap<string, number> = new Map();

  /** What came since the last look, by workload. */
  look(meters: Counted): Map<string, number> {
    const now = limitedBy({ slots: meters.slots, totals: meters.totals() });
    const more = new Map<string, number>();
    for (const [workload, count] of now) {
      // A row that was given to another workload begins at 0 again.
      const before = this.#before.get(workload) ?? 0;
      const since = count >= before ? count - before : count;
      if (since > 0) more.set(workload, since);
    }
    this.#before = now;
    return more;
  }
}

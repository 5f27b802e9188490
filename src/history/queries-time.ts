/** Questions in the order of time: what was first seen, and what a workload asked for. */

import { BlockAges, blockOf } from './blocks.ts';
import { dayOf, endOfDay } from './days.ts';
import { Most } from './most.ts';
import { pairsSince } from './queries-days.ts';
import { daysOf, type Filter, marksOf, untilOf, verdictCondition } from './queries-filter.ts';
import { heardOf } from './queries-heard.ts';
import type { Pairs } from './queries-pairs.ts';
import { PAIR_COLUMNS, type RawPair } from './rows.ts';

type ByWorkload = Filter & { readonly workload: string };

/** The pair first seen last, first. */
const NEWEST = (a: RawPair, b: RawPair): number => b.first_ms - a.first_ms || b.id - a.id;

export class TimeQueries {
  readonly #pairs: Pairs;

  constructor(pairs: Pairs) {
    this.#pairs = pairs;
  }

  /** Pairs first seen in a window, oldest first; a limit keeps the newest. */
  firstSeen(filter: Filter): RawPair[] {
    const { workload, sinceMs } = filter;
    if (workload === null) return this.#newest(filter);
    const id = this.#pairs.workloadId(workload);
    return this.#ofWorkload(id, { ...filter, sinceMs: 0 }, sinceMs);
  }

  /** Pairs of a workload that may have been asked for in a window, in the order of first seen. */
  ofWorkload(filter: ByWorkload): RawPair[] {
    return this.#ofWorkload(this.#pairs.workloadId(filter.workload), filter, 0);
  }

  /**
   * The newest pairs, oldest first. They are among those of the last query's newest days: nothing
   * is heard for the last time before the first.
   */
  #newest(filter: Filter): RawPair[] {
    const { sinceMs, limit } = filter;
    const { pairsOfDay, marks } = daysOf(filter);
    const statement = this.#pairs.select(`
SELECT ${PAIR_COLUMNS} FROM ${pairsOfDay}
  AND p.first_ms >= @sinceMs AND p.first_ms < @untilMs
ORDER BY p.first_ms DESC LIMIT @limit`);
    const [firstDay, lastDay] = this.#pairs.activeDays(sinceMs);
    const inUse = this.#pairs.marksInUse(marks);
    const newest = new Most(limit, NEWEST);
    const untilMs = untilOf(filter);
    let fromMs = sinceMs;
    for (let day = lastDay; day >= firstDay && endOfDay(day) > fromMs; day--) {
      for (const mark of inUse) {
        newest.addAll(statement.all({ day, mark, sinceMs: fromMs, untilMs, limit }));
        fromMs = Math.max(fromMs, newest.last?.first_ms ?? fromMs);
      }
    }
    return newest.inOrder().reverse();
  }

  /**
   * The newest pairs of a workload, oldest first.
   *
   * @param fromMs none that was first seen before is wanted
   */
  #ofWorkload(id: number | undefined, filter: Filter, fromMs: number): RawPair[] {
    if (id === undefined) return [];
    const marks = marksOf(filter);
    return marks === null
      ? this.#heardOf(id, filter, fromMs)
      : this.#markedOf(id, filter, fromMs, marks);
  }

  #heardOf(id: number, filter: Filter, fromMs: number): RawPair[] {
    const { sinceMs, limit } = filter;
    const { db } = this.#pairs;
    const statement = this.#pairs.select(`
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.first_ms >= @fromMs AND p.first_ms < @untilMs AND p.last_ms >= @sinceMs
  ${verdictCondition('p', filter)}`);
    const untilMs = untilOf(filter);
    const active = sinceMs === 0 ? null : pairsSince(db, id, dayOf(sinceMs));
    const ages = new BlockAges(db);
    const newest = new Most(limit, NEWEST);
    for (const { ids, newestMs } of heardOf(db, id, { fromMs })) {
      if (newestMs < (newest.last?.first_ms ?? 0)) break;
      const some = ids.filter((one) => {
        return (active?.has(one) ?? true) && ages.oldestOf(blockOf(one)) < untilMs;
      });
      if (some.length === 0) continue;
      newest.addAll(statement.all({ fromMs, untilMs, sinceMs, ids: JSON.stringify(some) }));
    }
    return newest.inOrder().reverse();
  }

  /** By an index: of thousands of pairs that were always allowed none is read. */
  #markedOf(id: number, filter: Filter, fromMs: number, marks: readonly number[]): RawPair[] {
    const { sinceMs, limit } = filter;
    const statement = this.#pairs.select(`
SELECT ${PAIR_COLUMNS} FROM pair p INDEXED BY pair_by_workload
CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.workload_id = @id AND p.unusual = @mark AND p.unusual > 0
  AND p.first_ms >= @fromMs AND p.first_ms < @untilMs AND p.last_ms >= @sinceMs
ORDER BY p.first_ms DESC LIMIT @limit`);
    const newest = new Most(limit, NEWEST);
    const values = { id, fromMs, untilMs: untilOf(filter), sinceMs, limit };
    for (const mark of marks) newest.addAll(statement.all({ ...values, mark }));
    return newest.inOrder().reverse();
  }
}

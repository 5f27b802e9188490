/** Questions in the order of time: what was first seen, and what a workload asked for. */

import { endOfDay } from './days.ts';
import { daysOf, type Filter, untilOf, verdictCondition } from './queries-filter.ts';
import { heardOf } from './queries-heard.ts';
import type { Pairs } from './queries-pairs.ts';
import { PAIR_COLUMNS, type RawPair } from './rows.ts';

interface Condition {
  readonly where: string;
  /** No pair that was first seen before is wanted. */
  readonly fromMs: number;
}

export class TimeQueries {
  readonly #pairs: Pairs;

  constructor(pairs: Pairs) {
    this.#pairs = pairs;
  }

  /** Pairs first seen in a window, oldest first; a limit keeps the newest. */
  firstSeen(filter: Filter): RawPair[] {
    const { workload, sinceMs } = filter;
    if (workload === null) return this.#newest(filter);
    return this.#heardOf(this.#pairs.workloadId(workload), filter, {
      where: 'p.first_ms >= @sinceMs',
      fromMs: sinceMs,
    });
  }

  /** Pairs of a workload that may have been asked for in a window, in the order of first seen. */
  ofWorkload(filter: Filter & { readonly workload: string }): RawPair[] {
    return this.#heardOf(this.#pairs.workloadId(filter.workload), filter, {
      where: 'p.last_ms >= @sinceMs',
      fromMs: 0,
    });
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
    const newest = new Newest(limit);
    const untilMs = untilOf(filter);
    for (let day = lastDay; day >= firstDay && endOfDay(day) > newest.fullSinceMs; day--) {
      for (const mark of inUse) {
        const fromMs = Math.max(sinceMs, newest.fullSinceMs);
        newest.add(statement.all({ day, mark, sinceMs: fromMs, untilMs, limit }));
      }
    }
    return newest.oldestFirst();
  }

  /** The newest pairs of a workload that `where` holds for, oldest first. */
  #heardOf(id: number | undefined, filter: Filter, { where, fromMs }: Condition): RawPair[] {
    if (id === undefined) return [];
    const { sinceMs, limit } = filter;
    const statement = this.#pairs.select(`
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id
WHERE ${where} AND p.first_ms < @untilMs ${verdictCondition('p', filter)}`);
    const newest = new Newest(limit);
    const untilMs = untilOf(filter);
    for (const { ids, newestMs } of heardOf(this.#pairs.db, id, { fromMs })) {
      if (newestMs < newest.fullSinceMs) break;
      newest.add(statement.all({ sinceMs, untilMs, ids: JSON.stringify(ids) }));
    }
    return newest.oldestFirst();
  }
}

/** The pairs first seen last, as many as the limit allows. */
class Newest {
  readonly #limit: number;
  #raws: RawPair[] = [];
  /** Nothing older than this can come in any more; 0 while there is room. */
  fullSinceMs = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(raws: readonly RawPair[]): void {
    this.#raws = [...this.#raws, ...raws];
    if (this.#limit < 0 || this.#raws.length < this.#limit) return;
    this.#raws.sort((a, b) => b.first_ms - a.first_ms);
    this.#raws.length = this.#limit;
    this.fullSinceMs = this.#raws.at(-1)?.first_ms ?? Number.MAX_SAFE_INTEGER;
  }

  oldestFirst(): RawPair[] {
    return this.#raws.sort((a, b) => a.first_ms - b.first_ms || a.id - b.id);
  }
}

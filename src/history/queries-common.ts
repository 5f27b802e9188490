/** Who asked below a suffix that very many domains share, such as `com`. */

import { dayOf } from './days.ts';
import { daysOf, type Range, untilOf, verdictCondition } from './queries-filter.ts';
import { heardOf } from './queries-heard.ts';
import type { KeyFilter } from './queries-name.ts';
import { HITS, type Pairs } from './queries-pairs.ts';
import { PAIR_COLUMNS, type RawPair } from './rows.ts';

/** A suffix with more pairs than this is looked up by time and not by name: it is so common
 * (`com`) that a walk through time meets enough of it. */
const PAIRS_BY_NAME = 20_000;

export class CommonQueries {
  readonly #pairs: Pairs;

  constructor(pairs: Pairs) {
    this.#pairs = pairs;
  }

  isCommon([from, end]: Range): boolean {
    const sql = `${HITS} SELECT count(*) FROM (SELECT 1 FROM hit LIMIT @limit)`;
    const statement = this.#pairs.values<number>(sql);
    return (statement.get({ from, end, limit: PAIRS_BY_NAME }) ?? 0) >= PAIRS_BY_NAME;
  }

  find(range: Range, filter: KeyFilter): RawPair[] {
    const { id } = filter;
    return id === null ? this.#activeSince(range, filter) : this.#ofWorkload(id, range, filter);
  }

  /** Pairs of a workload in a range of names, first seen first; reads every pair that it has. */
  #ofWorkload(id: number, [from, end]: Range, filter: KeyFilter): RawPair[] {
    const ids = [...heardOf(this.#pairs.db, id)].flatMap((step) => step.ids);
    const { sinceMs, limit } = filter;
    const values = { from, end, sinceMs, untilMs: untilOf(filter), limit };
    return this.#pairs
      .select(`
SELECT ${PAIR_COLUMNS} FROM (
  SELECT p.id FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
  WHERE p.last_ms >= @sinceMs AND p.first_ms < @untilMs AND p.name_rev >= @from
    AND p.name_rev < @end ${verdictCondition('p', filter)}
  ORDER BY p.first_ms LIMIT @limit) found
CROSS JOIN pair p ON p.id = found.id CROSS JOIN workload w ON w.id = p.workload_id
ORDER BY p.first_ms`)
      .all({ ...values, ids: JSON.stringify(ids) });
  }

  /**
   * The pairs of a common suffix that were asked for since then, first seen first.
   *
   * A walk through all that was ever seen may meet few of them, so the days of the last query are
   * walked one by one, each only up to the row that was the last one within the limit so far. The
   * oldest day is first, because it has the oldest: what is wanted is soon found, and the days that
   * follow are left at once.
   */
  #activeSince([from, end]: Range, filter: KeyFilter): RawPair[] {
    const { sinceMs, limit } = filter;
    const { pairsOfDay, marks } = daysOf(filter);
    const select = (also: string) =>
      this.#pairs.select(`
SELECT ${PAIR_COLUMNS} FROM ${pairsOfDay}
  AND p.first_ms <= @lastMs ${also}
  AND p.name_rev >= @from AND p.name_rev < @end
ORDER BY p.first_ms LIMIT @limit`);
    const wholeDay = select('');
    const [firstDay, lastDay] = this.#pairs.activeDays(sinceMs);
    const inUse = this.#pairs.marksInUse(marks);
    let raws: RawPair[] = [];
    let lastMs = untilOf(filter) - 1;
    for (const [day, mark] of eachOf(firstDay, lastDay, inUse)) {
      const values = { day, mark, lastMs, from, end, limit };
      // Only of the day that `sinceMs` lies in the time of the last query matters.
      const isWhole = day > dayOf(sinceMs);
      const statement = isWhole ? wholeDay : select('AND p.last_ms >= @sinceMs');
      raws.push(...statement.all(isWhole ? values : { ...values, sinceMs }));
      raws.sort((a, b) => a.first_ms - b.first_ms);
      if (limit < 0 || raws.length < limit) continue;
      raws = raws.slice(0, limit);
      lastMs = Math.min(lastMs, raws.at(-1)?.first_ms ?? lastMs);
    }
    return raws;
  }
}

function* eachOf(
  firstDay: number,
  lastDay: number,
  marks: readonly number[],
): Generator<readonly [number, number]> {
  for (let day = firstDay; day <= lastDay; day++) for (const mark of marks) yield [day, mark];
}

/** Who asked below a suffix that many domains share, such as `com`. */

import { dayOf } from './days.ts';
import { PAIR_SHIFT } from './migrations.ts';
import { daysOf, marksOf, type Range, untilOf } from './queries-filter.ts';
import type { KeyFilter } from './queries-name.ts';
import { HITS, type Pairs } from './queries-pairs.ts';
import { Walks } from './queries-walk.ts';
import { type Size, wantedBy } from './queries-wanted.ts';
import { PAIR_COLUMNS, type RawPair } from './rows.ts';

/** A suffix with fewer pairs is looked up by name, and each row is read: 20 ms. */
const PAIRS_BY_NAME = 5000;
/** Of the pairs of a walk one in so many, or more, lie below the most common suffixes. */
const GOOD_PART = 20;
/** Stretches that are looked at to know how common a suffix is. */
const SAMPLES = 4;

const COUNT = `${HITS} SELECT count(*) FROM (SELECT 1 FROM hit LIMIT ${PAIRS_BY_NAME})`;
const COUNT_STRETCH = `
SELECT count(*) FROM (
  SELECT 1 FROM pair INDEXED BY pair_by_name
  WHERE (id >> ${PAIR_SHIFT}) = @stretch AND name_rev >= @from AND name_rev < @end
  LIMIT ${Math.ceil(2 ** PAIR_SHIFT / GOOD_PART)})`;
const LAST = 'SELECT coalesce(max(id), 0) FROM pair';

export class CommonQueries {
  readonly #pairs: Pairs;

  constructor(pairs: Pairs) {
    this.#pairs = pairs;
  }

  isCommon([from, end]: Range): boolean {
    return (this.#pairs.values<number>(COUNT).get({ from, end }) ?? 0) >= PAIRS_BY_NAME;
  }

  /** Pairs below a suffix that is common, first seen first. */
  find(range: Range, filter: KeyFilter): RawPair[] {
    const { id, sinceMs } = filter;
    const size = this.#sizeOf(range);
    const wanted = wantedBy(this.#pairs, filter, size);
    const walks = new Walks(this.#pairs);
    const walked = { range, filter, wanted };
    if (!size.isGoodPart) return walks.byName(walked);
    const hasDays = sinceMs > 0 || marksOf(filter) !== null;
    if (wanted === null && hasDays && id === null) return this.#readActive(range, filter);
    return walks.byNumber(walked);
  }

  /** Out of some stretches, so about; a good part is not counted further. */
  #sizeOf([from, end]: Range): Size {
    const all = 1 + (this.#pairs.values<number>(LAST).get({}) ?? 0);
    const stretches = Math.ceil(all / 2 ** PAIR_SHIFT);
    const step = Math.ceil(stretches / SAMPLES);
    const count = this.#pairs.values<number>(COUNT_STRETCH);
    let [below, looked] = [0, 0];
    for (let stretch = 0; stretch < stretches; stretch += step, looked++) {
      below += count.get({ stretch, from, end }) ?? 0;
    }
    below *= stretches / looked;
    return { all, below, isGoodPart: below * GOOD_PART >= all };
  }

  /**
   * The pairs of a most common suffix that were asked for since then, first seen first.
   *
   * A walk through all that was ever seen may meet few of them, so the days of the last query are
   * walked one by one, each only up to the row that was the last one within the limit so far. The
   * oldest day is first, because it has the oldest: what is wanted is soon found, and the days that
   * follow are left at once.
   */
  #readActive([from, end]: Range, filter: KeyFilter): RawPair[] {
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

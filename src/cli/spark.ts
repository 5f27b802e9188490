/** A row of bars, one for each day: how much, against the busiest of them. */

import type { DayCounts } from '../history/day-counts.ts';
import { dayOf, endOfDay } from '../history/days.ts';

/** Days shown: four weeks, so that a weekly habit is seen. */
export const SPARK_DAYS = 28;

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
/** A day without a query, after the first that is known. */
const NONE = '·';

/** @param endMs the last bar is of this day (UTC); '' where nothing is known of these days */
export function sparkline(days: readonly DayCounts[], endMs: number): string {
  const last = dayOf(endMs);
  const first = last - SPARK_DAYS + 1;
  const shown = new Map(
    days.filter(({ day }) => day >= first && day <= last).map((one) => [one.day, queriesOf(one)]),
  );
  const most = Math.max(0, ...shown.values());
  if (most === 0) return '';
  const begin = days[0]?.day ?? first;
  return Array.from({ length: SPARK_DAYS }, (_, i) => {
    const queries = shown.get(first + i) ?? 0;
    if (queries > 0) return BARS[Math.ceil((queries / most) * BARS.length) - 1];
    return first + i < begin ? ' ' : NONE;
  }).join('');
}

/** As JSON has them, oldest first. */
export function daysDocument(days: readonly DayCounts[]): Record<string, unknown>[] {
  return days
    .filter((one) => queriesOf(one) > 0)
    .map((one) => {
      const date = dateOf(one.day);
      const [allowed, denied, wouldDeny, failed] = one.counts;
      const queries = queriesOf(one);
      return { date, queries, allowed, denied, would_deny: wouldDeny, failed };
    });
}

/** The same few weeks are in every row, and a text of a date takes 1 us. */
const dates = new Map<number, string>();

function dateOf(day: number): string {
  let date = dates.get(day);
  if (date === undefined) {
    date = new Date(endOfDay(day) - 1).toISOString().slice(0, 10);
    dates.set(day, date);
  }
  return date;
}

function queriesOf({ counts: [allowed, denied, , failed] }: DayCounts): number {
  return allowed + denied + failed;
}

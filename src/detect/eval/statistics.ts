/** The few figures that a report is made of. */

/** The value that a share `q` of the sorted values does not exceed; null of none. */
export function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}

export interface Spread {
  readonly median: number | null;
  readonly p95: number | null;
  readonly max: number | null;
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    median: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    max: quantile(values, 1),
  };
}

/** null where there is nothing to divide by. */
export function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

const CONFIDENCE = 0.95;

/**
 * The largest mean that would show `events` or fewer with a chance of 5 %: what a count of rare
 * events allows to say (for 0 events 3.0).
 */
export function poissonBound(events: number): number {
  let low = events;
  let high = 2 * events + 10;
  for (let i = 0; i < 60; i++) {
    const mean = (low + high) / 2;
    if (poissonUpTo(events, mean) > 1 - CONFIDENCE) low = mean;
    else high = mean;
  }
  return high;
}

/** Chance of `events` or fewer at this mean; the terms are summed by their logarithms. */
function poissonUpTo(events: number, mean: number): number {
  let logTerm = -mean;
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= events; k++) {
    logTerm += Math.log(mean / k);
    sum += Math.exp(logTerm);
  }
  return sum;
}

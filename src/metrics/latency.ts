/**
 * Latency: a histogram of fixed buckets in a run of cells, counted by one thread and read by
 * another.
 *
 * Fast lane. A cell holds what fell into its own bucket only; who reads adds them up. Fixed bounds,
 * so that histograms of several workers and instances can be added.
 */

/**
 * Upper bounds: from an answer out of memory to the 5 s after which a client has given up. In
 * between where 1 ms tells an upstream that is near from one that is far.
 */
export const BOUNDS_MS = new Float64Array([
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
]);
const BOUNDS = BOUNDS_MS.length;
/** Behind the buckets: what is above all bounds, and the sum in ms. */
export const CELL_ABOVE = BOUNDS;
export const CELL_SUM = BOUNDS + 1;
export const LATENCY_CELLS = BOUNDS + 2;

/** Adds `times` of `ms` each to the histogram at `at`. A clock that went back counts as 0. */
export function observe(cells: Float64Array, at: number, ms: number, times: number): void {
  const took = Math.max(ms, 0);
  let bucket = 0;
  while (bucket < BOUNDS && took > BOUNDS_MS[bucket]!) bucket++;
  cells[at + bucket]! += times;
  cells[at + CELL_SUM]! += took * times;
}

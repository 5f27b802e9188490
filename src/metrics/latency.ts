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
export const BOUNDS_US = new Int32Array([
  50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
  2_500_000, 5_000_000,
]);
const BOUNDS = BOUNDS_US.length;
/** Behind the buckets: what is above all bounds, and the sum in us. */
export const CELL_ABOVE = BOUNDS;
export const CELL_SUM = BOUNDS + 1;
export const LATENCY_CELLS = BOUNDS + 2;

/** Whole microseconds: as a parameter, a fraction would be an object where it is not inlined. */
export function microseconds(ms: number): number {
  return (ms * 1000) | 0;
}

/** Adds `times` of `us` each to the histogram at `at`. A clock that went back counts as 0. */
export function observe(cells: Float64Array, at: number, us: number, times: number): void {
  const took = Math.max(us, 0);
  let bucket = 0;
  while (bucket < BOUNDS && took > BOUNDS_US[bucket]!) bucket++;
  cells[at + bucket]! += times;
  cells[at + CELL_SUM]! += took * times;
}

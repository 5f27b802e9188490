/** What a process holds over time, and the line through it: growth that does not end is a leak. */

import { readdirSync, readFileSync } from 'node:fs';

export const QUANTITIES = ['resident_mb', 'heap_mb', 'descriptors', 'threads'] as const;
export type Quantity = (typeof QUANTITIES)[number];

export interface Sample extends Readonly<Record<Quantity, number>> {
  readonly atMs: number;
}

export interface Fit {
  readonly first: number;
  readonly last: number;
  readonly perHour: number;
  /** Between these two the true slope lies, 95 times in a hundred; infinite where nothing is known. */
  readonly low: number;
  readonly high: number;
}

/** What a slope says about growth. */
export function verdictOf({ low, high }: Fit): 'grows' | 'shrinks' | 'steady' {
  if (low > 0) return 'grows';
  return high < 0 ? 'shrinks' : 'steady';
}

/** @param metrics port of its metrics page, on loopback */
export async function sample(pid: number, metrics: number): Promise<Sample> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
  const heap = /^dnsvalve_heap_used_bytes ([\d.e+]+)$/m.exec(page)?.[1];
  return {
    atMs: performance.now(),
    resident_mb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    heap_mb: Number(heap) / 1e6,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: Number(/Threads:\s+(\d+)/.exec(status)?.[1]),
  };
}

/**
 * Least squares, and how sure the slope is. What is sampled stays where it is for a while, so that
 * samples count for fewer than they are: by the correlation of what the line leaves over with
 * itself, one sample later.
 */
export function lineThrough(samples: readonly Sample[], quantity: Quantity): Fit {
  const xs = samples.map(({ atMs }) => atMs / 3_600_000);
  const ys = samples.map((one) => one[quantity]);
  const [mx, my] = [mean(xs), mean(ys)];
  const sxx = sum(xs.map((x) => (x - mx) ** 2));
  const sxy = sum(xs.map((x, i) => (x - mx) * ((ys[i] ?? my) - my)));
  const perHour = sxx === 0 ? 0 : sxy / sxx;
  const left = ys.map((y, i) => y - my - perHour * ((xs[i] ?? mx) - mx));
  const margin = sxx === 0 ? Infinity : marginOf(left) / Math.sqrt(sxx);
  const [first = 0, last = 0] = [ys[0], ys.at(-1)];
  return { first, last, perHour, low: perHour - margin, high: perHour + margin };
}

/** Of the slope, before it is divided by the spread of the times. */
function marginOf(left: readonly number[]): number {
  if (left.length < 3) return Infinity;
  const squares = sum(left.map((one) => one ** 2));
  // What rounding leaves of a line that goes through every sample.
  if (squares < 1e-12) return 0;
  const again = sum(left.slice(1).map((one, i) => one * (left[i] ?? 0))) / squares;
  const correlation = Math.min(0.99, Math.max(0, again));
  const freedom = (left.length * (1 - correlation)) / (1 + correlation) - 2;
  if (freedom < 1) return Infinity;
  return quantile(freedom) * Math.sqrt(squares / freedom);
}

/** Of Student's distribution, 0.975, within 5 % from 2 degrees of freedom on; more below. */
function quantile(freedom: number): number {
  return 1.96 + 2.37 / freedom + 2.8 / freedom ** 2 + 5.6 / freedom ** 4;
}

function sum(list: readonly number[]): number {
  return list.reduce((total, one) => total + one, 0);
}

function mean(list: readonly number[]): number {
  return sum(list) / list.length;
}

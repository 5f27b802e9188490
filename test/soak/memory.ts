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
  /** Share of the variance that the line explains, 0 to 1. */
  readonly r2: number;
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

/** Least squares. */
export function lineThrough(samples: readonly Sample[], quantity: Quantity): Fit {
  const xs = samples.map(({ atMs }) => atMs / 3_600_000);
  const ys = samples.map((one) => one[quantity]);
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [mx, my] = [mean(xs), mean(ys)];
  let [sxx, sxy, syy] = [0, 0, 0];
  for (const [i, x] of xs.entries()) {
    const y = ys[i] ?? my;
    sxx += (x - mx) ** 2;
    sxy += (x - mx) * (y - my);
    syy += (y - my) ** 2;
  }
  const perHour = sxx === 0 ? 0 : sxy / sxx;
  const r2 = sxx === 0 || syy === 0 ? 0 : sxy ** 2 / (sxx * syy);
  return { first: ys[0] ?? 0, last: ys.at(-1) ?? 0, perHour, r2 };
}

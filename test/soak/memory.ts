/** What a process holds over time, and the lines through it. */

import { heldBy, type Line, type Look, lineThrough } from '../support/growth.ts';

export const QUANTITIES = ['heldMb', 'heapMb', 'descriptors', 'threads'] as const;
export type Quantity = (typeof QUANTITIES)[number];

export interface Sample extends Look, Readonly<Record<Quantity, number>> {
  readonly atMs: number;
}

/** Over the second half of the samples, by the hour. */
export interface Fit extends Line {
  readonly first: number;
  readonly last: number;
}

/** @param metrics port of its metrics page, on loopback; @param sent what it was asked so far */
export async function sample(pid: number, metrics: number, sent: number): Promise<Sample> {
  const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
  const heap = /^dnsvalve_heap_used_bytes ([\d.e+]+)$/m.exec(page)?.[1];
  return { atMs: performance.now(), sent, heapMb: Number(heap) / 1e6, ...heldBy(pid) };
}

export function fitOf(samples: readonly Sample[], quantity: Quantity): Fit {
  const half = samples.slice(Math.floor(samples.length / 2));
  const line = lineThrough(half.map((one) => [one.atMs / 3_600_000, one[quantity]] as const));
  return { ...line, first: half[0]?.[quantity] ?? 0, last: half.at(-1)?.[quantity] ?? 0 };
}

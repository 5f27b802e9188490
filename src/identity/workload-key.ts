/**
 * The key of a workload in tables that outlive a reload: the hash of its name as a name of one
 * label, which no query's name is mistaken for. Not for the query path, which has it in a table.
 */

import { readName, WireName } from '../wire/name.ts';

export interface WorkloadKey {
  /** Both as 32-bit integers. */
  readonly low: number;
  readonly high: number;
}

/** Needs the hash key (setHashKey) of the process. */
export function workloadKey(text: string): WorkloadKey {
  const octets = Buffer.from(text, 'latin1');
  const name = new WireName();
  readName(Uint8Array.of(octets.length, ...octets, 0), 0, octets.length + 2, name);
  return { low: (name.low[0] ?? 0) | 0, high: (name.high[0] ?? 0) | 0 };
}

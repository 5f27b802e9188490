/**
 * Taps: which queries of which workload are told to the query log and to dnstap. Part of the
 * tables. Fast lane.
 */

export interface TapsMemory {
  /** 1 when anything is told at all. */
  readonly isOn: number;
  /** By workload: a query whose number is below is told; TAP_ALL for all of them. */
  readonly log: Uint32Array;
  readonly dnstap: Uint32Array;
}

export const TAP_ALL = 0xffff_ffff;

/** Whether a query with this number, 0 to 2^32 - 1, is among the share. */
export function isTapped(threshold: number, number: number): boolean {
  return number < threshold || threshold === TAP_ALL;
}

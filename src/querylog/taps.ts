/**
 * Taps: which queries of which workload are told to the query log and to dnstap. Part of the
 * tables. Fast lane.
 */

export interface TapsMemory {
  /** 1 when anything is told at all. */
  readonly isOn: number;
  /** By workload: a query whose number is below is told; TAP_ALL for all of them. */
  readonly log: Int32Array;
  readonly dnstap: Int32Array;
}

/**
 * Numbers of queries are 0 to TAP_ALL - 1: small enough that no engine makes an object of one (with
 * 32 bits it did, 16 octets a query).
 */
export const TAP_ALL = 1 << 30;

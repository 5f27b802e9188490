/**
 * Responses: how many leave over UDP towards one network in a second, so that a forged source
 * address buys nothing. Fast lane.
 *
 * By prefix and not by question, as BIND's RRL also counts: who forges addresses varies names for
 * nothing. A row is found by a keyed hash; of a full set the row that was idle longest goes, so
 * that memory is the same however many networks ask.
 */

import type { Query } from '../query.ts';
import { octetsHigh, octetsLow } from '../wire/hash.ts';
import { hashPrefix } from './prefix.ts';

/** What becomes of a response: it leaves; TC leaves in its place; nothing does. */
export const PASS = 0;
export const SLIP = 1;
export const WITHHOLD = 2;

export interface ResponseLimit {
  /** To one prefix, a second; 0 for no limit. */
  readonly rate: number;
  /** Every so manieth that is over the limit is TC in place of nothing; 0 for none. */
  readonly slip: number;
  /** 1: also those to workloads that are larger than their query. */
  readonly workloads: number;
}

const SETS = 1024;
const WAYS = 4;
/** IPv4 /24 and IPv6 /56: what one network usually has. */
const V4_OCTETS = 3;
const V6_OCTETS = 7;

export class Responses {
  readonly #high = new Int32Array(SETS * WAYS);
  readonly #tokens = new Float64Array(SETS * WAYS);
  /** Monotonic ms; before any time there is for a row that was never used. */
  readonly #filledMs = new Float64Array(SETS * WAYS).fill(Number.NEGATIVE_INFINITY);
  readonly #over = new Uint32Array(SETS * WAYS);

  /** Judges the response of `query`, which came over UDP. */
  judge(query: Query, limit: ResponseLimit): number {
    if (limit.rate === 0) return PASS;
    if (query.workload !== 0) {
      if (limit.workloads === 0 || query.outLength <= query.end - query.start) return PASS;
    }
    const row = this.#rowOf(query);
    const sinceMs = query.nowMs - this.#filledMs[row]!;
    this.#filledMs[row] = query.nowMs;
    const tokens = Math.min(limit.rate, this.#tokens[row]! + (sinceMs * limit.rate) / 1000);
    const passes = tokens >= 1;
    this.#tokens[row] = passes ? tokens - 1 : tokens;
    if (passes) return PASS;
    this.#over[row]!++;
    return limit.slip > 0 && this.#over[row]! % limit.slip === 0 ? SLIP : WITHHOLD;
  }

  #rowOf(query: Query): number {
    hashPrefix(query.peer, query.peerAt, V4_OCTETS, V6_OCTETS);
    const first = (octetsLow & (SETS - 1)) * WAYS;
    let idlest = first;
    for (let row = first; row < first + WAYS; row++) {
      if (this.#high[row] === octetsHigh) return row;
      if (this.#filledMs[row]! < this.#filledMs[idlest]!) idlest = row;
    }
    this.#high[idlest] = octetsHigh;
    this.#filledMs[idlest] = Number.NEGATIVE_INFINITY;
    this.#tokens[idlest] = 0;
    this.#over[idlest] = 0;
    return idlest;
  }
}

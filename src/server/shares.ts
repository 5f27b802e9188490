/**
 * Shares: how much of the room for TCP clients each source may take, so that one cannot take all of
 * it. What a source loses for that is counted.
 */

import { TCP_SOURCE_CLOSED } from '../counters.ts';
import type { Kept } from './kept.ts';
import { Sources } from './sources.ts';
import type { TcpLimits } from './tcp-limits.ts';

export class Shares {
  readonly #sources: Sources;
  readonly #limits: TcpLimits;
  readonly #counters: Float64Array;

  constructor(capacity: number, limits: TcpLimits, counters: Float64Array) {
    this.#sources = new Sources(capacity);
    this.#limits = limits;
    this.#counters = counters;
  }

  /** Sources with a connection. */
  get count(): number {
    return this.#sources.count;
  }

  /**
   * A connection opens; its address stands at `at`.
   *
   * @param isShared it is a trusted forwarder's, whose connections are those of many clients
   * @returns the connection that must go for it, or -1
   */
  open(slot: number, peers: Uint8Array, at: number, isShared: boolean): number {
    this.#sources.open(slot, peers, at);
    if (isShared || this.#sources.held(slot) <= this.#limits.connectionsPerSource) return -1;
    this.#counters[TCP_SOURCE_CLOSED]!++;
    return this.#sources.oldest(slot);
  }

  /** Its client asked something. */
  touch(slot: number): void {
    this.#sources.touch(slot);
  }

  close(slot: number): void {
    this.#sources.close(slot);
  }

  /** All clients together have a bound, and each source one that leaves room for others. */
  mayKeep(slot: number, more: number, kept: Kept): boolean {
    if (kept.total + more > this.#limits.unreadMax) return false;
    if (this.#sources.sum(slot, kept.length) + more <= this.#limits.octetsPerSource) return true;
    this.#counters[TCP_SOURCE_CLOSED]!++;
    return false;
  }
}

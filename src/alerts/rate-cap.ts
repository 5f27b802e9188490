/**
 * RateCap: at most so many alerts of each severity a minute, and how many were held back. Each
 * severity has an allowance of its own: who floods a sink with denials hides no tunnel.
 *
 * It has no clock and makes no alert: the caller passes the time and tells what was suppressed.
 */

import { NOTICE } from './alert.ts';

const MINUTE_MS = 60_000;

export class RateCap {
  readonly #perMinute: number | null;
  /** Admitted since #startMs, by severity. */
  readonly #admitted = new Map<number, number>();
  /** Not taken yet, and since the start. */
  #suppressed = 0;
  #suppressedInAll = 0;
  #startMs = Number.NEGATIVE_INFINITY;

  /** @param perMinute 1 or more; null for no cap */
  constructor(perMinute: number | null) {
    this.#perMinute = perMinute;
  }

  /** Whether the alert may go; one that may not is counted. */
  admit(nowMs: number, severity = NOTICE): boolean {
    if (this.#perMinute === null) return true;
    if (this.#isOver(nowMs)) {
      this.#startMs = nowMs;
      this.#admitted.clear();
    }
    const admitted = this.#admitted.get(severity) ?? 0;
    if (admitted >= this.#perMinute) {
      this.#suppressed++;
      this.#suppressedInAll++;
      return false;
    }
    this.#admitted.set(severity, admitted + 1);
    return true;
  }

  /** What was suppressed since the start. */
  get suppressedInAll(): number {
    return this.#suppressedInAll;
  }

  /** What was suppressed in a minute that is over, once; 0 until then. Infinity ends it now. */
  takeSuppressed(nowMs: number): number {
    if (this.#suppressed === 0 || !this.#isOver(nowMs)) return 0;
    const count = this.#suppressed;
    this.#suppressed = 0;
    return count;
  }

  /** A clock set back ends the minute, too: it would hold the cap down for as long. */
  #isOver(nowMs: number): boolean {
    return nowMs < this.#startMs || nowMs - this.#startMs >= MINUTE_MS;
  }
}

/**
 * The wall clock as far as it can be believed where something would be gone for good: it went as
 * far as time did since the start, or less, or no more than a day farther. A clock far in the
 * future makes all detail look old.
 */

const STEP_MS = 86_400_000;

export interface TwoClocks {
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** ms by a clock that nobody sets; from any beginning. */
  readonly elapsed: () => number;
}

export class BelievedClock {
  readonly #clocks: TwoClocks;
  /** What the wall clock is ahead of the other at most. */
  readonly #aheadMs: number;

  constructor(clocks: TwoClocks) {
    this.#clocks = clocks;
    this.#aheadMs = clocks.now() - clocks.elapsed() + STEP_MS;
  }

  /** ms since the epoch. */
  now(): number {
    const { now, elapsed } = this.#clocks;
    return Math.min(now(), elapsed() + this.#aheadMs);
  }
}

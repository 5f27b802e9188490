/** Backoff: growing pauses with jitter, so that not all resolvers return to a collector at once. */

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** 0 <= n < 1. */
  readonly random: () => number;
}

export const BACKOFF_DEFAULT: BackoffOptions = {
  firstMs: 250,
  maxMs: 30_000,
  random: Math.random,
};

export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next pause in ms: half of it certain, half random; doubles up to maxMs. */
  next(): number {
    const { firstMs, maxMs, random } = this.#options;
    const full = Math.min(maxMs, firstMs * 2 ** Math.min(this.#attempt++, 20));
    return Math.round(full / 2 + (full / 2) * random());
  }

  reset(): void {
    this.#attempt = 0;
  }
}

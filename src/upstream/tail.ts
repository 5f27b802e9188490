/**
 * Tail: within what time nearly all recent answers of a server came (the 95th percentile). A
 * histogram that forgets: numbers only, and nothing is allocated per answer.
 */

/** Bounds of the buckets: 1 ms to 2 s, each a quarter more than the one before. */
const RATIO = 1.25;
const BUCKETS = 36;
const BOUNDS_MS = Float64Array.from({ length: BUCKETS }, (_, i) => RATIO ** i);
const SHARE = 0.95;
/** Answers between two looks; before the first nothing is known. */
const STEP = 16;
/** Answers after which all count half. */
const WINDOW = 256;

export class Tail {
  /** Time in ms that 95 % of the answers did not exceed; 0 while too few came. */
  ms = 0;
  /** Answers of each bucket / count / halved now and then. */
  readonly #counts = new Uint16Array(BUCKETS);
  #total = 0;
  #sinceLook = 0;

  add(rttMs: number): void {
    let bucket = 0;
    while (bucket < BUCKETS - 1 && rttMs > BOUNDS_MS[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#total++;
    if (++this.#sinceLook < STEP) return;
    this.#sinceLook = 0;
    this.#look();
    if (this.#total >= WINDOW) this.#forget();
  }

  #look(): void {
    const wanted = this.#total * SHARE;
    let bucket = 0;
    for (let seen = this.#counts[0]!; seen < wanted; seen += this.#counts[bucket]!) bucket++;
    this.ms = BOUNDS_MS[bucket]!;
  }

  #forget(): void {
    this.#total = 0;
    for (let i = 0; i < BUCKETS; i++) {
      this.#counts[i]! >>>= 1;
      this.#total += this.#counts[i]!;
    }
  }
}

/**
 * Whether this machine was so busy that nothing in it kept its time: then a slow answer says nothing
 * about the server. Looked at by a timer of this process, which runs beside the server.
 */

const STEP_MS = 50;
/** A timer that is so late was not run because nothing was. */
const LATE_MS = 400;
/** How long before and after a stall what was under way may be late. */
const AROUND_MS = 6000;

export class Stalls {
  readonly #windows: { readonly fromMs: number; untilMs: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #lastMs = Date.now();
  count = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), STEP_MS);
  }

  /** Whether anything stalled about the time between the two. */
  covers(fromMs: number, untilMs: number): boolean {
    return this.#windows.some((one) => untilMs >= one.fromMs && fromMs <= one.untilMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    const lateMs = now - this.#lastMs - STEP_MS;
    this.#lastMs = now;
    if (lateMs < LATE_MS) return;
    this.count++;
    const last = this.#windows.at(-1);
    const fromMs = now - lateMs - AROUND_MS;
    if (last !== undefined && fromMs <= last.untilMs) last.untilMs = now + AROUND_MS;
    else this.#windows.push({ fromMs, untilMs: now + AROUND_MS });
  }
}

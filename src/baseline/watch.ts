/**
 * Watch: which hours somebody watched. An hour in which the daemon was down, the machine slept or
 * the clock jumped says nothing about any workload, and must not count as a silent one.
 */

import { HOUR_MS, hourOf, WINDOW_HOURS } from './hours.ts';

/** Seconds of an hour that must have been watched: a restart or an upgrade costs no hour. */
const WATCHED_SECONDS = 3000;
/** Longer steps of the clock are no time that passed here. */
const STEP_MAX_MS = 60_000;

/** An hour and for how many seconds it was watched. */
export type WatchedHour = readonly [hour: number, seconds: number];

export class Watch {
  readonly #seconds = new Map<number, number>();
  /** Seconds that were added since they were last taken. */
  readonly #added = new Map<number, number>();
  #lastMs = Number.NaN;

  /** Adds what an earlier run has seen. */
  load(hours: Iterable<WatchedHour>): void {
    for (const [hour, seconds] of hours) {
      this.#seconds.set(hour, (this.#seconds.get(hour) ?? 0) + seconds);
    }
  }

  /** Says that it is `nowMs` and that all is watched; to be called every few seconds. */
  tick(nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (!(elapsedMs > 0 && elapsedMs <= STEP_MAX_MS)) return;
    const hour = hourOf(nowMs);
    // A step over the full hour belongs to both.
    const here = Math.min(elapsedMs, nowMs - hour * HOUR_MS);
    this.#add(hour, here / 1000);
    if (here < elapsedMs) this.#add(hour - 1, (elapsedMs - here) / 1000);
  }

  readonly isWatched = (hour: number): boolean => {
    return (this.#seconds.get(hour) ?? 0) >= WATCHED_SECONDS;
  };

  /** Hours of the window before `hour` that were watched. */
  watchedBefore(hour: number): number {
    let count = 0;
    for (let at = hour - WINDOW_HOURS; at < hour; at++) if (this.isWatched(at)) count += 1;
    return count;
  }

  /** The newest hour watched before `hour`, or -1: what age is measured by, not a clock. */
  newestBefore(hour: number): number {
    let newest = -1;
    for (const at of this.#seconds.keys()) {
      if (at < hour && at > newest && this.isWatched(at)) newest = at;
    }
    return newest;
  }

  /** What was added since the last call. */
  takeAdded(): WatchedHour[] {
    const added = [...this.#added];
    this.#added.clear();
    return added;
  }

  /** What was taken could not be stored. */
  giveBack(added: Iterable<WatchedHour>): void {
    for (const [hour, seconds] of added) {
      this.#added.set(hour, (this.#added.get(hour) ?? 0) + seconds);
    }
  }

  /** Forgets what lies before `hour`. */
  forgetBefore(hour: number): void {
    for (const at of this.#seconds.keys()) if (at < hour) this.#seconds.delete(at);
  }

  #add(hour: number, seconds: number): void {
    this.#seconds.set(hour, (this.#seconds.get(hour) ?? 0) + seconds);
    this.#added.set(hour, (this.#added.get(hour) ?? 0) + seconds);
  }
}

/**
 * Whether this machine was so busy that nothing in it kept its time: then a slow answer says nothing
 * about the server. Looked at in two ways: by a timer of this process, and by what the kernel counts
 * of each thread that answers, as time in which it could have run and was not let
 * (/proc/PID/task/TID/schedstat).
 */

import { readdirSync, readFileSync } from 'node:fs';

const STEP_MS = 50;
/** How often threads are looked at, and new ones found, in steps. */
const THREADS_STEPS = 5;
const FIND_STEPS = 100;
/** A timer that is so late, or a thread that waited so long of one look, was not let run. */
const LATE_MS = 400;
const WAITED_MS = 200;
/** How long before and after a stall what was under way may be late. */
const AROUND_MS = 6000;
/** Of /proc/PID/task/TID/stat behind the name: those that stand back wait by intent. */
const STAT_NICE = 16;

export interface StallFigures {
  readonly count: number;
  /** Time in which what is late is not judged, ms. */
  readonly coveredMs: number;
  /** The longest that the timer was late, or a thread waited between two looks, ms. */
  readonly longestMs: number;
}

export class Stalls {
  readonly #windows: { readonly fromMs: number; untilMs: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  /** Processes whose threads are looked at, and the time that each has waited, ms. */
  #pids: () => readonly number[] = () => [];
  #waited = new Map<string, number>();
  #steps = 0;
  #lastMs = Date.now();
  #count = 0;
  #longestMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), STEP_MS);
  }

  /** Looks at the threads of these from now on. */
  watch(pids: () => readonly number[]): void {
    this.#pids = pids;
  }

  /** Whether anything stalled about the time between the two. */
  covers(fromMs: number, untilMs: number): boolean {
    return this.#windows.some((one) => untilMs >= one.fromMs && fromMs <= one.untilMs);
  }

  figures(): StallFigures {
    const coveredMs = this.#windows.reduce((sum, one) => sum + one.untilMs - one.fromMs, 0);
    return { count: this.#count, coveredMs, longestMs: Math.round(this.#longestMs) };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    const lateMs = now - this.#lastMs - STEP_MS;
    this.#lastMs = now;
    if (lateMs >= LATE_MS) this.#note(now, lateMs);
    this.#steps++;
    if (this.#steps % THREADS_STEPS !== 0) return;
    const waitedMs = this.#longestWait(this.#steps % FIND_STEPS === 0 || this.#waited.size === 0);
    if (waitedMs >= WAITED_MS) this.#note(now, waitedMs);
  }

  #note(nowMs: number, lateMs: number): void {
    this.#count++;
    this.#longestMs = Math.max(this.#longestMs, lateMs);
    const last = this.#windows.at(-1);
    const fromMs = nowMs - lateMs - AROUND_MS;
    if (last !== undefined && fromMs <= last.untilMs) last.untilMs = nowMs + AROUND_MS;
    else this.#windows.push({ fromMs, untilMs: nowMs + AROUND_MS });
  }

  /** The most that a thread waited since the last look, ms. */
  #longestWait(find: boolean): number {
    if (find) this.#find();
    let longest = 0;
    for (const [path, before] of this.#waited) {
      const waited = waitedOf(path);
      if (waited === null) {
        this.#waited.delete(path);
        continue;
      }
      longest = Math.max(longest, waited - before);
      this.#waited.set(path, waited);
    }
    return longest;
  }

  #find(): void {
    const found = new Map<string, number>();
    for (const pid of this.#pids()) {
      for (const path of threadsOf(pid)) {
        const waited = this.#waited.get(path) ?? waitedOf(path);
        if (waited !== null) found.set(path, waited);
      }
    }
    this.#waited = found;
  }
}

/** Those that do not stand back. */
function threadsOf(pid: number): string[] {
  try {
    const paths = readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}`);
    return paths.filter((path) => {
      const stat = readFileSync(`${path}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[STAT_NICE]) <= 0;
    });
  } catch {
    return []; // it ended meanwhile
  }
}

/** Null for a thread that is gone, or a kernel that does not count. */
function waitedOf(path: string): number | null {
  try {
    return Number(readFileSync(`${path}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return null;
  }
}

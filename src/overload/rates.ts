/**
 * Rates: how many queries, and how many questions upstream, a workload may ask in a second.
 *
 * Fast lane. One bucket of tokens per workload and kind, in memory that all workers share: the
 * kernel deals by address and port, so the queries of a workload with one socket all come to one
 * worker, and a share for each worker would give it a part of what it may. A query costs one atomic
 * subtraction, and nothing at all where no limit is set; beyond the limit one read.
 *
 * ```
 * words of a workload, 64 octets:  0 tokens  1 refusals  2 filled at | 8 tokens  10 filled at
 *                                  queries                             misses
 * ```
 */

import { SHARED_MS, sharedMsNow } from '../clock.ts';
import { UNMAPPED } from '../identity/workloads.ts';
import { Texts, type TextsMemory } from '../policy/texts.ts';
import type { Query } from '../query.ts';

/** What becomes of a query: decided; refused with a reason; dropped before it is read. */
export const ADMITTED = 0;
export const REFUSE = 1;
export const SHED = 2;

const RATE_WORDS = 16;
const TOKENS = 0;
const REFUSALS = 1;
const FILLED_AT = 2;
const MISSES = 8;
/** So many a second are enough to see why, and cost 0.3 % of a core. */
const REFUSALS_MAX = 1000;
const REFUSALS_BURST = 100;
/**
 * What may come at once where the configuration says nothing: hundreds of jobs that begin together
 * behind one workload, a dozen queries each. All of them cost the others 30 ms, once.
 */
export const BURST_MAX = 5000;
/** With so many tokens gone a workload lives on what it has saved. */
const BURST_NOTED = 250;
/** Another thread's clock may be so far ahead; more is a clock that went round. */
const AHEAD_US = -1_000_000;
/** Below this nothing is filled in: parts of tokens would be lost to rounding. */
const STEP_US = 1000;

/** What crosses threads; every array is indexed by the workload number. */
export interface RatesMemory {
  /** Queries a second / 0: without limit. */
  readonly queries: Int32Array;
  /** Queries that may come at once / 1 or more where there is a limit. */
  readonly queriesBurst: Int32Array;
  /** The same of queries that need an upstream. */
  readonly misses: Int32Array;
  readonly missesBurst: Int32Array;
  /** The buckets, RATE_WORDS each. */
  readonly words: Int32Array;
  /** What a refused client is told: text `1 + 2w` about queries, `2 + 2w` about misses. */
  readonly texts: TextsMemory;
}

/** Full, and filled just now: what a bucket counts from must not be the start of the machine. */
export function fullBuckets(queriesBurst: Int32Array, missesBurst: Int32Array): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(queriesBurst.length * RATE_WORDS * 4));
  const nowUs = (sharedMsNow() * 1000) | 0;
  for (const [workload, burst] of queriesBurst.entries()) {
    const at = workload * RATE_WORDS;
    words[at + TOKENS] = burst;
    words[at + REFUSALS] = Math.min(burst, REFUSALS_MAX);
    words[at + FILLED_AT] = nowUs;
    words[at + MISSES + TOKENS] = missesBurst[workload]!;
    words[at + MISSES + FILLED_AT] = nowUs;
  }
  return words;
}

export class Rates {
  readonly memory: RatesMemory;
  readonly texts: Texts;
  /**
   * Whether what `query` admitted last is one of a burst. A burst that somebody asked for, longer
   * than the usual one, is none.
   */
  isBurst = false;

  constructor(memory: RatesMemory) {
    this.memory = memory;
    this.texts = new Texts(memory.texts);
  }

  /**
   * Takes a token for a query whose workload is known. Beyond the limit a workload is refused as
   * often as it is let through, at most 1,000 times a second, so that its owner sees why, and the
   * rest is shed; over TCP all of it is refused, since silence there only keeps the connection.
   * Strangers are shed.
   */
  query(query: Query): number {
    const { workload } = query;
    const rate = this.memory.queries[workload]!;
    this.isBurst = false;
    if (rate === 0) return ADMITTED;
    const at = workload * RATE_WORDS;
    const burst = this.memory.queriesBurst[workload]!;
    this.#fill(at, rate, burst, query.nowMs);
    if (this.#take(at + TOKENS)) {
      const gone = burst - this.memory.words[at + TOKENS]!;
      this.isBurst = gone > BURST_NOTED && burst <= BURST_MAX;
      return ADMITTED;
    }
    if (query.overTcp === 1) return REFUSE;
    return workload !== UNMAPPED && this.#take(at + REFUSALS) ? REFUSE : SHED;
  }

  /** Whether a query of the workload would hardly be decided; takes nothing. */
  isDry(workload: number): boolean {
    if (this.memory.queries[workload] === 0) return false;
    return this.memory.words[workload * RATE_WORDS + TOKENS]! <= 0;
  }

  /** Takes a token for a query that needs an upstream. */
  miss(query: Query): number {
    const { workload } = query;
    const rate = this.memory.misses[workload]!;
    if (rate === 0) return ADMITTED;
    const at = workload * RATE_WORDS + MISSES;
    this.#fill(at, rate, this.memory.missesBurst[workload]!, query.nowMs);
    return this.#take(at + TOKENS) ? ADMITTED : REFUSE;
  }

  #take(at: number): boolean {
    const { words } = this.memory;
    if (words[at]! <= 0) return false;
    if (Atomics.sub(words, at, 1) > 0) return true;
    Atomics.add(words, at, 1);
    return false;
  }

  /** Adds the tokens of the time since; of several workers at once, one does. */
  #fill(at: number, rate: number, burst: number, nowMs: number): void {
    const { words } = this.memory;
    const nowUs = ((nowMs + SHARED_MS) * 1000) | 0;
    const filledAt = Atomics.load(words, at + FILLED_AT);
    const passed = (nowUs - filledAt) | 0;
    if (passed < STEP_US && passed > AHEAD_US) return;
    const due = passed < 0 ? burst : Math.min(burst, Math.floor((passed * rate) / 1e6));
    if (due === 0) return;
    const next = due === burst ? nowUs : (filledAt + Math.ceil((due * 1e6) / rate)) | 0;
    if (Atomics.compareExchange(words, at + FILLED_AT, filledAt, next) !== filledAt) return;
    this.#add(at + TOKENS, due, burst);
    const refusals = Math.min(rate, REFUSALS_MAX);
    const some = Math.ceil((due * refusals) / rate);
    this.#add(at + REFUSALS, some, Math.min(burst, REFUSALS_BURST));
  }

  #add(at: number, due: number, burst: number): void {
    const { words } = this.memory;
    const surplus = Atomics.add(words, at, due) + due - burst;
    if (surplus > 0) Atomics.sub(words, at, surplus);
  }
}

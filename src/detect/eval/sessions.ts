/**
 * Sessions: how far each session of a tool got before something was said about it.
 *
 * What it carried out is counted in octets of distinct names below its zone: what is asked again
 * says nothing new.
 */

import { lowerName, octetsAbove } from './names.ts';
import type { Sample, Truth } from './sample.ts';

const DAY_SECONDS = 86_400;
/** Below this, a session has hardly said anything. */
export const SMALL_OCTETS = 300;
export const LARGE_OCTETS = 1000;

/** `slow`: much, and at no time more than little within a day. `zoneless`: under no domain. */
export type SizeClass = 'small' | 'medium' | 'large' | 'slow' | 'zoneless';

export interface Alarm {
  /** FINDING_*, or 0 for a denial without one. */
  readonly type: number;
  /** Queries up to it, with the one that raised it. */
  readonly queries: number;
  readonly octets: number;
  readonly seconds: number;
}

export class Session {
  readonly truth: Truth;
  readonly source: string;
  readonly client: string;
  queries = 0;
  octets = 0;
  alarm: Alarm | null = null;
  readonly #startSeconds: number;
  readonly #seen = new Set<string>();
  /** When something new was said, and how much in all by then. */
  readonly #times: number[] = [];
  readonly #sums: number[] = [];
  #inZone = 0;

  constructor(truth: Truth, source: string, sample: Sample) {
    this.truth = truth;
    this.source = source;
    this.client = sample.client;
    this.#startSeconds = sample.at;
  }

  /** Counts a query; before what was found with it is told. */
  add(sample: Sample): void {
    this.queries++;
    const name = lowerName(sample.name);
    // A session that is dealt over several domains has one for each query.
    const zone = sample.truth?.zone ?? null;
    const above = zone === null ? -1 : octetsAbove(name, zone);
    if (above !== -1) this.#inZone++;
    const key = Buffer.from(name).toString('latin1');
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.octets += above === -1 ? Math.max(0, name.length - 2) : above;
    this.#times.push(sample.at);
    this.#sums.push(this.octets);
  }

  raise(type: number, sample: Sample): void {
    const { queries, octets } = this;
    this.alarm ??= { type, queries, octets, seconds: sample.at - this.#startSeconds };
  }

  get sizeClass(): SizeClass {
    if (this.#inZone * 2 < this.queries) return 'zoneless';
    if (this.octets < SMALL_OCTETS) return 'small';
    if (this.#mostInADay() < SMALL_OCTETS) return 'slow';
    return this.octets < LARGE_OCTETS ? 'medium' : 'large';
  }

  #mostInADay(): number {
    const times = this.#times;
    const sums = this.#sums;
    let most = 0;
    let first = 0;
    for (let last = 0; last < times.length; last++) {
      while ((times[last] ?? 0) - (times[first] ?? 0) >= DAY_SECONDS) first++;
      most = Math.max(most, (sums[last] ?? 0) - (sums[first - 1] ?? 0));
    }
    return most;
  }
}

/** Sessions that a detector can be asked to find: the main rate. */
export function isMain({ sizeClass }: Session): boolean {
  return sizeClass === 'medium' || sizeClass === 'large';
}

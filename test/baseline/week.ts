/** Weeks of made-up traffic: what was counted hour by hour, and what is usual after it. */

import { WEEK_HOURS } from '../../src/baseline/hours.ts';
import { type BaselineSettings, DEFAULTS } from '../../src/baseline/settings.ts';
import {
  type HourRow,
  type IsWatched,
  Past,
  type Usual,
  usualOf,
} from '../../src/baseline/usual.ts';

/** Monday 2026-03-02, 00:00 UTC. */
export const MONDAY = Date.UTC(2026, 2, 2) / 3_600_000;

export interface Counted {
  readonly queries: number;
  readonly fresh?: number;
  readonly nxdomain?: number;
}

export interface Told {
  readonly hour: number;
  readonly kind: 'queries' | 'fresh' | 'nxdomain';
}

/** One workload through time, hour by hour, as the recorder treats it. */
export class Weeks {
  readonly rows: HourRow[] = [];
  readonly told: Told[] = [];
  hour: number;
  readonly #settings: BaselineSettings;
  readonly #isWatched: IsWatched;

  constructor(from = MONDAY, settings: BaselineSettings = DEFAULTS, isWatched?: IsWatched) {
    this.hour = from;
    this.#settings = settings;
    this.#isWatched = isWatched ?? (() => true);
  }

  /** What is usual in the hour that comes. */
  get usual(): Usual {
    return usualOf(new Past(this.rows, this.#isWatched, this.hour), this.#settings);
  }

  /** Lives through `hours` hours; `traffic` is given the hours since Monday 00:00. */
  pass(hours: number, traffic: (hour: number) => Counted | number): this {
    for (let i = 0; i < hours; i++) this.#passOne(traffic(this.hour - MONDAY));
    return this;
  }

  weeks(count: number, traffic: (hour: number) => Counted | number): this {
    return this.pass(count * WEEK_HOURS, traffic);
  }

  #passOne(traffic: Counted | number): void {
    const counted = typeof traffic === 'number' ? { queries: traffic } : traffic;
    const { queries, fresh = 0, nxdomain = 0 } = counted;
    const { usual, hour } = this;
    if (queries > usual.queries.limit) this.told.push({ hour, kind: 'queries' });
    if (fresh > usual.fresh.limit) this.told.push({ hour, kind: 'fresh' });
    const isBurst = nxdomain > usual.nxdomain.limit && nxdomain / queries > usual.shareLimit;
    if (isBurst) this.told.push({ hour, kind: 'nxdomain' });
    this.hour += 1;
    if (queries === 0) return;
    this.rows.push({
      hour,
      queries,
      denied: 0,
      failed: 0,
      nxdomain,
      domains: 1,
      fresh,
      dayDomains: 1,
      learntQueries: Math.min(queries, usual.queries.cap),
      learntFresh: Math.min(fresh, usual.fresh.cap),
      learntNxdomain: Math.min(nxdomain, usual.nxdomain.cap),
    });
  }
}

/** Seeded and small (mulberry32): a value in 0..1 at each call. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A count with that mean: Poisson, and beyond 50 the normal law that it comes to. */
export function poisson(mean: number, random: () => number): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(random() || 1e-12)) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let count = 0;
  for (let left = Math.exp(-mean), product = random(); product > left; product *= random()) count++;
  return count;
}

/**
 * Compiles the rate limits to the tables of rates.ts. Control plane, once per reload; every bucket
 * is full then.
 */

import type { Config, OwnRateLimit, RateLimit } from '../config/types.ts';
import { UNMAPPED_NAME } from '../identity/workloads.ts';
import { packTexts } from '../policy/rules.ts';
import { BURST_MAX, fullBuckets, type RatesMemory } from './rates.ts';

/** Who is limited, and what a person may do about it. */
interface Limited {
  readonly name: string;
  readonly limit: RateLimit;
  /** `; ask team-payments, policy: payments.yaml:12`. */
  readonly ask: string;
}

/** @param asks by workload of the configuration: whom to ask */
export function compileRates(config: Config, asks: readonly string[]): RatesMemory {
  const all: Limited[] = [
    { name: UNMAPPED_NAME, limit: over(config.unmapped.rateLimit, config.rateLimit), ask: '' },
    ...config.workloads.map(({ name, rateLimit }, i) => {
      return { name, limit: over(rateLimit, config.rateLimit), ask: `; ${asks[i] ?? ''}` };
    }),
  ];
  const queries = shared(all.map(({ limit }) => limit.queries));
  const misses = shared(all.map(({ limit }) => limit.misses));
  const queriesBurst = shared(all.map(({ limit }) => burstOf(limit.queries, limit)));
  const missesBurst = shared(all.map(({ limit }) => burstOf(limit.misses, limit)));
  return {
    queries,
    queriesBurst,
    misses,
    missesBurst,
    words: fullBuckets(queriesBurst, missesBurst),
    texts: packTexts(['', ...all.flatMap(textsOf)]),
  };
}

/** The same for questions that no client waits for. */
export function withoutLimits(config: Config): Config {
  const rateLimit = { queries: 0, misses: 0, burstMs: null };
  return {
    ...config,
    rateLimit,
    unmapped: { ...config.unmapped, rateLimit },
    workloads: config.workloads.map((workload) => ({ ...workload, rateLimit })),
  };
}

/** What somebody says about itself, over what holds for all. */
function over(own: OwnRateLimit, main: RateLimit): RateLimit {
  return {
    queries: own.queries ?? main.queries,
    misses: own.misses ?? main.misses,
    burstMs: own.burstMs ?? main.burstMs,
  };
}

function burstOf(rate: number, { burstMs }: RateLimit): number {
  if (rate === 0) return 0;
  if (burstMs === null) return Math.min(rate, BURST_MAX);
  return Math.max(1, Math.ceil((rate * burstMs) / 1000));
}

function textsOf({ name, limit, ask }: Limited): [string, string] {
  const text = (rate: number, what: string): string =>
    rate === 0 ? '' : `${name}: rate limited, more than ${rate} ${what}/s${ask}`;
  return [text(limit.queries, 'queries'), text(limit.misses, 'queries upstream')];
}

/** `2000 queries/s, 200 upstream/s`; '' without a limit. */
export function rateText(workload: number, { queries, misses }: RatesMemory): string {
  const [ofQueries = 0, ofMisses = 0] = [queries[workload], misses[workload]];
  return [
    ofQueries === 0 ? '' : `${ofQueries} queries/s`,
    ofMisses === 0 ? '' : `${ofMisses} upstream/s`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function shared(values: readonly number[]): Int32Array {
  const array = new Int32Array(new SharedArrayBuffer(values.length * 4));
  array.set(values);
  return array;
}

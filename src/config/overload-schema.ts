/** The schema of `rate_limit`: how much of the resolver one workload may take. */

import { z } from 'zod';
import { count, duration } from './leaves.ts';
import * as limits from './limits.ts';
import type { OwnRateLimit, RateLimit } from './types.ts';

const QUERIES = 'Queries a second of one workload, all workers together; 0 for no limit.';
const MISSES = 'The same of queries that the answer store cannot answer.';
const BURST = 'What may come at once, as the time in which so much may come.';

export const rateLimitSchema = z
  .strictObject({
    queries: count(limits.RATE, QUERIES),
    misses: count(limits.RATE, MISSES),
    burst: duration(limits.BURST, BURST),
  })
  .prefault({})
  .meta({ description: 'What each workload may ask; docs/overload.md.' });

const { min, max } = limits.RATE;

/** What a workload may set for itself; nothing of it has a default there. */
export const workloadRateLimit = z
  .strictObject({
    queries: z.int().min(min).max(max).meta({ description: QUERIES }).optional(),
    misses: z.int().min(min).max(max).meta({ description: MISSES }).optional(),
    burst: duration(limits.BURST, BURST).unwrap().optional(),
  })
  .prefault({})
  .meta({ description: 'In place of the main `rate_limit`, key by key.' });

type Input<T> = { readonly [K in keyof T]?: T[K] | undefined };
type Own = Input<z.output<typeof workloadRateLimit>> | undefined;

export function ownRateLimit(input: Own): OwnRateLimit {
  return {
    queries: input?.queries ?? null,
    misses: input?.misses ?? null,
    burstMs: input?.burst ?? null,
  };
}

export function rateLimitOf(input: z.output<typeof rateLimitSchema> | undefined): RateLimit {
  return {
    queries: input?.queries ?? 0,
    misses: input?.misses ?? 0,
    burstMs: input?.burst ?? 0,
  };
}

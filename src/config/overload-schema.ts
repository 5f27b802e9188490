/** The schema of `rate_limit`: how much of the resolver one workload may take. */

import { z } from 'zod';
import type { ResponseLimit } from '../overload/responses.ts';
import { count, duration } from './leaves.ts';
import * as limits from './limits.ts';
import type { OwnRateLimit, RateLimit } from './types.ts';

const QUERIES = 'Queries a second of one workload, all workers together; 0 for no limit.';
const MISSES = 'The same of queries that the answer store cannot answer.';
const burst = duration(
  { ...limits.BURST, default: limits.BURST.min },
  'What may come at once, as the time in which so much may come; 1s and at most 5,000 without it.',
)
  .unwrap()
  .optional();

export const rateLimitSchema = z
  .strictObject({
    queries: count(limits.QUERY_RATE, QUERIES),
    misses: count(limits.MISS_RATE, MISSES),
    burst,
  })
  .prefault({})
  .meta({ description: 'What each workload may ask; docs/overload.md.' });

export const responseLimitSchema = z
  .strictObject({
    rate: count(
      limits.RESPONSE_RATE,
      'Responses a second over UDP to one network (IPv4 /24, IPv6 /56); 0 for no limit.',
    ),
    slip: count(
      limits.RESPONSE_SLIP,
      'Of those beyond, every so manieth is sent as TC=1, so that who is real asks over TCP.',
    ),
    workloads: z.boolean().default(false).meta({
      description: 'Also responses to workloads, where they are larger than the query.',
    }),
  })
  .prefault({})
  .meta({ description: 'Responses to sources that no workload claims; docs/overload.md.' });

export function responseLimitOf(
  input: z.output<typeof responseLimitSchema> | undefined,
): ResponseLimit {
  const { rate = 0, slip = 0, workloads = false } = input ?? {};
  return { rate, slip, workloads: workloads ? 1 : 0 };
}

const { min, max } = limits.QUERY_RATE;

/** What a workload may set for itself; nothing of it has a default there. */
export const workloadRateLimit = z
  .strictObject({
    queries: z.int().min(min).max(max).meta({ description: QUERIES }).optional(),
    misses: z.int().min(min).max(max).meta({ description: MISSES }).optional(),
    burst,
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
    burstMs: input?.burst ?? null,
  };
}

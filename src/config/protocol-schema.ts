/** The schema of what clients are answered beyond the policy: the answer store and cookies. */

import { z } from 'zod';
import { duration, size } from './leaves.ts';
import * as limits from './limits.ts';

export const cacheSchema = z
  .strictObject({
    size: size(limits.CACHE_SIZE, 'Memory for answers, per worker.'),
    min_ttl: duration(limits.CACHE_MIN_TTL, 'Shortest time that an answer is kept.'),
    max_ttl: duration(limits.CACHE_MAX_TTL, 'Longest time that an answer is kept.'),
    max_negative_ttl: duration(
      limits.CACHE_MAX_NEGATIVE_TTL,
      'Longest time that a negative answer is kept (RFC 2308).',
    ),
    serve_stale: duration(
      limits.CACHE_SERVE_STALE,
      'How long past its end an answer serves while no upstream answers (RFC 8767).',
    ),
    client_response_timer: duration(
      limits.CACHE_CLIENT_RESPONSE,
      'After how long clients get such an answer while the upstreams are still asked; `0s`: when ' +
        'they have failed.',
    ),
    prefetch: z.boolean().default(true).meta({
      description: 'Ask for answers that are in use anew, shortly before their time is over.',
    }),
  })
  .prefault({})
  .meta({ description: 'The answer store.' });

/** From whom a valid server cookie is required over UDP. */
export const COOKIES_REQUIRED = ['none', 'offered', 'all'] as const;

export const cookiesSchema = z
  .strictObject({
    answer: z.boolean().default(true).meta({
      description:
        'Answer the cookies of clients; `false` behind an address that other servers answer, too.',
    }),
    required: z
      .enum(COOKIES_REQUIRED)
      .default('none')
      .meta({
        description:
          'Over UDP, answer nothing without a valid server cookie to clients that send a cookie ' +
          '(`offered`, BADCOOKIE), or to any (`all`, the others are sent to TCP).',
      }),
  })
  .prefault({})
  .meta({ description: 'DNS cookies (RFC 7873), docs/protocol.md.' });

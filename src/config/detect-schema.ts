/** The schema of `detect`: what queries are scored for, and what a workload may set for itself. */

import { z } from 'zod';
import { duration, pattern, size } from './leaves.ts';
import * as limits from './limits.ts';
import { networksSchema, reputationSchema, workloadReputation } from './reputation-schema.ts';

/** What a workload may set for itself; nothing of it has a default there. */
const tunnelShape = {
  threshold: z.int().min(limits.TUNNEL_THRESHOLD.min).max(limits.TUNNEL_THRESHOLD.max).meta({
    description: 'Bytes of novel information in names under one domain, decayed over a day.',
  }),
  action: z.enum(['alert', 'deny']).meta({
    description: '`alert` only tells; `deny` also denies the domain to the workload for a time.',
  }),
};

const baselineShape = {
  action: z.enum(['alert', 'off']).meta({
    description: '`alert` tells what is more than usual; `off` counts and shows it only.',
  }),
  factor: z.int().min(limits.BASELINE_FACTOR.min).max(limits.BASELINE_FACTOR.max).meta({
    description: 'How many times the usual of an hour is told.',
  }),
};

const generatedShape = {
  threshold: z.int().min(limits.GENERATED_THRESHOLD.min).max(limits.GENERATED_THRESHOLD.max).meta({
    description: 'Bits of evidence by spelling, over distinct names that do not exist.',
  }),
  burst: z.int().min(limits.BURST_THRESHOLD.min).max(limits.BURST_THRESHOLD.max).meta({
    description: 'Bits of evidence that such names are words of a dictionary in a row.',
  }),
  action: z.enum(['alert', 'deny']).meta({
    description: '`alert` only tells; `deny` also denies names like them for a time.',
  }),
};

export const workloadDetect = z
  .strictObject({
    reputation: workloadReputation,
    baseline: z
      .strictObject({
        action: baselineShape.action.optional(),
        factor: baselineShape.factor.optional(),
      })
      .prefault({})
      .meta({ description: 'In place of `detect.baseline`, key by key.' }),
    tunnel: z
      .strictObject({
        threshold: tunnelShape.threshold.optional(),
        action: tunnelShape.action.optional(),
      })
      .prefault({})
      .meta({ description: 'In place of `detect.tunnel`, key by key.' }),
    generated: z
      .strictObject({
        threshold: generatedShape.threshold.optional(),
        burst: generatedShape.burst.optional(),
        action: generatedShape.action.optional(),
      })
      .prefault({})
      .meta({ description: 'In place of `detect.generated`, key by key.' }),
  })
  .meta({ description: 'In place of the main `detect`, key by key.' });

export const detectSchema = z
  .strictObject({
    memory: size(limits.DETECT_MEMORY, 'Memory for ledgers, shared by all workers.'),
    tunnel: z
      .strictObject({
        threshold: tunnelShape.threshold.default(limits.TUNNEL_THRESHOLD.default),
        action: tunnelShape.action.default('alert'),
        deny_for: duration(limits.DETECT_DENY_FOR, 'How long `deny` holds.'),
      })
      .prefault({})
      .meta({ description: 'Data that leaves in names.' }),
    generated: z
      .strictObject({
        threshold: generatedShape.threshold.default(limits.GENERATED_THRESHOLD.default),
        burst: generatedShape.burst.default(limits.BURST_THRESHOLD.default),
        action: generatedShape.action.default('alert'),
        deny_for: duration(limits.DETECT_DENY_FOR, 'How long `deny` holds.'),
      })
      .prefault({})
      .meta({ description: 'Names that a domain generation algorithm makes.' }),
    reputation: reputationSchema,
    networks: networksSchema,
    baseline: z
      .strictObject({
        action: baselineShape.action.default('alert'),
        factor: baselineShape.factor.default(limits.BASELINE_FACTOR.default),
        learning: duration(
          limits.BASELINE_LEARNING,
          'What must have been watched before hours of the week are compared.',
        ),
        burn_in: duration(
          limits.BASELINE_BURN_IN,
          'For how long after its first query the new domains of a workload are summed up.',
        ),
      })
      .prefault({})
      .meta({ description: 'What each workload usually does, by the hour of the week.' }),
    quiet: z.array(pattern).prefault([]).meta({
      description: 'Names that carry much by their nature: counted, never told or denied.',
    }),
  })
  .prefault({})
  .meta({ description: 'What queries are scored for.' });

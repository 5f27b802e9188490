/**
 * What an entry of `alerts` says about which alerts it takes and how many; where they go is the
 * business of sinks.ts.
 */

import { z } from 'zod';
import { ALERT_TYPES, type AlertType } from '../alerts/alert.ts';
import type { Reference } from './check.ts';
import { ALERTS_PER_MINUTE } from './limits.ts';
import { isRecord } from './salvage.ts';
import type { Sink } from './sink-types.ts';
import type { Source } from './source.ts';

/** RFC 5424 6.2.1, in the order of their numbers: the first is the worst. */
export const SEVERITIES = [
  'emergency',
  'alert',
  'critical',
  'error',
  'warning',
  'notice',
  'info',
  'debug',
] as const;

/** Stands for the sources that no workload claims. */
const UNMAPPED = 'unmapped';
const TYPES = Object.keys(ALERT_TYPES) as [AlertType, ...AlertType[]];

/** Keys of a sink. */
export const takesShape = {
  types: z
    .array(z.enum(TYPES))
    .min(1, { error: 'empty; name alert types or remove the key' })
    .optional()
    .meta({ description: 'Only alerts of these types; all when not given.' }),
  severity: z
    .enum(SEVERITIES)
    .optional()
    .meta({ description: 'Only alerts of this severity or a worse one; all when not given.' }),
  workloads: z
    .array(z.string())
    .min(1, { error: 'empty; name workloads or remove the key' })
    .optional()
    .meta({
      description:
        'Only alerts about these workloads, `unmapped` for what none claims; all when not given.',
    }),
  max_per_minute: z.int().min(ALERTS_PER_MINUTE.min).max(ALERTS_PER_MINUTE.max).optional().meta({
    description: 'Alerts of each severity a minute at most; what is held back is counted and told.',
  }),
} as const;

type Takes = z.output<z.ZodObject<typeof takesShape>>;

/** The same in the validated configuration; what is not given has no key. */
export function takesOf(
  input: Takes,
): Pick<Sink, 'types' | 'severity' | 'workloads' | 'maxPerMinute'> {
  const { types, severity, workloads, max_per_minute: maxPerMinute } = input;
  return {
    ...(types === undefined ? {} : { types }),
    ...(severity === undefined ? {} : { severity: SEVERITIES.indexOf(severity) }),
    ...(workloads === undefined ? {} : { workloads }),
    ...(maxPerMinute === undefined ? {} : { maxPerMinute }),
  };
}

/** The workloads that sinks name, to be looked up when all files are read. */
export function sinkReferences({ document, value }: Source): Reference[] {
  const sinks = Array.isArray(value['alerts']) ? value['alerts'] : [];
  return sinks.flatMap((sink: unknown, i) => {
    const names = isRecord(sink) ? sink['workloads'] : null;
    if (!Array.isArray(names)) return [];
    return names.flatMap((name: unknown, j): Reference[] => {
      if (typeof name !== 'string' || name === UNMAPPED) return [];
      const path = ['alerts', i, 'workloads', j];
      return [{ kind: 'workload', name, path, at: document.at(path) }];
    });
  });
}

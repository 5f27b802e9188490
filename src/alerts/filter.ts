/**
 * Filter: which alerts a sink wants, by what its entry in the configuration says. How many of them
 * it takes is the business of rate-cap.ts.
 */

import type { Sink } from '../config/sink-types.ts';
import { UNMAPPED_NAME } from '../identity/workloads.ts';
import type { Alert } from './alert.ts';

/** How a configuration names the sources that no workload claims. */
const UNMAPPED_KEY = 'unmapped';

type Wanted = Pick<Sink, 'types' | 'severity' | 'workloads'>;

/** What is not given lets everything through; an alert about no workload is of none. */
export function sinkFilter({ types, severity, workloads }: Wanted): (alert: Alert) => boolean {
  const named = workloads?.map((name) => (name === UNMAPPED_KEY ? UNMAPPED_NAME : name));
  const wanted = { types: setOf(types), workloads: setOf(named) };
  return (alert) =>
    wanted.types?.has(alert.type) !== false &&
    (severity === undefined || alert.severity <= severity) &&
    wanted.workloads?.has(alert.workload ?? '') !== false;
}

function setOf(names: readonly string[] | undefined): ReadonlySet<string> | null {
  return names === undefined ? null : new Set(names);
}

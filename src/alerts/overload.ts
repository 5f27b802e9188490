/** Rate limits -> alerts: a workload that asks more than it may. */

import { type Alert, makeAlert, rfc3339 } from './alert.ts';
import { aboutWorkload, grouped } from './unusual.ts';

/** Queries of one workload that were refused or dropped between two looks. */
export interface Limited {
  readonly workload: string;
  readonly owner: string | null;
  readonly env: string | null;
  readonly count: number;
  /** `2000 queries/s, 200 upstream/s`; '' where only its share of an overload was taken. */
  readonly limit: string;
  /** ms since 1970. */
  readonly sinceMs: number;
  readonly atMs: number;
}

export function fromLimited(limited: Limited): Alert {
  const { workload, owner, env, count, limit, sinceMs, atMs } = limited;
  const why = limit === '' ? 'the resolver was overloaded' : `it may ask ${limit}`;
  return makeAlert('rate-limited', {
    ...aboutWorkload(workload, { describe: () => ({ owner, env }) }),
    time: rfc3339(atMs),
    registrable_domain: null,
    reason: `${grouped(count)} queries were refused or dropped: ${why}`,
    unusual_hour: null,
    count,
    window: { first: rfc3339(sinceMs), last: rfc3339(atMs) },
  });
}

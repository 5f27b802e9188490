/** The words of the query log and dnstap: short, stable, and part of the documented format. */

import {
  REASON_BUDGET,
  REASON_BUNDLE,
  REASON_CHAIN,
  REASON_DOMAIN_QUARANTINE,
  REASON_EVERYONE_ALLOW,
  REASON_EXCEPTION,
  REASON_EXCEPTION_OVER_FEEDS,
  REASON_FEED,
  REASON_GENERATED,
  REASON_GLOBAL_DENY,
  REASON_LIFELINE,
  REASON_LOCAL_ZONE,
  REASON_MODE,
  REASON_NETWORK,
  REASON_QUARANTINE,
  REASON_REBINDING,
  REASON_REPUTATION,
  REASON_SPECIAL_USE,
  REASON_TUNNEL,
  REASON_UNMAPPED,
  REASON_WORKLOAD_ALLOW,
  REASON_WORKLOAD_DENY,
} from '../events/kinds.ts';

/** `refused`: no name was decided about; `dropped`: the client got nothing. */
export type Verdict = 'allowed' | 'denied' | 'refused' | 'dropped';

/** By MODE_*. */
export const MODES = ['enforce', 'report', 'open'] as const;

/** By REASON_*. */
export const REASONS: Readonly<Record<number, string>> = {
  [REASON_UNMAPPED]: 'unmapped',
  [REASON_GLOBAL_DENY]: 'everyone-deny',
  [REASON_FEED]: 'feed',
  [REASON_WORKLOAD_DENY]: 'workload-deny',
  [REASON_WORKLOAD_ALLOW]: 'workload-allow',
  [REASON_BUNDLE]: 'bundle',
  [REASON_EVERYONE_ALLOW]: 'everyone-allow',
  [REASON_LOCAL_ZONE]: 'local-zone',
  [REASON_MODE]: 'mode',
  [REASON_CHAIN]: 'chain',
  [REASON_REBINDING]: 'rebinding',
  [REASON_SPECIAL_USE]: 'special-use',
  [REASON_TUNNEL]: 'tunnel',
  [REASON_BUDGET]: 'budget',
  [REASON_REPUTATION]: 'reputation',
  [REASON_GENERATED]: 'generated-names',
  [REASON_NETWORK]: 'network',
  [REASON_QUARANTINE]: 'quarantine',
  [REASON_DOMAIN_QUARANTINE]: 'domain-quarantine',
  [REASON_LIFELINE]: 'lifeline',
  [REASON_EXCEPTION_OVER_FEEDS]: 'exception-over-feeds',
  [REASON_EXCEPTION]: 'exception',
};

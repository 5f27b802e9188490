/**
 * Detectors: what people call each kind of finding, and what its findings are about. For the slow
 * lane; a worker knows a finding by its number.
 */

import {
  FINDING_BUDGET,
  FINDING_BURST,
  FINDING_DOWNLOAD,
  FINDING_GENERATED,
  FINDING_REPUTATION,
  FINDING_SPREAD,
  FINDING_TENANT,
  FINDING_TUNNEL,
} from '../events/kinds.ts';

/**
 * `domain`: one registrable domain. `workload`: all that a workload asks for; the name is that of
 * the last query only. `rule`: all that a workload asks for by one rule.
 */
export type Scope = 'domain' | 'workload' | 'rule';

export interface Detector {
  /** As alerts, `explain` and `status` have it; stable. */
  readonly name: string;
  readonly scope: Scope;
  /** 1 where a higher score is worse, -1 where a lower one is. */
  readonly sign: 1 | -1;
}

/** By FINDING_*. */
const DETECTORS: ReadonlyMap<number, Detector> = new Map([
  [FINDING_TUNNEL, { name: 'tunnel', scope: 'domain', sign: 1 }],
  [FINDING_SPREAD, { name: 'spread', scope: 'workload', sign: 1 }],
  [FINDING_TENANT, { name: 'tenant', scope: 'workload', sign: 1 }],
  [FINDING_DOWNLOAD, { name: 'download', scope: 'domain', sign: 1 }],
  [FINDING_GENERATED, { name: 'generated', scope: 'workload', sign: 1 }],
  [FINDING_BURST, { name: 'burst', scope: 'workload', sign: 1 }],
  [FINDING_BUDGET, { name: 'budget', scope: 'rule', sign: 1 }],
  [FINDING_REPUTATION, { name: 'reputation', scope: 'domain', sign: -1 }],
]);

/** Names of all detectors, in the order of their numbers. */
export const DETECTOR_NAMES: readonly string[] = [...DETECTORS.values()].map(({ name }) => name);

const BY_NAME = new Map([...DETECTORS.values()].map((detector) => [detector.name, detector]));

/** Also for a number that a newer version wrote, or nobody. */
export function detectorOf(type: number): Detector {
  return DETECTORS.get(type) ?? { name: `detector-${type}`, scope: 'domain', sign: 1 };
}

/** Also for a name that nobody has. */
export function detectorNamed(name: string): Detector {
  return BY_NAME.get(name) ?? { name, scope: 'domain', sign: 1 };
}

/** Observations and alerts for the tests of this folder: one honest default, overridden per row. */

import type { Alert } from '../../src/alerts/alert.ts';
import { type Directory, fromObservation } from '../../src/alerts/observe.ts';
import {
  FINDING_TUNNEL,
  MODE_ENFORCE,
  REASON_TUNNEL,
  REASON_WORKLOAD_ALLOW,
} from '../../src/events/kinds.ts';
import type {
  Observation,
  ObservationCounts,
  ObservedFinding,
} from '../../src/history/observation.ts';

export const T0 = Date.UTC(2026, 10, 23, 12, 0, 0);

export const directory: Directory = {
  describe: (workload) =>
    workload === 'payments-api'
      ? { owner: 'team-payments', env: 'prod' }
      : { owner: null, env: null },
  feedName: (feed, revision) => (feed === 1 && revision === 7 ? 'malware' : null),
};

const NONE: ObservationCounts = { allowed: 0, denied: 0, wouldDeny: 0, failed: 0 };

export type Facts = Partial<Omit<Observation, 'counts'>> & { counts?: Partial<ObservationCounts> };

/** One allowed query for www.partner.example that the history did not hold before. */
export function observation(facts: Facts = {}): Observation {
  return {
    isNew: true,
    stored: true,
    workload: 'payments-api',
    workloadId: 1,
    revision: 7,
    ruleId: 3,
    rule: 'dnsvalve.yaml:12:9 *.partner.example',
    reason: REASON_WORKLOAD_ALLOW,
    mode: MODE_ENFORCE,
    flags: 0,
    qname: 'www.partner.example',
    registrable: 'partner.example',
    qtype: 1,
    source: '10.20.1.4',
    answers: ['192.0.2.80'],
    feed: 0,
    firstMs: T0,
    lastMs: T0,
    firstSeenMs: T0,
    finding: null,
    ...facts,
    counts: { ...NONE, ...(facts.counts ?? { allowed: 1 }) },
  };
}

export function alert(facts: Facts = {}): Alert {
  const [first] = fromObservation(observation(facts), directory);
  if (first === undefined) throw new Error('the observation makes no alert');
  return first;
}

/** What the tunnel detector found about one query; `found` in place of its numbers. */
export function finding(found: Partial<ObservedFinding> = {}, facts: Facts = {}): Observation {
  const numbers = {
    type: FINDING_TUNNEL,
    score: 187,
    threshold: 160,
    parts: [31, 240, 35, 96, 16],
  };
  const denied = found.denied === true;
  const counts = denied ? { denied: 1 } : { allowed: 1 };
  const reason = denied ? REASON_TUNNEL : REASON_WORKLOAD_ALLOW;
  const shown = { isNew: false, answers: [], reason, counts, ...facts };
  return observation({ ...shown, finding: { ...numbers, denied, ...found } });
}

export function findingAlert(found: Partial<ObservedFinding> = {}, facts: Facts = {}): Alert {
  const [one] = fromObservation(finding(found, facts), directory);
  if (one === undefined) throw new Error('the finding makes no alert');
  return one;
}

/** A denied query for host `n` of a domain of its own, so that nothing folds. */
export function deniedAlert(n: number): Alert {
  return alert({
    isNew: false,
    counts: { denied: 1 },
    qname: `www.d${n}.example`,
    registrable: `d${n}.example`,
  });
}

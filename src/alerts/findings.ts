/**
 * Finding -> alert: which type, severity and technique each detector's findings have. The words are
 * those of detect/wording.ts, as everywhere.
 */

import { detectorOf } from '../detect/detectors.ts';
import { describe, type Part } from '../detect/wording.ts';
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
import type { Observation, ObservedFinding } from '../history/observation.ts';
import { type AlertType, ERROR, type FindingFields, WARNING } from './alert.ts';
import { plain } from './text.ts';

interface FindingAlert {
  readonly type: AlertType;
  readonly severity: number;
  readonly technique: string | null;
}

/**
 * By FINDING_*. Data that leaves under one domain, or dealt over many, is an error: it is out. The
 * other ledgers of the tunnel detector meet more of what is harmless, and a used up budget is a
 * limit that held. T1071.004 is a channel over DNS; T1048 is a way out beside the usual ones, where
 * no one server need be at the other end.
 */
export const FINDING_ALERTS: ReadonlyMap<number, FindingAlert> = new Map([
  [FINDING_TUNNEL, { type: 'tunnel', severity: ERROR, technique: 'T1071.004' }],
  [FINDING_SPREAD, { type: 'tunnel', severity: ERROR, technique: 'T1048' }],
  [FINDING_TENANT, { type: 'tunnel', severity: WARNING, technique: 'T1048' }],
  [FINDING_DOWNLOAD, { type: 'tunnel', severity: WARNING, technique: 'T1071.004' }],
  [FINDING_GENERATED, { type: 'dga', severity: WARNING, technique: 'T1568.002' }],
  [FINDING_BURST, { type: 'dga', severity: WARNING, technique: 'T1568.002' }],
  [FINDING_BUDGET, { type: 'tunnel', severity: WARNING, technique: 'T1048' }],
  [FINDING_REPUTATION, { type: 'low-reputation', severity: WARNING, technique: 'T1071.004' }],
]);

/** Of a number that nobody knows: told all the same. */
const UNKNOWN: FindingAlert = { type: 'tunnel', severity: WARNING, technique: null };

export interface FindingText {
  readonly type: AlertType;
  readonly reason: string;
  readonly fields: FindingFields;
}

/** What an alert about `found` says beyond who, what and when. */
export function tellFinding(seen: Observation, found: ObservedFinding): FindingText {
  const { type, severity, technique } = FINDING_ALERTS.get(found.type) ?? UNKNOWN;
  const { name, scope } = detectorOf(found.type);
  const { summary, parts } = describe(found.type, found.score, found.threshold, found.parts);
  const fields = {
    severity,
    technique,
    registrable_domain: scope === 'domain' ? plain(seen.registrable) : null,
    detector: name,
    score: found.score,
    threshold: found.threshold,
    parts: parts.map(plainPart),
  };
  return { type, reason: plain(summary), fields };
}

function plainPart({ name, value, text }: Part): Part {
  return { name, value: typeof value === 'string' ? plain(value) : value, text: plain(text) };
}

/** Finding: what a detector told, out of its record. */

import {
  AT_FINDING,
  AT_IS_DENIED,
  AT_NAME,
  AT_PARTS,
  AT_REGISTRABLE,
  AT_SCORE,
  AT_THRESHOLD,
  FINDING_BUDGET,
  FINDING_BURST,
  FINDING_DOWNLOAD,
  FINDING_GENERATED,
  FINDING_REPUTATION,
  FINDING_SPREAD,
  FINDING_TENANT,
  FINDING_TUNNEL,
  PARTS,
} from '../../events/kinds.ts';
import type { RingReader } from '../../events/ring.ts';
import { nameToText } from '../../wire/text.ts';

export interface Finding {
  /** FINDING_*. */
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  readonly isDenied: boolean;
  /** Registrable domain; of a finding about a whole workload, that of its last query. */
  readonly domain: string;
  readonly parts: readonly number[];
}

/** How a report calls a type. */
export const FINDING_NAMES: ReadonlyMap<number, string> = new Map([
  [FINDING_TUNNEL, 'tunnel'],
  [FINDING_SPREAD, 'spread'],
  [FINDING_TENANT, 'tenant'],
  [FINDING_DOWNLOAD, 'download'],
  [FINDING_GENERATED, 'generated'],
  [FINDING_BURST, 'burst'],
  [FINDING_BUDGET, 'budget'],
  [FINDING_REPUTATION, 'reputation'],
]);

/** Data in names and answers: what finds a tunnel. */
export const CARRIES = new Set([FINDING_TUNNEL, FINDING_SPREAD, FINDING_TENANT, FINDING_DOWNLOAD]);
/** About a workload, and no domain of it. */
export const OF_WORKLOAD = new Set([
  FINDING_SPREAD,
  FINDING_TENANT,
  FINDING_GENERATED,
  FINDING_BURST,
]);

/** @param at where the reader's record starts */
export function readFinding({ octets, view }: RingReader, at: number): Finding {
  const nameAt = at + AT_NAME + (octets[at + AT_REGISTRABLE] ?? 0);
  return {
    type: octets[at + AT_FINDING] ?? 0,
    score: view.getUint32(at + AT_SCORE, true),
    threshold: view.getUint32(at + AT_THRESHOLD, true),
    isDenied: view.getUint32(at + AT_IS_DENIED, true) === 1,
    domain: nameToText(octets.slice(nameAt, at + AT_NAME + 255)),
    parts: Array.from({ length: PARTS }, (_, i) => view.getInt32(at + AT_PARTS + 4 * i, true)),
  };
}

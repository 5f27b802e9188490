/** Names that were seen, from their text. */

import type { SeenName } from '../../../src/learn/seen.ts';
import { NOON } from '../../history/support/records.ts';

export const DAY = 86_400_000;
/** Two weeks before NOON. */
export const START = NOON - 14 * DAY;

export interface SeenSpec {
  readonly kind?: SeenName['kind'];
  readonly queries?: number;
  readonly wouldDeny?: number;
  readonly denied?: number;
  /** First and last seen, days after START. */
  readonly days?: readonly [number, number];
}

export function seen(name: string, domain: string, spec: SeenSpec = {}): SeenName {
  const { kind = 'name', queries = 2, denied = 0, days = [1, 2] } = spec;
  const { wouldDeny = queries } = spec;
  const [firstMs, lastMs] = days.map((day) => START + day * DAY) as [number, number];
  const counts = { queries, allowed: queries - denied, denied, wouldDeny, failed: 0 };
  return { kind, name, domain, firstType: 0, firstMs, lastMs, ...counts };
}

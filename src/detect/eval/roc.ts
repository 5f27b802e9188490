/** The same recordings at other thresholds: what would be found, and what falsely. */

import { type MainFigures, mainFigures, trafficFigures } from './figures.ts';
import type { Scores } from './scores.ts';

/** In parts of the threshold that is set. */
export const THRESHOLD_FACTORS = [0.4, 0.6, 0.8, 1, 1.2, 1.6, 2.4, 4];

export interface RocPoint extends MainFigures {
  readonly threshold: number;
  /** False alarms of data in names and answers. */
  readonly alarms: number;
  readonly alarms_per_client_day: number | null;
  readonly alarms_per_100000_pairs: number | null;
}

export function rocPoint(threshold: number, scores: Scores): RocPoint {
  const total = trafficFigures(scores.benign)?.total ?? trafficFigures(scores.unlabelled)?.total;
  return {
    threshold,
    ...mainFigures(scores),
    alarms: total?.alarms ?? 0,
    alarms_per_client_day: total?.alarms_per_client_day ?? null,
    alarms_per_100000_pairs: total?.alarms_per_100000_pairs ?? null,
  };
}

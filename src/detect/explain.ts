/**
 * What detectors say about a workload and a name, as `explain` shows it: from the ledgers of the
 * running daemon, or what the history holds. The words are those of wording.ts.
 */

import type { Explanation, Step } from '../policy/explain.ts';
import { detectorOf } from './detectors.ts';
import { describe, type Part } from './wording.ts';

export interface ExplainedFinding {
  readonly detector: string;
  readonly score: number;
  readonly threshold: number;
  readonly summary: string;
  readonly parts: readonly Part[];
  readonly verdict: 'allowed' | 'denied';
  /** First and last query that the score is about: RFC 3339, UTC. */
  readonly first: string;
  readonly last: string;
  /** Name of the gravest query; null where it is not known. */
  readonly qname: string | null;
}

export interface Detection {
  /** `daemon`: as it is now. `history`: as it was found last, if it ever was. */
  readonly from: 'daemon' | 'history';
  /** Until when the daemon denies the name for what was found; null where it does not. */
  readonly denied_until: string | null;
  /** The detectors that have something to say; of the history the latest first. */
  readonly findings: readonly ExplainedFinding[];
}

/** An explanation with what detectors add to it; null where nobody could say. */
export type WithDetection = Explanation & { readonly detection: Detection | null };

export interface FindingNumbers {
  /** FINDING_*. */
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  readonly parts: ArrayLike<number>;
  readonly isDenied: boolean;
  /** ms since the epoch. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly qname: string | null;
}

export function explainFinding(found: FindingNumbers): ExplainedFinding {
  const { type, score, threshold, parts, isDenied, firstMs, lastMs, qname } = found;
  return {
    detector: detectorOf(type).name,
    score,
    threshold,
    ...describe(type, score, threshold, parts),
    verdict: isDenied ? 'denied' : 'allowed',
    first: new Date(firstMs).toISOString(),
    last: new Date(lastMs).toISOString(),
    qname,
  };
}

/** Its number in the precedence: after the mode, since it only takes away. */
const STEP = 10;

/** Adds the step of detection, which turns what was let through into a denial. */
export function withDetection(said: Explanation, detection: Detection | null): WithDetection {
  const isDenied = said.verdict === 'allow' && (detection?.denied_until ?? null) !== null;
  const step: Step = {
    step: STEP,
    name: 'detection',
    reached: said.verdict === 'allow',
    matched: isDenied,
    rule: isDenied ? `denied until ${detection?.denied_until}` : '',
  };
  if (!isDenied) return { ...said, steps: [...said.steps, step], detection };
  const before = said.steps.map((one) => ({ ...one, matched: false }));
  return {
    ...said,
    verdict: 'deny',
    would_deny: false,
    reason: step.name,
    steps: [...before, step],
    detection,
  };
}

/**
 * Wording: the numbers of a finding as people read them. The only place that makes text of them, so
 * that an alert, `explain` and every report say the same.
 *
 * Slow lane. Total: numbers come from a ring or a file and may be any; none makes it fail, and a
 * finding of a kind that nobody knows still says its score. A family of detectors has its words in
 * a file of its own, and a line in `WORDS` for each of its types.
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
import { detectorOf } from './detectors.ts';
import { standingWording } from './reputation-words.ts';
import { budget } from './wording-budget.ts';
import { burst, generated } from './wording-generated.ts';
import { download, spread, tenant, tunnel } from './wording-tunnel.ts';

/** One reason, for programs by `name` and `value`, for people by `text`. */
export interface Part {
  readonly name: string;
  readonly value: number | string;
  readonly text: string;
}

export interface Wording {
  /** What was found, and the score with its threshold. */
  readonly summary: string;
  readonly parts: readonly Part[];
}

/** The numbers of a finding, none of them below 0. */
export interface Numbers {
  readonly score: number;
  readonly threshold: number;
  /** A part by its index in detect/parts.ts; 0 where there is none. */
  part(index: number): number;
}

/** What one type of finding says: `summary` without the score. */
export type Words = (numbers: Numbers) => Wording;

/** By FINDING_*. */
const WORDS: ReadonlyMap<number, Words> = new Map([
  [FINDING_TUNNEL, tunnel],
  [FINDING_SPREAD, spread],
  [FINDING_TENANT, tenant],
  [FINDING_DOWNLOAD, download],
  [FINDING_GENERATED, generated],
  [FINDING_BURST, burst],
  [FINDING_BUDGET, budget],
  [FINDING_REPUTATION, standingWording],
]);

/** @param type FINDING_* */
export function describe(
  type: number,
  score: number,
  threshold: number,
  parts: ArrayLike<number>,
): Wording {
  const numbers = {
    score: whole(score),
    threshold: whole(threshold),
    part: (index: number): number => whole(parts[index] ?? 0),
  };
  const said = WORDS.get(type)?.(numbers) ?? {
    summary: detectorOf(type).name,
    parts: bare(numbers, parts.length),
  };
  return { summary: `${said.summary}: ${scoreText(type, numbers)}`, parts: said.parts };
}

function scoreText(type: number, { score, threshold }: Numbers): string {
  const isLow = detectorOf(type).sign < 0;
  return isLow ? `${score}, and ${threshold} is demanded` : `${score} of ${threshold}`;
}

function bare(numbers: Numbers, count: number): Part[] {
  const list: Part[] = [];
  for (let i = 0; i < count; i++) {
    const value = numbers.part(i);
    if (value > 0) list.push({ name: `part_${i}`, value, text: `part ${i} is ${value}` });
  }
  return list;
}

/** A count that can be written down: whatever is none is 0. */
function whole(value: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0;
}

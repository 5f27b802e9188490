/**
 * Observations on their way between threads: numbers in one array, texts in one string. Cloning an
 * object for each costs the recorder 2.9 us, this 1.0.
 */

import type { Observation, ObservedFinding } from './observation.ts';

export interface PackedObservations {
  /** `NUMBERS` for each observation, in the order of `numbersOf`. */
  readonly numbers: Float64Array;
  /** `TEXTS` for each observation, in the order of `textsOf`, NUL between any two. */
  readonly texts: string;
  /** Findings and which of the observations each belongs to: rare, so they cost the others none. */
  readonly findings: readonly (readonly [number, ObservedFinding])[];
}

const NUMBERS = 17;
const TEXTS = 6;
/** In none of the texts: names are escaped, and no file or workload can have it in its name. */
const BETWEEN = '\0';

export function packObservations(list: readonly Observation[]): PackedObservations {
  const numbers = new Float64Array(list.length * NUMBERS);
  const findings: [number, ObservedFinding][] = [];
  let texts = '';
  for (const [i, seen] of list.entries()) {
    writeNumbers(numbers, i * NUMBERS, seen);
    texts += i === 0 ? textsOf(seen) : BETWEEN + textsOf(seen);
    if (seen.finding !== null) findings.push([i, seen.finding]);
  }
  return { numbers, texts, findings };
}

function writeNumbers(into: Float64Array, at: number, seen: Observation): void {
  const { counts } = seen;
  into[at] = (seen.isNew ? 1 : 0) + (seen.stored ? 2 : 0);
  into[at + 1] = seen.workloadId;
  into[at + 2] = seen.revision;
  into[at + 3] = seen.ruleId;
  into[at + 4] = seen.reason;
  into[at + 5] = seen.mode;
  into[at + 6] = seen.flags;
  into[at + 7] = seen.qtype;
  into[at + 8] = seen.feed;
  into[at + 9] = counts.allowed;
  into[at + 10] = counts.denied;
  into[at + 11] = counts.wouldDeny;
  into[at + 12] = counts.failed;
  into[at + 13] = seen.firstMs;
  into[at + 14] = seen.lastMs;
  into[at + 15] = seen.firstSeenMs;
  into[at + 16] = seen.answers.length;
}

function textsOf({ workload, rule, qname, registrable, source, answers }: Observation): string {
  const names = `${workload}\0${rule}\0${qname}\0${registrable}\0${source}\0`;
  return answers.length === 0 ? names : names + answers.join(' ');
}

export function unpackObservations(packed: PackedObservations): Observation[] {
  const { numbers, findings } = packed;
  const texts = packed.texts.split(BETWEEN);
  const count = numbers.length / NUMBERS;
  const list = Array.from({ length: count }, (_, i) =>
    unpackOne(numbers, i * NUMBERS, texts, i * TEXTS),
  );
  for (const [i, finding] of findings) list[i] = { ...list[i]!, finding };
  return list;
}

function unpackOne(
  numbers: Float64Array,
  at: number,
  texts: readonly string[],
  textAt: number,
): Observation {
  const number = (index: number): number => numbers[at + index] ?? 0;
  const text = (index: number): string => texts[textAt + index] ?? '';
  return {
    isNew: (number(0) & 1) !== 0,
    stored: (number(0) & 2) !== 0,
    workload: text(0),
    workloadId: number(1),
    revision: number(2),
    ruleId: number(3),
    rule: text(1),
    reason: number(4),
    mode: number(5),
    flags: number(6),
    qname: text(2),
    registrable: text(3),
    qtype: number(7),
    source: text(4),
    answers: number(16) === 0 ? [] : text(5).split(' '),
    feed: number(8),
    counts: {
      allowed: number(9),
      denied: number(10),
      wouldDeny: number(11),
      failed: number(12),
    },
    firstMs: number(13),
    lastMs: number(14),
    firstSeenMs: number(15),
    finding: null,
  };
}

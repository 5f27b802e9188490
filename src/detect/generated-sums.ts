/**
 * The two sums of evidence in a workload's row: how they grow with a name, and fade. Fast lane.
 */

import {
  GENERATED_COUNT,
  GENERATED_SINCE,
  HOUR,
  RECENT_SUFFIXES,
  RESOLVED,
  SUFFIX_COUNT,
  SUFFIX_RING,
  SUM_GENERATED,
  SUM_WORDY,
  WORDY_COUNT,
  WORDY_SINCE,
} from './generated-rows.ts';
import { ROW_SECONDS, ROW_WORTH, type Rows } from './rows.ts';
import { BIT, type Judgement } from './spelling.ts';

/** Bits; beyond it more evidence would only make the row remember longer. */
const SUM_MAX = 512;
/** New domains that exist, per bit that they raise a threshold by; and by how much they may. */
const RESOLVED_PER_BIT = 8;
const RAISE_MAX = 60;
/** Bits that a suffix adds which the last names share, or takes away where they do not. */
const SHARED_MAX = 2;
/** Fewer distinct names prove nothing, whatever they look like. */
const GENERATED_NAMES_MIN = 4;
const WORDY_NAMES_MIN = 10;
/** What a name must say to be denied, or told as the one that exists. */
const LOOKS_GENERATED = 4 * BIT;
const LOOKS_WORDY = BIT;

/** Brings the sums of a row to now. */
export function fade({ words, floats }: Rows, row: number, seconds: number): void {
  const past = seconds - words[row + ROW_SECONDS]!;
  words[row + ROW_SECONDS] = seconds;
  if (past <= 0) return;
  const left = Math.exp(-past / HOUR);
  floats[row + SUM_GENERATED]! *= left;
  floats[row + SUM_WORDY]! *= left;
  floats[row + RESOLVED]! *= left;
}

/** Adds what a domain that does not exist says. The row was brought to now. */
export function addEvidence(rows: Rows, row: number, spelling: Judgement): void {
  const { words, floats } = rows;
  const wordy = spelling.wordy / BIT + sharedBits(words, row, spelling);
  grow(rows, row, SUM_GENERATED, spelling.generated / BIT);
  grow(rows, row, SUM_WORDY, wordy);
  const count = words[row + SUFFIX_COUNT]!;
  words[row + RECENT_SUFFIXES + (count % SUFFIX_RING)] = spelling.suffix;
  words[row + SUFFIX_COUNT] = count + 1;
  floats[row + ROW_WORTH] = Math.max(floats[row + SUM_GENERATED]!, floats[row + SUM_WORDY]!, 1);
}

/** The sum starts anew where the evidence against outweighs it, and its count with it. */
function grow({ words, floats }: Rows, row: number, at: number, bits: number): void {
  const count = at === SUM_GENERATED ? GENERATED_COUNT : WORDY_COUNT;
  const since = at === SUM_GENERATED ? GENERATED_SINCE : WORDY_SINCE;
  const sum = Math.min(floats[row + at]! + bits, SUM_MAX);
  if (sum <= 0) {
    floats[row + at] = 0;
    words[row + count] = 0;
    return;
  }
  floats[row + at] = sum;
  if (words[row + count] === 0) words[row + since] = words[row + ROW_SECONDS]!;
  words[row + count]!++;
}

/** How many of the last suffixes are the one of the name that was judged last, 0..SUFFIX_RING. */
export function sharingSuffix(words: Int32Array, row: number, spelling: Judgement): number {
  const held = Math.min(words[row + SUFFIX_COUNT]!, SUFFIX_RING);
  let same = 0;
  for (let i = 0; i < held; i++) if (words[row + RECENT_SUFFIXES + i] === spelling.suffix) same++;
  return same;
}

/**
 * Evidence by the suffix: a generator keeps to one or few, people's slips are spread as names are.
 * The share of the suffix among the last names (Krichevsky and Trofimov) by that among all names.
 */
function sharedBits(words: Int32Array, row: number, spelling: Judgement): number {
  const held = Math.min(words[row + SUFFIX_COUNT]!, SUFFIX_RING);
  if (held === 0) return 0;
  const share = (sharingSuffix(words, row, spelling) + 0.5) / (held + 1);
  const bits = Math.log2(share) + spelling.suffixRarity / 16;
  return Math.max(-SHARED_MAX, Math.min(bits, SHARED_MAX));
}

/** Bits that a threshold is raised by: who looks up thousands of domains meets some odd ones. */
export function raiseOf({ floats }: Rows, row: number): number {
  return Math.min(Math.floor(floats[row + RESOLVED]! / RESOLVED_PER_BIT), RAISE_MAX);
}

export function looksGenerated(spelling: Judgement): boolean {
  return spelling.generated >= LOOKS_GENERATED;
}

/** Words in a row, under the suffix that the last names had. */
export function looksWordy(words: Int32Array, row: number, spelling: Judgement): boolean {
  const isShared = sharingSuffix(words, row, spelling) * 2 >= SUFFIX_RING;
  return spelling.wordy >= LOOKS_WORDY && isShared;
}

/** Whether the evidence for a generator suffices. */
export function isGenerated({ words, floats }: Rows, row: number, threshold: number): boolean {
  const count = words[row + GENERATED_COUNT]!;
  return floats[row + SUM_GENERATED]! >= threshold && count >= GENERATED_NAMES_MIN;
}

/** Whether the evidence for words in a row suffices. */
export function isBurst({ words, floats }: Rows, row: number, threshold: number): boolean {
  return floats[row + SUM_WORDY]! >= threshold && words[row + WORDY_COUNT]! >= WORDY_NAMES_MIN;
}

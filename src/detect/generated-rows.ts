/**
 * What is known about the names of one workload that do not exist: the words of its row, after
 * those of rows.ts. Its worth is the greater of the two sums. Fast lane.
 *
 * Sums fade to 1/e in an hour. A domain counts once an hour, and never when its label is that of a
 * domain which exists for this workload: those are slips of the finger. Both memories are buckets
 * of four with the oldest replaced; who floods them is counted again, never forgotten.
 */

import { ROW_FIRST } from './rows.ts';

/** f32, bits: evidence that generators drew the names; that they are words in a row. */
export const SUM_GENERATED = ROW_FIRST;
export const SUM_WORDY = ROW_FIRST + 1;
/** f32: domains that exist and were new, fading like the sums. */
export const RESOLVED = ROW_FIRST + 2;
/** Domains since the sum was last zero, and when the first of them came, s. */
export const GENERATED_COUNT = ROW_FIRST + 3;
export const GENERATED_SINCE = ROW_FIRST + 4;
export const WORDY_COUNT = ROW_FIRST + 5;
export const WORDY_SINCE = ROW_FIRST + 6;
/** When each was told last, s; 0 for never. */
export const GENERATED_TOLD = ROW_FIRST + 7;
export const WORDY_TOLD = ROW_FIRST + 8;
/** Until when names like these are denied to the workload, s; 0 for never. */
export const DENIED_UNTIL = ROW_FIRST + 9;
/** How many suffixes stand in the ring. */
export const SUFFIX_COUNT = ROW_FIRST + 10;

/** Hashes of the public suffixes of the last domains that counted. */
export const RECENT_SUFFIXES = 16;
export const SUFFIX_RING = 8;

/** Domains that do not exist: 24 buckets of 4, each a tag and the second it came. */
const MISSING = 32;
const MISSING_BUCKETS = 24;
/** Labels of domains that exist: 64 buckets of 4 tags. */
const EXISTING = MISSING + MISSING_BUCKETS * 8;
const EXISTING_BUCKETS = 64;

/** Words of a row: 2 kB. */
export const GENERATED_WORDS = 512;

/** Seconds in which a sum fades to 1/e, and for which a domain is not counted again. */
export const HOUR = 3600;

/** Remembers a domain that does not exist; false when it was known within the hour. */
export function addMissing(words: Int32Array, row: number, tag: number, seconds: number): boolean {
  const bucket = row + MISSING + ((tag >>> 0) % MISSING_BUCKETS) * 8;
  let oldest = bucket;
  for (let at = bucket; at < bucket + 8; at += 2) {
    const age = seconds - words[at + 1]!;
    if (words[at] === tag && age < HOUR && words[at + 1] !== 0) return false;
    if (words[at + 1]! < words[oldest + 1]!) oldest = at;
  }
  words[oldest] = tag;
  words[oldest + 1] = seconds;
  return true;
}

/** Whether a label is one of a domain that exists for the workload. */
export function isExisting(words: Int32Array, row: number, tag: number): boolean {
  const bucket = row + EXISTING + ((tag >>> 0) % EXISTING_BUCKETS) * 4;
  for (let at = bucket; at < bucket + 4; at++) if (words[at] === tag) return true;
  return false;
}

/** Remembers a label that `isExisting` did not know; the one that was there longest goes. */
export function addExisting(words: Int32Array, row: number, tag: number): void {
  const bucket = row + EXISTING + ((tag >>> 0) % EXISTING_BUCKETS) * 4;
  words.copyWithin(bucket + 1, bucket, bucket + 3);
  words[bucket] = tag;
}

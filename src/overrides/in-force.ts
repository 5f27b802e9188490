/** What the book puts in force: the contract of override.ts, made from its records. */

import { parsePattern } from '../config/pattern.ts';
import type { Pattern } from '../config/types.ts';
import type { Book } from './book.ts';
import { leftOfOpening, type Moment } from './clock.ts';
import type { ActiveException, ActiveQuarantine, Overrides } from './override.ts';
import { type ExceptionRecord, isStanding, type QuarantineRecord } from './records.ts';

/** Who decides by the overrides: the resolver. */
export interface InForce {
  /** Resolves when every worker decides by them. */
  override(overrides: Overrides): Promise<void>;
  /** Counts since the start of the process. */
  overrideUse(): readonly OverrideUse[];
}

export interface OverrideUse {
  readonly id: string;
  readonly queries: number;
  /** 0 for never. */
  readonly lastUseMs: number;
}

/** All that holds at `now`. */
export function overridesOf(book: Book, now: Moment): Overrides {
  return {
    exceptions: [...book.exceptions.values()].flatMap((record) => activeException(record, now)),
    quarantines: [...book.quarantines.values()].flatMap(activeQuarantine),
  };
}

/**
 * Its end as the wall clock will show it: where that clock was set back, the time that is left by
 * the other one ends earlier than what was agreed.
 */
function activeException(record: ExceptionRecord, now: Moment): ActiveException[] {
  const { id, workload, types, overridesFeeds, end } = record;
  const pattern = patternOf(record.pattern);
  if (!isStanding(record) || end === null || pattern === null) return [];
  const leftMs = leftOfOpening(end, now);
  if (leftMs <= 0) return [];
  const text = `exception ${id} ${record.pattern}`;
  return [{ id, workload, pattern, types, overridesFeeds, untilMs: now.wallMs + leftMs, text }];
}

/** Without an end: a worker would judge it by the wall clock, and main has the better one. */
function activeQuarantine(record: QuarantineRecord): ActiveQuarantine[] {
  if (record.state !== 'active') return [];
  const { id, workload } = record;
  const pattern = record.pattern === null ? null : patternOf(record.pattern);
  const lifelines = record.lifelines.flatMap((text) => patternOf(text) ?? []);
  const text = `quarantine ${id} of ${workload ?? record.pattern}`;
  return [{ id, workload, pattern, lifelines, untilMs: null, text }];
}

/** Null for what no version of this program has written. */
function patternOf(text: string): Pattern | null {
  const pattern = parsePattern(text);
  return typeof pattern === 'string' ? null : pattern;
}

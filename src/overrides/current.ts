/** What the book puts in force: the contract of override.ts, made from its records. */

import { parsePattern } from '../config/pattern.ts';
import type { Pattern } from '../config/types.ts';
import { leftOfOpening, type Moment } from './clock.ts';
import type { ActiveException, ActiveQuarantine, Overrides } from './override.ts';
import type { OverridesRead } from './read.ts';
import { type ExceptionRecord, isStanding, type QuarantineRecord } from './records.ts';
import type { OverrideUse } from './slots.ts';

/** Who decides by the overrides: the resolver. */
export interface Enforcer {
  /** Resolves when every worker decides by them. */
  override(overrides: Overrides): Promise<void>;
  /** Ids of exceptions in force that a worker found over, maybe by a clock that was set since. */
  endedOverrides(): readonly string[];
  /** Counts since the start of the process. */
  overrideUse(): readonly OverrideUse[];
}

/** All that holds at `now`. */
export function overridesOf({ exceptions, quarantines }: OverridesRead, now: Moment): Overrides {
  return {
    exceptions: exceptions.flatMap((record) => activeException(record, now)),
    quarantines: quarantines.flatMap(activeQuarantine),
  };
}

/** The two clocks differ by less where nobody set one: by steps, rounding and slewing, ms. */
const SLACK_MS = 1000;

/**
 * Its end as the wall clock will show it: where that clock was set back, the time that is left by
 * the other one ends earlier than what was agreed. Otherwise it is the same every time, because an
 * exception with another end is another one to the workers.
 */
function activeException(record: ExceptionRecord, now: Moment): ActiveException[] {
  const { id, workload, types, overridesFeeds, end } = record;
  const pattern = patternOf(record.pattern);
  if (!isStanding(record) || end === null || pattern === null) return [];
  const leftMs = leftOfOpening(end, now);
  if (leftMs <= 0) return [];
  const untilMs = Math.min(end.untilMs, now.wallMs + leftMs + SLACK_MS);
  const text = `exception ${id} ${record.pattern}`;
  return [{ id, workload, pattern, types, overridesFeeds, untilMs, text }];
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

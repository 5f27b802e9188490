/**
 * When a time is over, whatever is done to the clock. Pure: the moment is passed in.
 *
 * Two clocks are noted: the wall clock, which people set, and the time since the machine booted,
 * which nobody does and which goes on while the machine sleeps. Over a boot the second one starts
 * anew: then what was left when it was noted last counts.
 *
 * - An opening ends by whichever comes first. A clock that is set back does not lengthen it.
 * - A closing lasts its duration by the time since boot. A clock that is set forward does not
 *   shorten it; over a boot there is the wall clock only, and no more than what was left.
 */

import type { End } from './records.ts';

export interface Moment {
  /** ms since 1970. */
  readonly wallMs: number;
  /** Another one after every boot. */
  readonly bootId: string;
  /** ms since that boot, sleep included. */
  readonly bootMs: number;
}

/** An end `leftMs` from now. */
export function endAfter(leftMs: number, now: Moment): End {
  const { wallMs, bootId, bootMs } = now;
  return { untilMs: wallMs + leftMs, leftMs, bootId, bootEndMs: bootMs + leftMs };
}

/** ms that an opening has left; 0 or less when it is over. */
export function leftOfOpening(end: End, now: Moment): number {
  return Math.min(end.untilMs - now.wallMs, leftByBoot(end, now));
}

/**
 * Whether an opening of `durationMs` that is over by the wall clock has time left by the other
 * one, beyond what a clock that is slewed into step goes astray: it was set forward, as one that
 * was back when the machine started is. Which of the two was meant nobody can tell (fail closed).
 */
export function isCutShort(end: End, durationMs: number, now: Moment): boolean {
  const astrayMs = 1000 + durationMs / 1000;
  return end.bootId === now.bootId && end.bootEndMs - now.bootMs > astrayMs;
}

/** ms that a closing has left; 0 or less when it is over. */
export function leftOfClosing(end: End, now: Moment): number {
  if (end.bootId === now.bootId) return leftByBoot(end, now);
  return Math.min(end.untilMs - now.wallMs, end.leftMs);
}

/** The same end, with what is left noted anew. */
export function noted(end: End, leftMs: number, now: Moment): End {
  const { bootId, bootMs } = now;
  return { untilMs: end.untilMs, leftMs, bootId, bootEndMs: bootMs + leftMs };
}

function leftByBoot({ bootId, bootEndMs, leftMs }: End, now: Moment): number {
  return bootId === now.bootId ? bootEndMs - now.bootMs : leftMs;
}

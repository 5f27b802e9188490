/** Pieces of sentences that the words of all detectors are made of. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** `1 new name`, `31 new names`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A length of time to two figures: `40 s`, `4 min`, `36 h`, `3 d`. */
export function duration(seconds: number): string {
  if (seconds < 2 * MINUTE) return `${seconds} s`;
  if (seconds < 2 * HOUR) return `${Math.round(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.round(seconds / HOUR)} h`;
  return `${Math.round(seconds / DAY)} d`;
}

/**
 * Whether what a process holds goes on growing with what it is asked: the one judgement of every
 * long run.
 *
 * Only the second half of a run is judged: until then what is bounded may fill. Collectors run when
 * they like, so that half is cut in parts, of each the least counts, and a line is laid through
 * them. It is flat where even the upper end of the range in which its slope lies, 95 times in a
 * hundred, is less than the smallest leak that matters. A run that is too noisy to say so is not
 * flat: it says that it cannot tell.
 */

import { readdirSync, readFileSync } from 'node:fs';

/** An octet for each message, which is as many MB for each million. */
export const LEAK_MIN = 1;
/** Fewer messages than these are not judged: at LEAK_MIN their second half would be 2 MB. */
export const JUDGED_MIN = 4_000_000;
const PARTS = 16;

/** What a process held after so many messages. */
export interface Look {
  readonly sent: number;
  readonly heldMb: number;
}

export interface Line {
  /** For each step of 1 in x. */
  readonly slope: number;
  /** Between these two the true slope lies, 95 times in a hundred; infinite: nothing is known. */
  readonly low: number;
  readonly high: number;
}

export interface Growth extends Line {
  /** `slope` is octets for each message. */
  readonly verdict: 'flat' | 'grows' | 'unclear';
}

type Point = readonly [x: number, y: number];

/** Null for a run that is too short to be judged. @param looks in the order of `sent` */
export function growthOf(looks: readonly Look[]): Growth | null {
  const last = looks.at(-1)?.sent ?? 0;
  if (last < JUDGED_MIN) return null;
  const part = last / 2 / PARTS;
  const least = Array.from({ length: PARTS }, (_, i): Point[] => {
    const from = last / 2 + i * part;
    const held = looks.filter(({ sent }) => sent >= from && sent <= from + part);
    return held.length === 0
      ? []
      : [[(from + part / 2) / 1e6, Math.min(...held.map(({ heldMb }) => heldMb))]];
  });
  const line = lineThrough(least.flat());
  const isFlat = line.high < LEAK_MIN;
  return { ...line, verdict: isFlat ? 'flat' : line.low > 0 ? 'grows' : 'unclear' };
}

/** One sentence about it. */
export function growthText(growth: Growth | null): string {
  if (growth === null) return `memory is not judged: that takes ${JUDGED_MIN} messages`;
  const { slope, low, high, verdict } = growth;
  const range = `${slope.toFixed(2)} octets a message (95 %: ${low.toFixed(2)} to ${high.toFixed(2)})`;
  return `memory ${verdict}: ${range} in the second half, of which ${LEAK_MIN} is a leak`;
}

/**
 * Anonymous and shared memory of a process, MB, its open descriptors and its threads. Pages of files
 * that the kernel may take back do not count.
 */
export function heldBy(pid: number): { heldMb: number; descriptors: number; threads: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    heldMb: (field('RssAnon') + field('RssShmem')) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
  };
}

/**
 * Least squares, and how sure the slope is. What is sampled stays where it is for a while, so that
 * samples count for fewer than they are: by the correlation of what the line leaves over with
 * itself, one sample later.
 */
export function lineThrough(points: readonly Point[]): Line {
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const sxx = sum(points.map(([x]) => (x - mx) ** 2));
  if (sxx === 0) return { slope: 0, low: -Infinity, high: Infinity };
  const slope = sum(points.map(([x, y]) => (x - mx) * (y - my))) / sxx;
  const margin = marginOf(points.map(([x, y]) => y - my - slope * (x - mx))) / Math.sqrt(sxx);
  return { slope, low: slope - margin, high: slope + margin };
}

/** Of the slope, before it is divided by the spread of x. */
function marginOf(left: readonly number[]): number {
  if (left.length < 3) return Infinity;
  const squares = sum(left.map((one) => one ** 2));
  // What rounding leaves of a line that goes through every sample.
  if (squares < 1e-12) return 0;
  const again = sum(left.slice(1).map((one, i) => one * (left[i] ?? 0))) / squares;
  const correlation = Math.min(0.99, Math.max(0, again));
  const freedom = (left.length * (1 - correlation)) / (1 + correlation) - 2;
  if (freedom < 1) return Infinity;
  return quantile(freedom) * Math.sqrt(squares / freedom);
}

/** Of Student's distribution, 0.975, within 5 % from 2 degrees of freedom on; more below. */
function quantile(freedom: number): number {
  return 1.96 + 2.37 / freedom + 2.8 / freedom ** 2 + 5.6 / freedom ** 4;
}

function sum(list: readonly number[]): number {
  return list.reduce((total, one) => total + one, 0);
}

function mean(list: readonly number[]): number {
  return sum(list) / list.length;
}

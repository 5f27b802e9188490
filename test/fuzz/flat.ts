/**
 * Whether memory is flat: once the tables that are bounded are full, and garbage set aside, a line
 * through what is left must not rise.
 */

/** Memory after so many messages. */
export interface Look {
  readonly sent: number;
  readonly residentMb: number;
}

export interface Flatness {
  /** MB for each million messages, by least squares. */
  readonly slope: number;
  /** Its standard error, in the same unit. */
  readonly error: number;
  readonly isFlat: boolean;
}

/**
 * Messages until what is bounded is full: stored pairs that are remembered, windows of alerts, rows
 * of detectors, SQLite's cache, young generations.
 */
export const WARM_UP = 3_000_000;
/** Collectors run when they like: of each such part of the rest only the least counts. */
const PARTS = 8;
/** What a line may rise by, MB for each million messages, its error twice included. */
const RISE_MAX = 3;

/** Null for a run that is too short to tell: the rest must be as long as the warming up. */
export function flatness(looks: readonly Look[]): Flatness | null {
  const last = looks.at(-1)?.sent ?? 0;
  if (last < 2 * WARM_UP) return null;
  const span = (last - WARM_UP) / PARTS;
  const least = Array.from({ length: PARTS }, (_, i) => {
    const from = WARM_UP + i * span;
    const part = looks.filter(({ sent }) => sent >= from && sent <= from + span);
    return { x: (from + span / 2) / 1e6, y: Math.min(...part.map((look) => look.residentMb)) };
  }).filter(({ y }) => Number.isFinite(y));
  if (least.length < 3) return null;
  const { slope, error } = line(least);
  return { slope, error, isFlat: slope + 2 * error <= RISE_MAX };
}

/** Least squares. */
function line(points: readonly { readonly x: number; readonly y: number }[]): {
  slope: number;
  error: number;
} {
  const mean = (of: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [mx, my] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = mean(({ x }) => (x - mx) ** 2);
  const slope = mean(({ x, y }) => (x - mx) * (y - my)) / spread;
  const rest = mean(({ x, y }) => (y - my - slope * (x - mx)) ** 2);
  return { slope, error: Math.sqrt(rest / spread / (points.length - 2)) };
}

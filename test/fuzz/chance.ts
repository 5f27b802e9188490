/** How far what was seen is from what pure chance would do. */

/**
 * Pearson's chi-square of counts that should be equal, as a normal deviate (Wilson and Hilferty,
 * 1931): beyond 5 or so it was not chance, below -5 it was too even for chance.
 *
 * @param freedom how many of the counts are free when the others are known
 */
export function deviation(counts: readonly number[], freedom = counts.length - 1): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expected = total / counts.length;
  const square = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const part = 2 / (9 * freedom);
  return ((square / freedom) ** (1 / 3) - (1 - part)) / Math.sqrt(part);
}

/** How often each of `kinds` values came. */
export function countsOf(values: readonly number[], kinds: number): number[] {
  const counts = new Array<number>(kinds).fill(0);
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/**
 * Bits of collision entropy: how likely two draws are the same. What an attacker gains by asking
 * often, and an estimate without bias from few draws; Infinity when no two were the same.
 */
export function collisionBits(values: readonly (number | string)[]): number {
  const counts = new Map<number | string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const pairs = (count: number): number => (count * (count - 1)) / 2;
  const equal = [...counts.values()].reduce((sum, count) => sum + pairs(count), 0);
  return Math.log2(pairs(values.length) / equal);
}

/**
 * Edits: how many single mistakes lie between two labels: a letter too many, too few, another, or
 * two neighbours that changed places (optimal string alignment: no letter is touched twice). Fast
 * lane: three rows that are used again.
 */

const LETTERS_MAX = 64;
const rowA = new Int32Array(LETTERS_MAX + 1);
const rowB = new Int32Array(LETTERS_MAX + 1);
const rowC = new Int32Array(LETTERS_MAX + 1);

/** Two labels of at most 64 octets each. */
export function editsBetween(
  a: Uint8Array,
  aAt: number,
  aLength: number,
  b: Uint8Array,
  bAt: number,
  bLength: number,
): number {
  let above = rowA;
  let last = rowB;
  let next = rowC;
  for (let j = 0; j <= bLength; j++) last[j] = j;
  for (let i = 1; i <= aLength; i++) {
    next[0] = i;
    const letter = a[aAt + i - 1]!;
    for (let j = 1; j <= bLength; j++) {
      const other = b[bAt + j - 1]!;
      let least = last[j - 1]! + (letter === other ? 0 : 1);
      least = Math.min(least, last[j]! + 1, next[j - 1]! + 1);
      const isSwapped = i > 1 && j > 1 && letter === b[bAt + j - 2] && a[aAt + i - 2] === other;
      if (isSwapped) least = Math.min(least, above[j - 2]! + 1);
      next[j] = least;
    }
    const free = above;
    above = last;
    last = next;
    next = free;
  }
  return last[bLength]!;
}

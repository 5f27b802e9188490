/** Trigram counts of labels, and their Witten-Bell estimate as costs of a table. */

import { PAIRS, SYMBOL_OF, SYMBOLS, TRIGRAMS } from '../spelling-model.ts';

/** 1/16 bit, in one octet. */
const UNIT = 16;
const COST_MAX = 255;

export class Trigrams {
  /** Weight of each trigram, pair and symbol; contexts are the same arrays, summed. */
  readonly #counts = [
    new Float64Array(SYMBOLS),
    new Float64Array(PAIRS),
    new Float64Array(TRIGRAMS),
  ] as const;

  /** Counts a label between its two edges. */
  add(label: string, weight = 1): void {
    const [ones, twos, threes] = this.#counts;
    let context = 0;
    for (let at = 0; at <= label.length; at++) {
      const symbol = at < label.length ? (SYMBOL_OF[label.charCodeAt(at) & 0xff] ?? 0) : 0;
      const trigram = context * SYMBOLS + symbol;
      threes[trigram] = (threes[trigram] ?? 0) + weight;
      twos[trigram % PAIRS] = (twos[trigram % PAIRS] ?? 0) + weight;
      ones[symbol] = (ones[symbol] ?? 0) + weight;
      context = trigram % PAIRS;
    }
  }

  /** -log2 P(c | a b) of every trigram. */
  costs(): Uint8Array {
    const [ones, twos, threes] = this.#counts;
    const flat = new Float64Array(SYMBOLS).fill(1 / SYMBOLS);
    const third = interpolate(threes, interpolate(twos, interpolate(ones, flat)));
    return Uint8Array.from(third, (p) => Math.min(Math.round(-Math.log2(p) * UNIT), COST_MAX));
  }
}

/**
 * Witten-Bell: a context that was seen with `kinds` different symbols leaves them so much of its
 * weight to the estimate of the shorter context (`lower`, which repeats over the longer ones).
 */
function interpolate(counts: Float64Array, lower: Float64Array): Float64Array {
  const result = new Float64Array(counts.length);
  for (let first = 0; first < counts.length; first += SYMBOLS) {
    const row = counts.subarray(first, first + SYMBOLS);
    const total = row.reduce((sum, count) => sum + count, 0);
    const kinds = row.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      const below = lower[(first + symbol) % lower.length] ?? 0;
      const seen = row[symbol] ?? 0;
      result[first + symbol] = total === 0 ? below : (seen + kinds * below) / (total + kinds);
    }
  }
  return result;
}

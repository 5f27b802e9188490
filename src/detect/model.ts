/**
 * The model of ordinary names: what each character of a name costs after the two before it. Fast
 * lane reads the table; `loadNameModel` is for whoever makes the shared memory.
 *
 * Lengths of a code, in 1/16 bit: in every context the sum of 2^-length over all symbols is at most
 * 1 (Kraft), so the lengths are those of a code that can be decoded, and what they charge cannot be
 * undercut on average. Trained by training/names.ts, which says from what.
 */

import { SYMBOLS } from './symbols.ts';

export const NAME_MODEL_CELLS = SYMBOLS ** 3;
/** Parts of a bit that the lengths are in. */
export const PARTS_OF_BIT = 16;

/** Where the lengths after `second` (the symbol before the last) and `last` start in the table. */
export function contextOf(second: number, last: number): number {
  return (second * SYMBOLS + last) * SYMBOLS;
}

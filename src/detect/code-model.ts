/**
 * The trigram model that the code of names uses: what it must hold, and one that knows nothing.
 */

import { unitsOf } from './code-lengths.ts';
import { SYMBOLS } from './code-text.ts';

/** Lengths are in 1/16 bit. */
const LENGTHS_PER_BIT = 16;
/** Of 41 terms added as doubles; one length that is too short by 1/16 bit shows far above it. */
const TOLERANCE = 1e-12;

/**
 * @returns the model itself
 * @throws RangeError when it has another size, or a context whose 2^-length add up to more than 1:
 *   then no decoder exists, and the charges would not be lengths of a code
 */
export function checkedModel(lengths: Uint8Array): Uint8Array {
  if (lengths.length !== SYMBOLS ** 3) {
    throw new RangeError(
      `model of names: ${lengths.length} lengths; there must be ${SYMBOLS ** 3}`,
    );
  }
  for (let context = 0; context < SYMBOLS ** 2; context++) {
    let sum = 0;
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      sum += 2 ** (-lengths[context * SYMBOLS + symbol]! / LENGTHS_PER_BIT);
    }
    if (sum > 1 + TOLERANCE) {
      throw new RangeError(`model of names: context ${context} sums to ${sum}, over 1: no code`);
    }
  }
  return lengths;
}

/** All symbols alike in every context. */
export function uniformModel(): Uint8Array {
  return new Uint8Array(SYMBOLS ** 3).fill(Math.ceil(unitsOf(1 / SYMBOLS) / 16));
}

/**
 * The code of a piece of text, by the cheapest of three: a trigram model over 41 symbols, all
 * symbols alike, or plain octets. Fast lane.
 *
 * Text is the labels of a name with dots between them. Names are in lower case, so a dot inside a
 * label can stand as `A` and nothing is lost: text and labels tell each other.
 */

import { choiceUnits, UNITS_PER_BIT, UNITS_PER_OCTET, unitsOf } from './code-lengths.ts';
import { contextOf, PARTS_OF_BIT } from './model.ts';
import { SYMBOL_DOT, SYMBOL_END, SYMBOL_OF, SYMBOL_OTHER, SYMBOLS } from './symbols.ts';

/** What stands for a dot inside a label, and between labels. */
export const DOT_INSIDE = 0x41;
export const DOT = 0x2e;

const UNITS_PER_LENGTH = UNITS_PER_BIT / PARTS_OF_BIT;

export const CODER_TRIGRAM = 0;
export const CODER_UNIFORM = 1;
export const CODER_OCTETS = 2;
/** Which of the three comes first, as 1/2, 1/4, 1/4. */
const FLAG_TRIGRAM = unitsOf(1 / 2);
const FLAG_OTHERS = unitsOf(1 / 4);

/** By octet of a text; its only capital is a dot inside a label, which is any other octet. */
const SYMBOL_OF_TEXT = new Uint8Array(256).fill(SYMBOL_OTHER);
for (let octet = 0; octet < 256; octet++) {
  const isCapital = octet > 64 && octet < 91;
  if (!isCapital) SYMBOL_OF_TEXT[octet] = SYMBOL_OF[octet]!;
}
SYMBOL_OF_TEXT[DOT] = SYMBOL_DOT;

const UNIFORM = choiceUnits(SYMBOLS);

/** The coder that the last `textUnits` found cheapest. */
export let cheapest = CODER_TRIGRAM;

/**
 * Units of `text[from..to)` with the flag that names the coder.
 *
 * @param model lengths of model.ts; END stands before the start
 * @param isWhole 1 when the end must be told too; 0 when the length is known
 */
export function textUnits(
  model: Uint8Array,
  text: Uint8Array,
  from: number,
  to: number,
  isWhole: number,
): number {
  let before = from > 1 ? SYMBOL_OF_TEXT[text[from - 2]!]! : SYMBOL_END;
  let last = from > 0 ? SYMBOL_OF_TEXT[text[from - 1]!]! : SYMBOL_END;
  let lengths = 0;
  let others = 0;
  for (let at = from; at < to; at++) {
    const symbol = SYMBOL_OF_TEXT[text[at]!]!;
    lengths += model[contextOf(before, last) + symbol]!;
    if (symbol === SYMBOL_OTHER) others++;
    before = last;
    last = symbol;
  }
  if (isWhole === 1) lengths += model[contextOf(before, last) + SYMBOL_END]!;
  const escapes = others * UNITS_PER_OCTET;
  const trigram = FLAG_TRIGRAM + lengths * UNITS_PER_LENGTH + escapes;
  const uniform = FLAG_OTHERS + (to - from + isWhole) * UNIFORM + escapes;
  const octets = FLAG_OTHERS + (to - from + isWhole) * UNITS_PER_OCTET;
  cheapest = trigram <= uniform ? CODER_TRIGRAM : CODER_UNIFORM;
  const best = Math.min(trigram, uniform);
  if (best <= octets) return best;
  cheapest = CODER_OCTETS;
  return octets;
}

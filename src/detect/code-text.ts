/**
 * The code of a piece of text, by the cheapest of three: a trigram model over 41 symbols, all
 * symbols alike, or plain octets. Fast lane.
 *
 * Text is the labels of a name with dots between them. Names are in lower case, so a dot inside a
 * label can stand as `A` and nothing is lost: text and labels tell each other.
 */

import { choiceUnits, UNITS_PER_BIT, UNITS_PER_OCTET, unitsOf } from './code-lengths.ts';

/** a-z, 0-9, then these. OTHER is followed by the octet itself. */
export const SYMBOLS = 41;
export const SYMBOL_DOT = 38;
export const SYMBOL_OTHER = 39;
export const SYMBOL_END = 40;

/** What stands for a dot inside a label, and between labels. */
export const DOT_INSIDE = 0x41;
export const DOT = 0x2e;

/** Lengths of the model are in 1/16 bit. */
const UNITS_PER_LENGTH = UNITS_PER_BIT / 16;

export const CODER_TRIGRAM = 0;
export const CODER_UNIFORM = 1;
export const CODER_OCTETS = 2;
/** Which of the three comes first, as 1/2, 1/4, 1/4. */
const FLAG_TRIGRAM = unitsOf(1 / 2);
const FLAG_OTHERS = unitsOf(1 / 4);

export const SYMBOL_OF = new Uint8Array(256).fill(SYMBOL_OTHER);
for (let i = 0; i < 26; i++) SYMBOL_OF[0x61 + i] = i;
for (let i = 0; i < 10; i++) SYMBOL_OF[0x30 + i] = 26 + i;
SYMBOL_OF[0x2d] = 36;
SYMBOL_OF[0x5f] = 37;
SYMBOL_OF[DOT] = SYMBOL_DOT;

const UNIFORM = choiceUnits(SYMBOLS);

/** The coder that the last `textUnits` found cheapest. */
export let cheapest = CODER_TRIGRAM;

/**
 * Units of `text[from..to)` with the flag that names the coder.
 *
 * @param model SYMBOLS^3 lengths in 1/16 bit: of a symbol after two others, `(c2 * 41 + c1) * 41 +
 *   symbol`; END stands before the start
 * @param isWhole 1 when the end must be told too; 0 when the length is known
 */
export function textUnits(
  model: Uint8Array,
  text: Uint8Array,
  from: number,
  to: number,
  isWhole: number,
): number {
  let before = from > 1 ? SYMBOL_OF[text[from - 2]!]! : SYMBOL_END;
  let last = from > 0 ? SYMBOL_OF[text[from - 1]!]! : SYMBOL_END;
  let lengths = 0;
  let others = 0;
  for (let at = from; at < to; at++) {
    const symbol = SYMBOL_OF[text[at]!]!;
    lengths += model[(before * SYMBOLS + last) * SYMBOLS + symbol]!;
    if (symbol === SYMBOL_OTHER) others++;
    before = last;
    last = symbol;
  }
  if (isWhole === 1) lengths += model[(before * SYMBOLS + last) * SYMBOLS + SYMBOL_END]!;
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

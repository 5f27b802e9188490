/**
 * Symbols: the 41 characters that names are priced in. Fast lane.
 *
 * Letters (either case is one: nothing upstream sees it), digits, hyphen, underscore, the dot
 * between labels, any other octet, and the end of the name.
 */

export const SYMBOLS = 41;
export const SYMBOL_HYPHEN = 36;
export const SYMBOL_UNDERSCORE = 37;
/** Between two labels; a dot inside of a label is another octet. */
export const SYMBOL_DOT = 38;
export const SYMBOL_OTHER = 39;
/** After the last character, and before the first. */
export const SYMBOL_END = 40;

/** By octet of a label. */
export const SYMBOL_OF = new Uint8Array(256).fill(SYMBOL_OTHER);
for (let i = 0; i < 26; i++) {
  SYMBOL_OF[97 + i] = i; // a
  SYMBOL_OF[65 + i] = i; // A
}
for (let i = 0; i < 10; i++) SYMBOL_OF[48 + i] = 26 + i; // 0
SYMBOL_OF[45] = SYMBOL_HYPHEN;
SYMBOL_OF[95] = SYMBOL_UNDERSCORE;

/**
 * The weights by which a name's spelling is judged: what stands where. Fast lane reads them;
 * training/generated.ts writes src/detect/models/spelling.bin, whose first line says from what.
 *
 * ```
 * benign trigrams   29^3 octets: -log2 P(c | a b) in names that people registered
 * word trigrams     29^3 octets: the same in two to four words in a row
 * learnt trigrams   29^3 octets: the same in names of known generators
 * suffixes          SUFFIXES slots of two words: hash; rarity (low half) and offset (high half)
 * ```
 *
 * Costs are in 1/16 bit, 255 at most: 15.9 bits. Digits share one symbol: which one it is tells
 * little, and tables of 73 kB stay in the second cache.
 */

/** 0 edge of the label, 1..26 letters, 27 a digit, 28 anything else. */
export const SYMBOLS = 29;
export const SYMBOL_DIGIT = 27;
export const SYMBOL_OTHER = 28;
export const PAIRS = SYMBOLS * SYMBOLS;
export const TRIGRAMS = SYMBOLS * SYMBOLS * SYMBOLS;

/** Slots of the suffix table; a power of two. */
export const SUFFIXES = 1024;
/** Words of a slot: the hash (0 is free); rarity in the low half, offset in the high one. */
export const SUFFIX_WORDS = 2;
export const AT_SUFFIXES = (3 * TRIGRAMS + 3) & ~3;
export const SPELLING_CELLS = AT_SUFFIXES + SUFFIXES * SUFFIX_WORDS * 4;

/** Rarity of a suffix that the lists hold too seldom, 1/16 bit. */
export const RARE = 192;

/** Symbol of each octet of a lower-case name. */
export const SYMBOL_OF = new Uint8Array(256).fill(SYMBOL_OTHER);
for (let i = 0; i < 26; i++) SYMBOL_OF[97 + i] = 1 + i;
for (let i = 0; i < 10; i++) SYMBOL_OF[48 + i] = SYMBOL_DIGIT;

export class SpellingModel {
  readonly benign: Uint8Array;
  readonly words: Uint8Array;
  readonly learnt: Uint8Array;
  readonly suffixes: Int32Array;

  /** @param cells SPELLING_CELLS octets, at a multiple of four */
  constructor({ buffer, byteOffset }: Uint8Array) {
    this.benign = new Uint8Array(buffer, byteOffset, TRIGRAMS);
    this.words = new Uint8Array(buffer, byteOffset + TRIGRAMS, TRIGRAMS);
    this.learnt = new Uint8Array(buffer, byteOffset + 2 * TRIGRAMS, TRIGRAMS);
    this.suffixes = new Int32Array(buffer, byteOffset + AT_SUFFIXES, SUFFIXES * SUFFIX_WORDS);
  }

  /** Slot of a suffix: where it stands, or the free one that ends the search. */
  slotOf(hash: number): number {
    const { suffixes } = this;
    for (let slot = hash & (SUFFIXES - 1); ; slot = (slot + 1) & (SUFFIXES - 1)) {
      const found = suffixes[slot * SUFFIX_WORDS]!;
      if (found === hash || found === 0) return slot;
    }
  }
}

/** FNV-1a over octets, never 0; from SEED it is the same in every process, as a file needs it. */
export const SEED = 0x811c9dc5;
export function hashOctets(octets: Uint8Array, from: number, to: number, seed: number): number {
  let hash = seed;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ octets[at]!, 0x01000193);
  return hash === 0 ? 1 : hash;
}

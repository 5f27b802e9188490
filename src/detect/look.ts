/** look: how a text reads to a person: entropy and encoding. For findings, not for scores. */

import { LOOK_BASE32, LOOK_BASE64, LOOK_BINARY, LOOK_HEX, LOOK_WORDS } from './parts.ts';
import type { Part } from './price.ts';
import { SYMBOL_DOT, SYMBOL_OTHER } from './symbols.ts';

const counts = new Uint16Array(256);

/** Shannon entropy of the characters but for dots, bits each; 0 for none. */
export function entropyOf({ octets, symbols, length }: Part): number {
  counts.fill(0);
  let sum = 0;
  for (let i = 0; i < length; i++) {
    if (symbols[i] === SYMBOL_DOT) continue;
    counts[octets[i]!]!++;
    sum++;
  }
  let entropy = 0;
  for (let octet = 0; octet < 256; octet++) {
    const count = counts[octet]!;
    if (count > 0) entropy -= (count / sum) * Math.log2(count / sum);
  }
  return entropy;
}

/** Shorter texts look like anything. */
const LENGTH_MIN = 12;
/** Of letters in an encoded text this share is vowels, more or less; words have twice as many. */
const VOWELS_MAX = 0.3;

/** LOOK_* of a text. Case is gone, so base64 is told by its length and characters alone. */
export function lookOf({ octets, symbols, length }: Part): number {
  let digits = 0;
  let vowels = 0;
  let letters = 0;
  let beyondHex = 0;
  let beyondBase32 = 0;
  for (let i = 0; i < length; i++) {
    const symbol = symbols[i]!;
    if (symbol === SYMBOL_OTHER) return LOOK_BINARY;
    if (symbol === SYMBOL_DOT) continue;
    if (symbol >= 26 && symbol < 36) digits++;
    if (symbol < 26) letters++;
    if (isVowel(octets[i]!)) vowels++;
    if (symbol > 5 && (symbol < 26 || symbol > 35)) beyondHex++;
    if (symbol > 31) beyondBase32++;
  }
  if (length < LENGTH_MIN || (digits === 0 && vowels > letters * VOWELS_MAX)) return LOOK_WORDS;
  if (beyondHex === 0) return LOOK_HEX;
  if (digits === 0 && beyondBase32 > 0) return LOOK_WORDS;
  return beyondBase32 === 0 ? LOOK_BASE32 : LOOK_BASE64;
}

function isVowel(octet: number): boolean {
  return octet === 97 || octet === 101 || octet === 105 || octet === 111 || octet === 117;
}

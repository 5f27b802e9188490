/**
 * spelling: how much a registrable domain's first label looks made by a machine, in bits of
 * evidence. Fast lane: one pass over the label, table look-ups only.
 *
 * Two questions are asked. `generated`: how much likelier is it that a generator drew these letters
 * than that somebody chose them? The generators are those that nobody needs to have seen: all
 * letters alike, letters and digits alike, hexadecimal digits, consonants and vowels by turns; and,
 * with less credit, what known families look like. `wordy`: how much likelier are words of a
 * dictionary in a row than what people register? One such name proves little, many do.
 */

import type { WireName } from '../wire/name.ts';
import {
  hashOctets,
  PAIRS,
  RARE,
  SEED,
  type SpellingModel,
  SUFFIX_WORDS,
  SYMBOL_OF,
  SYMBOLS,
} from './spelling-model.ts';

/** Bits are told in 1/256. */
export const BIT = 256;
/**
 * What one name may say: it is the sum over names that decides. With -8 against, three names of
 * cover would undo two of a generator; with -4 benign windows of 20 pass in 7 of 100,000 cases in
 * place of 5.
 */
export const GENERATED_MIN = -4 * BIT;
export const GENERATED_MAX = 12 * BIT;
export const WORDY_MIN = -4 * BIT;
export const WORDY_MAX = 3 * BIT;

/** log2 of the letters to choose from, in 1/256 bit. */
const LETTER = 1203; // 26
const LETTER_OR_DIGIT = 1324; // 36
const HEX_DIGIT = 1024; // 16
const DIGIT = 850; // 10
/** The prior of each generator among all and of a length among some 25, in 1/256 bit. */
const PRIOR = 2 * BIT + 1189;
const PRIOR_LEARNT = 4 * BIT;
/** Words in a row are the exception among names; found on names of no dictionary generator. */
const WORDY_BIAS = 4 * BIT;

/** Classes of octets: bits. */
const IS_DIGIT = 1;
const IS_VOWEL = 2;
const IS_LETTER = 4;
const IS_HEX = 8;
const IS_OTHER = 16;
const CLASS_OF = new Uint8Array(256).fill(IS_OTHER);
for (let i = 97; i <= 122; i++) CLASS_OF[i] = IS_LETTER | (i <= 102 ? IS_HEX : 0);
for (let i = 48; i <= 57; i++) CLASS_OF[i] = IS_DIGIT | IS_HEX;
for (const vowel of 'aeiouy') CLASS_OF[vowel.charCodeAt(0)]! |= IS_VOWEL;

/**
 * Cost of a letter after another when consonants and vowels take turns, 1/256 bit; by whether this
 * one is a vowel (1) and the one before (2): 0.15 / 20, 0.85 / 6, 0.88 / 20, 0.12 / 6.
 */
const TURNS = Int32Array.of(1807, 722, 1154, 1445);
const BY_TURNS_PRIOR = BIT;

/** What one label says. */
export interface Judgement {
  readonly generated: number;
  readonly wordy: number;
  readonly suffixRarity: number;
  readonly suffix: number;
}

export class Spelling implements Judgement {
  /** Evidence that a generator drew the label, GENERATED_MIN..GENERATED_MAX. */
  generated = 0;
  /** Evidence that it is words in a row, WORDY_MIN..WORDY_MAX. */
  wordy = 0;
  /** -log2 of the suffix's share of names that people registered, 1/16 bit. */
  suffixRarity = 0;
  /** Hash of the public suffix. */
  suffix = 0;
  /** The same as `generated`, before it was cut. */
  uncut = 0;
  readonly #model: SpellingModel;
  /** Benign, word and learnt cost of each trigram, from the low octet on: one look-up for three. */
  readonly #packed: Int32Array;

  constructor(model: SpellingModel) {
    this.#model = model;
    const { benign, words, learnt } = model;
    this.#packed = Int32Array.from(
      benign,
      (cost, at) => cost | (words[at]! << 8) | (learnt[at]! << 16),
    );
  }

  /** @param label where the registrable domain starts; not the root */
  judge(name: WireName, label: number): void {
    const { octets } = name;
    const packed = this.#packed;
    const first = name.labelAt[label]! + 1;
    const end = first + octets[first - 1]!;
    let before = 0;
    let last = 0;
    let outer = 0;
    let wordsCost = 0;
    let digits = 0;
    let byTurns = (CLASS_OF[octets[first]!]! & IS_VOWEL) === 0 ? 0 : TURNS[1]! - TURNS[3]!;
    let all = IS_LETTER | IS_DIGIT | IS_HEX;
    let any = 0;
    // As if a vowel stood before the first letter.
    let turn = 2;
    // No division, no unsure branch, one table: 120 ns a name of 18 octets, 143 with them.
    for (let at = first; at < end; at++) {
      const octet = octets[at]!;
      const symbol = SYMBOL_OF[octet]!;
      const trigram = before * PAIRS + last * SYMBOLS + symbol;
      before = last;
      last = symbol;
      const costs = packed[trigram]!;
      outer += costs & 0xff00ff;
      wordsCost += (costs >> 8) & 0xff;
      const kind = CLASS_OF[octet]!;
      all &= kind;
      any |= kind;
      digits += kind & IS_DIGIT;
      const isVowel = (kind & IS_VOWEL) >> 1;
      byTurns += TURNS[turn | isVowel]!;
      turn = isVowel << 1;
    }
    const ended = before * PAIRS + last * SYMBOLS;
    const digitCost = digits * DIGIT;
    const lastCosts = packed[ended]!;
    outer += lastCosts & 0xff00ff;
    const benignCost = (outer & 0xffff) * 16 + digitCost;
    wordsCost = (wordsCost + ((lastCosts >> 8) & 0xff)) * 16 + digitCost;
    const learntCost = (outer >>> 16) * 16 + digitCost + PRIOR_LEARNT;
    const length = end - first;
    let cost = learntCost;
    if ((any & IS_OTHER) === 0) {
      cost = Math.min(cost, length * LETTER_OR_DIGIT + PRIOR);
      if ((all & IS_LETTER) !== 0) {
        cost = Math.min(cost, length * LETTER + PRIOR, byTurns + PRIOR + BY_TURNS_PRIOR);
      }
      if ((all & IS_HEX) !== 0) cost = Math.min(cost, length * HEX_DIGIT + PRIOR + BIT);
    }
    this.#weigh(name, label, benignCost - cost, benignCost - wordsCost + WORDY_BIAS);
  }

  /** Takes the suffix into account: under some, machines name what people pay for. */
  #weigh(name: WireName, label: number, generated: number, wordy: number): void {
    const { suffixes } = this.#model;
    this.suffix = hashOctets(name.octets, name.labelAt[label + 1]!, name.length, SEED);
    const at = this.#model.slotOf(this.suffix) * SUFFIX_WORDS;
    const known = suffixes[at] !== 0;
    const word = suffixes[at + 1]!;
    this.suffixRarity = known ? word & 0xffff : RARE;
    this.uncut = generated + (known ? (word >> 16) * 16 : 0);
    this.generated = Math.max(GENERATED_MIN, Math.min(this.uncut, GENERATED_MAX));
    this.wordy = Math.max(WORDY_MIN, Math.min(wordy, WORDY_MAX));
  }
}

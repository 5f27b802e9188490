/**
 * The code of names: how many bits a query carries, as the length of a codeword from which the
 * query can be had back. Fast lane; nothing is allocated and nothing is really encoded: the charge
 * is the length. test/detect/code.test.ts has the encoder and the decoder.
 *
 * ```
 * query    = event, type, flags
 * event    = repeat, which of the names remembered
 *          | literal, text with its end
 *          | delta, which of the last 4 names, octets in common at its start and at its end,
 *            length of what is new between them, text of that
 * ```
 *
 * Why it is a bound. Each step is a choice among alternatives whose 2^-length add up to at most 1
 * (code-lengths.ts, and the model is checked when it is loaded), and which alternatives there are
 * follows from the queries before. So over all sequences of queries through a rule, of whatever
 * number, sum 2^-(charge + CLOSING) <= 1: the charges are lengths of a prefix-free code. For any
 * random variable M that a workload puts into the names, by any encoding, also one that reacts to
 * what it is answered, it follows for what leaves within a window, given all that left before:
 *
 * - H(M | before) <= E[charge + CLOSING]: on average no more bits leave than are charged (Shannon);
 * - P(charge + CLOSING < -log2 P(M) - k) <= 2^-k: being lucky by k bits has chance 2^-k (Markov).
 *
 * What it assumes: what leaves is (name in lower case, type, DO, CD, RD) and nothing else of the
 * client's message, which upstream/forward.ts sees to; the receiver knows the rules, the model and
 * all names that went before. A new name whose 64-bit keyed hash is that of a remembered one is
 * charged as a repeat: chance 256 / 2^64 = 1.4e-17 a query, and who asks cannot aim for it. What
 * is outside stands in docs/detection.md: timing, order across rules, and what is not asked.
 */

import type { WireName } from '../wire/name.ts';
import {
  type AccountRows,
  addHash,
  holdsHash,
  KNOWN,
  LAST_NAMES,
  LAST_OCTETS,
  OCTET_LAST_NAMES,
  WORD_FLAGS,
  WORD_KNOWN,
  WORD_LAST,
  WORD_LAST_LENGTH,
  WORD_LAST_NEXT,
} from './account-row.ts';
import {
  choiceUnits,
  EVENT_DELTA,
  EVENT_LITERAL,
  EVENT_REPEAT,
  FLAGS_OTHER,
  FLAGS_SAME,
  gammaUnits,
  typeUnits,
} from './code-lengths.ts';
import { cheapest, DOT, DOT_INSIDE, textUnits } from './code-text.ts';

export const IS_REPEAT = 0;
export const IS_LITERAL = 1;
export const IS_DELTA = 2;

/** Saying where it is costs some 14 bits: less in common is not worth looking at. */
const COMMON_MIN = 3;

export class NameCode {
  /** The part of the last name below the rule's own labels, as text. */
  readonly text = new Uint8Array(LAST_OCTETS);
  length = 0;
  /** How the last query was said: IS_*, and what goes with it. */
  event = IS_REPEAT;
  coder = 0;
  /** Of a delta: place of the last name it is against, octets kept at its start and end. */
  against = 0;
  prefix = 0;
  suffix = 0;
  readonly #rows: AccountRows;
  readonly #model: Uint8Array;

  /** @param model lengths of code-text.ts */
  constructor(rows: AccountRows, model: Uint8Array) {
    this.#rows = rows;
    this.#model = model;
  }

  /**
   * The units of a query, given what the row remembers; the row stays as it is.
   *
   * @param labels labels of the name below the rule's own
   * @param flags KEY_* bits
   * @param row first word of the row
   */
  units(
    name: WireName,
    labels: number,
    query: { readonly qtype: number; readonly flags: number },
    row: number,
  ): number {
    const { words } = this.#rows;
    this.#readText(name, labels);
    const flags = query.flags === words[row + WORD_FLAGS]! ? FLAGS_SAME : FLAGS_OTHER;
    return typeUnits(query.qtype) + flags + this.#eventUnits(name, row);
  }

  /** The row takes in the query that `units` was about: it leaves. */
  learn(name: WireName, flags: number, row: number): void {
    const { words, octets } = this.#rows;
    words[row + WORD_FLAGS] = flags;
    if (this.event === IS_REPEAT) return;
    addHash(this.#rows, row, KNOWN, name.low[0]!, name.high[0]!);
    const next = words[row + WORD_LAST_NEXT]!;
    const at = row * 4 + OCTET_LAST_NAMES + next * LAST_OCTETS;
    for (let i = 0; i < this.length; i++) octets[at + i] = this.text[i]!;
    words[row + WORD_LAST_LENGTH + next] = this.length;
    words[row + WORD_LAST_NEXT] = (next + 1) % LAST_NAMES;
    if (words[row + WORD_LAST]! < LAST_NAMES) words[row + WORD_LAST]!++;
  }

  #readText(name: WireName, labels: number): void {
    const { text } = this;
    const { octets, labelAt } = name;
    let length = 0;
    for (let label = 0; label < labels; label++) {
      if (label > 0) text[length++] = DOT;
      const start = labelAt[label]!;
      const end = start + octets[start]!;
      for (let at = start + 1; at <= end; at++) {
        const octet = octets[at]!;
        text[length++] = octet === DOT ? DOT_INSIDE : octet;
      }
    }
    this.length = length;
  }

  #eventUnits(name: WireName, row: number): number {
    const { words } = this.#rows;
    if (holdsHash(this.#rows, row, KNOWN, name.low[0]!, name.high[0]!)) {
      this.event = IS_REPEAT;
      return EVENT_REPEAT + choiceUnits(words[row + WORD_KNOWN]!);
    }
    const literal = EVENT_LITERAL + textUnits(this.#model, this.text, 0, this.length, 1);
    const coder = cheapest;
    const last = words[row + WORD_LAST]!;
    if (this.#compareAll(row, last)) {
      const delta = this.#deltaUnits(row, last);
      if (delta < literal) {
        this.event = IS_DELTA;
        this.coder = cheapest;
        return delta;
      }
    }
    this.event = IS_LITERAL;
    this.coder = coder;
    return literal;
  }

  /** Finds the last name that leaves the least to be told; false when none has much in common. */
  #compareAll(row: number, last: number): boolean {
    let least = LAST_OCTETS;
    for (let place = 0; place < last; place++) least = this.#compare(row, place, least);
    return least <= this.length - COMMON_MIN;
  }

  #deltaUnits(row: number, last: number): number {
    const { words } = this.#rows;
    const length = words[row + WORD_LAST_LENGTH + this.against]!;
    const { prefix, suffix } = this;
    const end = this.length - suffix;
    return (
      EVENT_DELTA +
      choiceUnits(last) +
      choiceUnits(length + 1) +
      choiceUnits(length - prefix + 1) +
      gammaUnits(end - prefix) +
      textUnits(this.#model, this.text, prefix, end, 0)
    );
  }

  /** Takes the last name at `place` when less than `least` octets are new against it. */
  #compare(row: number, place: number, least: number): number {
    const { octets, words } = this.#rows;
    const { text, length } = this;
    const at = row * 4 + OCTET_LAST_NAMES + place * LAST_OCTETS;
    const other = words[row + WORD_LAST_LENGTH + place]!;
    const most = Math.min(other, length);
    let prefix = 0;
    while (prefix < most && text[prefix] === octets[at + prefix]) prefix++;
    let suffix = 0;
    while (
      suffix < most - prefix &&
      text[length - 1 - suffix] === octets[at + other - 1 - suffix]
    ) {
      suffix++;
    }
    const rest = length - prefix - suffix;
    if (rest >= least) return least;
    this.against = place;
    this.prefix = prefix;
    this.suffix = suffix;
    return rest;
  }
}

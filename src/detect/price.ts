/**
 * price: how many bytes of novel information the part of a name below its domain can carry, given
 * the last names that were asked for there. Fast lane.
 *
 * What a name shares at its front or end with one of the last RECENTS is known already; the rest
 * costs what the model of ordinary names asks for it, and at most 6 bits a character. So the
 * thirty-fourth `client34` costs a digit, `www` two bits, and 32 hexadecimal characters 16 bytes.
 * It is Paxson's bound (Practical Comprehensive Bounds on Surreptitious Communication over DNS,
 * USENIX Security 2013) made streaming: lossless compression bounds what was said.
 */

import type { WireName } from '../wire/name.ts';
import { contextOf, PARTS_OF_BIT } from './model.ts';
import { SYMBOL_DOT, SYMBOL_END, SYMBOL_OF } from './symbols.ts';

/** Parts kept to compare with, and how many octets of each: the front of a longer one. */
export const RECENTS = 4;
export const RECENT_OCTETS = 128;

/** A letter, digit, hyphen or underscore cannot carry more; with the dot they are 39. */
const RAW = 6 * PARTS_OF_BIT;
/** One surprising character is a typing error, not a message. */
const SYMBOL_MAX = 8 * PARTS_OF_BIT;
/** Lengths here are integers in 1/16 bit. */
export const PARTS_OF_BYTE = 8 * PARTS_OF_BIT;

/** The part of a name below its registrable domain, as one text. */
export class Part {
  /** Octets, with a dot between labels. */
  readonly octets = new Uint8Array(256);
  readonly symbols = new Uint8Array(256);
  /** 0..253. */
  length = 0;

  /** @param label where the registrable domain starts */
  read(name: WireName, label: number): void {
    const { octets, symbols } = this;
    const from = name.octets;
    const end = name.labelAt[label]!;
    let next = 0;
    let length = 0;
    for (let at = 0; at < end; at++) {
      if (at !== next) {
        octets[length] = from[at]!;
        symbols[length++] = SYMBOL_OF[from[at]!]!;
        continue;
      }
      next = at + 1 + from[at]!;
      if (at === 0) continue;
      octets[length] = 0x2e;
      symbols[length++] = SYMBOL_DOT;
    }
    this.length = length;
  }

  /** One label alone. */
  readLabel({ octets, labelAt }: WireName, label: number): void {
    const at = labelAt[label]!;
    const length = octets[at]!;
    for (let i = 0; i < length; i++) {
      const octet = octets[at + 1 + i]!;
      this.octets[i] = octet;
      this.symbols[i] = SYMBOL_OF[octet]!;
    }
    this.length = length;
  }
}

/**
 * @param model lengths of loadNameModel
 * @param octets where the kept parts stand: their lengths at `lengths`, an octet each, themselves
 *   at `at`, RECENT_OCTETS each
 * @returns 1/16 bit, of which half a byte is for that it was asked at all
 */
export function noveltyOf(
  part: Part,
  model: Uint8Array,
  octets: Uint8Array,
  lengths: number,
  at: number,
): number {
  const { length } = part;
  let from = 0;
  let to = length;
  for (let recent = 0; recent < RECENTS; recent++) {
    const place = at + recent * RECENT_OCTETS;
    const kept = octets[lengths + recent]!;
    if (kept === 0) continue;
    const front = sharedFront(part, octets, place, kept);
    const back = kept > RECENT_OCTETS ? 0 : sharedBack(part, octets, place, kept, front);
    if (length - front - back >= to - from) continue;
    from = front;
    to = length - back;
  }
  return lengthOf(part, model, from, to) + PARTS_OF_BYTE / 2;
}

function sharedFront(part: Part, octets: Uint8Array, place: number, kept: number): number {
  const most = Math.min(part.length, kept, RECENT_OCTETS);
  let front = 0;
  while (front < most && part.octets[front] === octets[place + front]) front++;
  return front;
}

function sharedBack(
  part: Part,
  octets: Uint8Array,
  place: number,
  kept: number,
  front: number,
): number {
  const most = Math.min(part.length, kept) - front;
  const own = part.length - 1;
  const other = place + kept - 1;
  let back = 0;
  while (back < most && part.octets[own - back] === octets[other - back]) back++;
  return back;
}

/** What the characters `from` to `to` can carry after those before them, 1/16 bit. */
export function lengthOf(part: Part, model: Uint8Array, from: number, to: number): number {
  const { symbols } = part;
  let second = from > 1 ? symbols[from - 2]! : SYMBOL_END;
  let last = from > 0 ? symbols[from - 1]! : SYMBOL_END;
  let cost = 0;
  for (let at = from; at < to; at++) {
    const symbol = symbols[at]!;
    cost += Math.min(model[contextOf(second, last) + symbol]!, SYMBOL_MAX);
    second = last;
    last = symbol;
  }
  return Math.min(cost, RAW * (to - from));
}

/** Keeps the front of a part at `at`. */
export function keepRecent(part: Part, octets: Uint8Array, at: number): void {
  const kept = Math.min(part.length, RECENT_OCTETS);
  for (let i = 0; i < kept; i++) octets[at + i] = part.octets[i]!;
}

/**
 * Names without leaving wire form: read, lower-case, skip, compare, expand. No strings.
 *
 * A `WireName` is one reusable name: its octets in lower case, where each label starts, and the
 * keyed hash of each suffix. Every table of the program is asked by those hashes.
 */

import { HEADER_SIZE, LABEL_MAX, LABELS_MAX, NAME_MAX } from './constants.ts';
import { hashSuffixes } from './hash.ts';
import { LOWER } from './octets.ts';

/** RFC 9267: a limit on pointers ends every loop; no honest name needs more than a few. */
const POINTERS_MAX = 10;

export class WireName {
  /** Lower-case wire octets with the root; valid up to `length`. */
  readonly octets = new Uint8Array(NAME_MAX + 1);
  /** 1..255 once read. */
  length = 0;
  /** Where label `i`'s length octet stands in `octets`; leftmost first. */
  readonly labelAt = new Uint16Array(LABELS_MAX + 1);
  /** Labels without the root, 0..127. */
  labelCount = 0;
  /** Label of the registrable domain once somebody asked for it (detect/registrable.ts), or -1. */
  registrable = -1;
  /** Hash halves of the suffix that starts at label `i`; index `labelCount` is the root. */
  readonly low = new Int32Array(LABELS_MAX + 1);
  readonly high = new Int32Array(LABELS_MAX + 1);
}

/**
 * Reads an uncompressed name, as it must stand in a question, and hashes its suffixes.
 *
 * @returns the offset after the name, or -1 when it is malformed: a pointer or reserved label type,
 *   over 255 octets, or past `end` (RFC 1035 3.1, 4.1.2)
 */
export function readName(octets: Uint8Array, at: number, end: number, name: WireName): number {
  // A message that starts at `end` holds nothing that a pointer could lead back to.
  return expandName(octets, end, at, end, name);
}

/**
 * Reads a name that may be compressed, following pointers backwards only (RFC 1035 4.1.4), and
 * hashes its suffixes. A pointer into the header is malformed: no name stands there, and what does
 * (the ID, the counts) is not the same in the message that a client gets.
 *
 * @param start where the message starts; pointers count from it
 * @returns the offset after the name in place (not after what it points to), or -1
 */
export function expandName(
  octets: Uint8Array,
  start: number,
  at: number,
  end: number,
  name: WireName,
): number {
  const next = expandOctets(octets, start, at, end, name);
  if (next !== -1) hashSuffixes(name.octets, name.labelAt, name.labelCount, name.low, name.high);
  return next;
}

/** `expandName` without the hashes, for names that are only copied or compared. */
export function expandOctets(
  octets: Uint8Array,
  start: number,
  at: number,
  end: number,
  name: WireName,
): number {
  const out = name.octets;
  let length = 0;
  let labels = 0;
  let position = at;
  let after = -1;
  let pointers = 0;
  while (position < end) {
    const size = octets[position]!;
    if (size === 0) {
      out[length] = 0;
      name.length = length + 1;
      name.labelAt[labels] = length;
      name.labelCount = labels;
      name.registrable = -1;
      return after === -1 ? position + 1 : after;
    }
    if (size >= 0xc0) {
      if (position + 1 >= end || ++pointers > POINTERS_MAX) return -1;
      if (after === -1) after = position + 2;
      const target = start + (((size & 0x3f) << 8) | octets[position + 1]!);
      if (target >= position || target < start + HEADER_SIZE) return -1;
      position = target;
      continue;
    }
    const next = position + 1 + size;
    if (size > LABEL_MAX || next >= end || length + size + 2 > NAME_MAX) return -1;
    name.labelAt[labels++] = length;
    out[length++] = size;
    for (let i = position + 1; i < next; i++) out[length++] = LOWER[octets[i]!]!;
    position = next;
  }
  return -1;
}

/**
 * Skips a name in place without reading what a pointer leads to.
 *
 * @returns the offset after it, or -1
 */
export function skipName(octets: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end) {
    const size = octets[position]!;
    if (size === 0) return position + 1;
    if (size >= 0xc0) return position + 2 <= end ? position + 2 : -1;
    if (size > LABEL_MAX) return -1;
    position += 1 + size;
  }
  return -1;
}

/** Whether two lower-case wire names are the same octets. */
export function equalOctets(
  a: Uint8Array,
  aAt: number,
  b: Uint8Array,
  bAt: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** Copies `from` whole, hashes included. */
export function copyName(from: WireName, to: WireName): void {
  const labels = from.labelCount;
  for (let i = 0; i < from.length; i++) to.octets[i] = from.octets[i]!;
  for (let i = 0; i <= labels; i++) {
    to.labelAt[i] = from.labelAt[i]!;
    to.low[i] = from.low[i]!;
    to.high[i] = from.high[i]!;
  }
  to.length = from.length;
  to.labelCount = labels;
  to.registrable = from.registrable;
}

/** Whether `name` equals `suffix` or lies below it. */
export function endsWith(name: WireName, suffix: Uint8Array, suffixLength: number): boolean {
  const at = name.length - suffixLength;
  if (at < 0 || !equalOctets(name.octets, at, suffix, 0, suffixLength)) return false;
  for (let i = 0; i <= name.labelCount; i++) if (name.labelAt[i] === at) return true;
  return false;
}

/**
 * Names of a record as octets: presentation form to wire form without an exception, because one
 * unreadable name among a million is a finding of the reader and no error of the program.
 */

import { LABEL_MAX, NAME_MAX } from '../../wire/constants.ts';
import { LOWER } from '../../wire/octets.ts';

const DOT = 46; // '.'
const BACKSLASH = 92; // '\'
const ROOT = new Uint8Array(1);
const scratch = new Uint8Array(NAME_MAX + 1);

/**
 * Wire form of a name, case kept. `\DDD` is an octet, `\X` the character X; other characters are
 * one octet each.
 *
 * @returns null when a label is empty or too long, the name too long, or an escape wrong
 */
export function wireOf(text: string): Uint8Array | null {
  if (text === '' || text === '.') return ROOT;
  let labelAt = 0;
  let length = 1;
  for (let i = 0; i < text.length; i++) {
    if (length >= NAME_MAX) return null;
    let code = text.charCodeAt(i);
    if (code === DOT) {
      if (!closeLabel(labelAt, length)) return null;
      labelAt = length++;
      continue;
    }
    if (code === BACKSLASH) {
      const digits = digitsAt(text, i + 1);
      code = digits === -1 ? text.charCodeAt(i + 1) : digits;
      i += digits === -1 ? 1 : 3;
    }
    // NaN after the end, and what has no single octet, fail here.
    if (!(code <= 255)) return null;
    scratch[length++] = code;
  }
  if (length - labelAt > 1) {
    if (!closeLabel(labelAt, length)) return null;
    labelAt = length++;
  }
  if (length > NAME_MAX) return null;
  scratch[labelAt] = 0;
  // Out of Node's pool: a memory of its own for each name would take three times as much.
  const wire = Buffer.allocUnsafe(length);
  wire.set(scratch.subarray(0, length));
  return wire;
}

function closeLabel(labelAt: number, end: number): boolean {
  const size = end - labelAt - 1;
  if (size === 0 || size > LABEL_MAX) return false;
  scratch[labelAt] = size;
  return true;
}

/** The number that three digits at `at` make; -1 when they are none. */
function digitsAt(text: string, at: number): number {
  let value = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** A copy in lower case: names are compared so (RFC 4343). */
export function lowerName(name: Uint8Array): Uint8Array {
  const lower = new Uint8Array(name.length);
  for (let i = 0; i < name.length; i++) lower[i] = LOWER[name[i]!]!;
  return lower;
}

/**
 * Octets of a lower-case name that stand above `zone`, with the length octets between its labels:
 * as many as the text has characters. -1 when it is not below the zone.
 */
export function octetsAbove(name: Uint8Array, zone: Uint8Array): number {
  const at = name.length - zone.length;
  if (at < 0) return -1;
  for (let i = 0; i < zone.length; i++) if (name[at + i] !== zone[i]) return -1;
  let label = 0;
  while (label < at) label += 1 + name[label]!;
  if (label !== at) return -1;
  return at === 0 ? 0 : at - 1;
}

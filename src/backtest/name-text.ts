/**
 * Names of the history back in wire form, for the engine. Most have no escape and are written octet
 * by octet: 10 million of them are asked for in one run.
 */

import { textOfReversed } from '../history/names.ts';
import { readName, type WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';

const WIRE_MAX = 255;
const LABEL_MAX = 63;
const DOT = 46; // '.'
const BACKSLASH = 92; // '\'

const scratch = new Uint8Array(WIRE_MAX);

/**
 * Reads a name in presentation form, hashes and all.
 *
 * @returns false where the text is no name: a row that was spoiled
 */
export function readNameText(text: string, name: WireName): boolean {
  const size = writePlain(text);
  if (size > 0) return readName(scratch, 0, size, name) === size;
  try {
    const wire = nameToWire(text);
    return readName(wire, 0, wire.length, name) === wire.length;
  } catch {
    return false;
  }
}

/**
 * Reads a name as the history keeps it (history/names.ts): no text is made of it.
 *
 * @returns as `readNameText`
 */
export function readReversed(reversed: string, name: WireName): boolean {
  const size = writeReversed(reversed);
  if (size > 0) return readName(scratch, 0, size, name) === size;
  return readNameText(textOfReversed(reversed), name);
}

/** Fills `scratch` from the last label on; as `writePlain`. */
function writeReversed(text: string): number {
  let end = text.length - 1;
  if (end < 0 || end + 2 > WIRE_MAX || text.charCodeAt(end) !== DOT) return 0;
  let at = 0;
  for (let i = end - 1; i >= -1; i--) {
    const code = i < 0 ? DOT : text.charCodeAt(i);
    if (code === BACKSLASH || code > 126 || code < 33) return 0;
    if (code !== DOT) continue;
    const size = end - i - 1;
    if (size === 0 || size > LABEL_MAX) return 0;
    scratch[at++] = size;
    for (let j = i + 1; j < end; j++) scratch[at++] = text.charCodeAt(j);
    end = i;
  }
  scratch[at] = 0;
  return at + 1;
}

/** Fills `scratch`; returns its length, or 0 for a text that is not plain labels. */
function writePlain(text: string): number {
  const { length } = text;
  if (length + 2 > WIRE_MAX) return 0;
  let start = 0;
  for (let i = 0; i <= length; i++) {
    const code = i === length ? DOT : text.charCodeAt(i);
    if (code === BACKSLASH || code > 126 || code < 33) return 0;
    if (code !== DOT) {
      scratch[i + 1] = code;
      continue;
    }
    const size = i - start;
    if (size === 0 || size > LABEL_MAX) return 0;
    scratch[start] = size;
    start = i + 1;
  }
  scratch[start] = 0;
  return start + 1;
}

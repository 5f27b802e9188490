/**
 * Words of a master file as octets: escapes resolved, names in wire form. Pure functions that throw
 * a plain message; the reader of fields adds the place.
 */

import { LABEL_MAX, NAME_MAX } from '../wire/constants.ts';
import { LOWER } from '../wire/octets.ts';

const DOT = 46; // '.'
const QUOTE = 34; // '"'
const BACKSLASH = 92; // '\'

/**
 * What is wrong with a word, in words. Caught where the place is known; never leaves this folder.
 */
export class WordProblem extends Error {}

/**
 * Octets of a word, RFC 1035 5.1: `\DDD` is the octet of that decimal number, `\X` the character X.
 *
 * @throws WordProblem
 */
export function unescapeText(raw: string): number[] {
  const octets: number[] = [];
  for (let at = 0; at < raw.length; ) {
    if (raw.charCodeAt(at) === BACKSLASH) {
      const { octet, length } = readEscape(raw, at);
      octets.push(octet);
      at += length;
    } else {
      octets.push(raw.charCodeAt(at) & 0xff);
      at++;
    }
  }
  return octets;
}

/**
 * Wire form of a name; without a final dot it is relative to `origin`. Case is kept.
 *
 * @throws WordProblem
 */
export function nameOctets(raw: string, origin: Uint8Array): Uint8Array {
  if (raw === '@') return origin;
  if (raw === '.') return new Uint8Array(1);
  const out: number[] = [];
  let labelAt = 0;
  out.push(0);
  let at = 0;
  while (at < raw.length) {
    const code = raw.charCodeAt(at);
    if (code === DOT) {
      closeLabel(out, labelAt);
      labelAt = out.length;
      out.push(0);
      at++;
    } else if (code === BACKSLASH) {
      const { octet, length } = readEscape(raw, at);
      out.push(octet);
      at += length;
    } else {
      if (code > 126 || code === QUOTE) {
        throw new WordProblem('not plain ASCII; use A-labels (xn--...), or \\DDD for an octet');
      }
      out.push(code);
      at++;
    }
  }
  const absolute = out.length === labelAt + 1 && labelAt > 0;
  if (!absolute) {
    closeLabel(out, labelAt);
    for (const octet of origin) out.push(octet);
  }
  if (out.length > NAME_MAX) {
    throw new WordProblem(`the name has ${out.length} octets; at most ${NAME_MAX}`);
  }
  return Uint8Array.from(out);
}

function closeLabel(out: number[], labelAt: number): void {
  const length = out.length - labelAt - 1;
  if (length === 0) throw new WordProblem('empty label; use single dots between labels');
  if (length > LABEL_MAX) {
    throw new WordProblem(`a label has ${length} octets; at most ${LABEL_MAX}`);
  }
  out[labelAt] = length;
}

function readEscape(raw: string, at: number): { octet: number; length: number } {
  const digits = /^\d{1,3}/.exec(raw.slice(at + 1, at + 4))?.[0] ?? '';
  if (digits === '') return { octet: raw.charCodeAt(at + 1) & 0xff, length: 2 };
  if (digits.length < 3 || Number(digits) > 255) {
    throw new WordProblem(`escape "\\${digits}"; use three digits from \\000 to \\255`);
  }
  return { octet: Number(digits), length: 4 };
}

/** A copy with ASCII letters in lower case (RFC 4343). */
export function lowerCase(octets: Uint8Array): Uint8Array {
  return octets.map((octet) => LOWER[octet] ?? octet);
}

/** A string that stands for the octets, for maps of the slow lane; not for people. */
export function keyOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
}

/** The name without its leftmost label; null for the root. */
export function parentOf(name: Uint8Array): Uint8Array | null {
  const size = name[0] ?? 0;
  return size === 0 ? null : name.subarray(1 + size);
}

/** Whether a lower-case name equals `suffix` or lies below it. */
export function isWithin(name: Uint8Array, suffix: Uint8Array): boolean {
  const wanted = keyOf(suffix);
  for (let at: Uint8Array | null = name; at !== null; at = parentOf(at)) {
    if (at.length === suffix.length) return keyOf(at) === wanted;
  }
  return false;
}

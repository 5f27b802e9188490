/**
 * Names as the history keeps them: presentation text, labels reversed, a dot after every label.
 *
 * `www.example.com` is `com.example.www.`, so that a domain and all below it are one range of an
 * index. Dots inside labels are escaped before the reversal, so no label can leave its place.
 * Nothing here decides policy: policy is matched on wire labels.
 */

import { domainToASCII } from 'node:url';
import { DnsvalveError } from '../errors.ts';
import { nameLabels, nameToText, nameToWire } from '../wire/text.ts';

/** First text after every text that starts with a whole number of labels: '/' follows '.'. */
const AFTER_DOT = '/';

/**
 * In `pair.names`: all queries were for `first_name`, so that the pair's row is its detail too and
 * table `name` holds none. Most destinations are asked for by one name; a row for each would double
 * what a new destination costs.
 */
export const SOLE_NAME = -1;

/**
 * Octets of a wire name, kept as a string of one character each: cheap to make, to hash, to hold.
 */
export type WireText = string;

/** Longest wire name, RFC 1035 2.3.4. */
const WIRE_MAX = 255;
const DOT = 46; // '.'
const scratch = Buffer.alloc(WIRE_MAX + 1);

/** Reversed form of a wire name, or of its first labels without the root; the root is ''. */
export function reversedName(wire: WireText): string {
  const size = reversePlain(wire);
  if (size >= 0) return scratch.toString('latin1', 0, size);
  const labels = nameLabels(Buffer.from(wire, 'latin1'));
  return labels.length === 0 ? '' : `${labels.reverse().join('.')}.`;
}

/** Presentation form of a wire name, no trailing dot; the root is '.'. */
export function wireToText(wire: WireText): string {
  const size = wire.length - 2;
  if (size > 0 && size < WIRE_MAX && fillPlain(wire)) return scratch.toString('latin1', 0, size);
  return nameToText(Buffer.from(wire, 'latin1'));
}

/** Fills `scratch` with the labels and a dot after each; false where one needs an escape. */
function fillPlain(wire: WireText): boolean {
  const end = wire.length - 1;
  for (let at = 0; at < end; ) {
    const next = at + wire.charCodeAt(at) + 1;
    if (next === at + 1 || next > end) return false;
    for (let i = at + 1; i < next; i++) {
      const octet = wire.charCodeAt(i);
      if (!isPlain(octet)) return false;
      scratch[i - 1] = octet;
    }
    scratch[next - 1] = DOT;
    at = next;
  }
  return wire.charCodeAt(end) === 0;
}

/** Fills `scratch` from its end where nothing needs an escape; -1 for any other name. */
function reversePlain(wire: WireText): number {
  const hasRoot = wire.charCodeAt(wire.length - 1) === 0;
  const size = hasRoot ? wire.length - 1 : wire.length;
  if (size > WIRE_MAX) return -1;
  let end = size;
  for (let at = 0; at < size; ) {
    const length = wire.charCodeAt(at);
    const start = end - length - 1;
    if (length === 0 || start < 0) return -1;
    for (let i = 0; i < length; i++) {
      const octet = wire.charCodeAt(at + 1 + i);
      if (!isPlain(octet)) return -1;
      scratch[start + i] = octet;
    }
    scratch[end - 1] = DOT;
    end = start;
    at += length + 1;
  }
  return size;
}

/** Letters, digits, `-`, `_`: what most names are made of and nothing escapes. */
function isPlain(octet: number): boolean {
  if (octet >= 0x61 && octet <= 0x7a) return true; // 'a'..'z'
  return (octet >= 0x30 && octet <= 0x39) || octet === 0x2d || octet === 0x5f; // '0'..'9' '-' '_'
}

/** Presentation form of a reversed name, no trailing dot; the root is '.'. */
export function textOfReversed(reversed: string): string {
  const labels = splitLabels(reversed);
  return labels.length === 0 ? '.' : labels.reverse().join('.');
}

/**
 * Reversed form of a name that a person typed: any case, with or without the trailing dot, U-labels
 * taken as A-labels.
 *
 * @throws DnsvalveError USAGE when it is no name
 */
export function reversedFromText(text: string): string {
  const ascii = /[^\x00-\x7f]/.test(text) ? domainToASCII(text) : text;
  if (ascii === '') throw new DnsvalveError('USAGE', `name "${text}": not a domain name`);
  return reversedName(Buffer.from(nameToWire(ascii.toLowerCase())).toString('latin1'));
}

/**
 * Where the names below `reversed` (itself included) end in an index: the first one that is not.
 */
export function endOfSubtree(reversed: string): string {
  return reversed === '' ? '\u{10ffff}' : `${reversed.slice(0, -1)}${AFTER_DOT}`;
}

/** `reversed` and the names above it, longest first, without the root. */
export function ancestorsOf(reversed: string): string[] {
  const labels = splitLabels(reversed);
  return labels.map((_, i) => `${labels.slice(0, labels.length - i).join('.')}.`);
}

/** Labels of escaped text: a dot behind a backslash belongs to its label. */
function splitLabels(text: string): string[] {
  if (!text.includes('\\')) {
    // A third of the time, and nearly every name is such.
    const labels = text.split('.');
    if (labels.at(-1) === '') labels.pop();
    return labels;
  }
  return text.match(/(?:\\.|[^.\\])+/g) ?? [];
}

/** Whether `text` is the `text.length` octets at `at`, where `length` octets are meant. */
export function isSameOctets(
  octets: Uint8Array,
  at: number,
  length: number,
  text: WireText,
): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (octets[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

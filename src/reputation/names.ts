/**
 * Host names of feeds, from text octets to a hashed wire name. Letters, digits, `-` and `_`; a
 * trailing dot is taken off, capitals are folded, and names in other scripts become A-labels.
 *
 * One reader is reused for a whole feed: no string is made unless a name holds non-ASCII octets.
 */

import { domainToASCII } from 'node:url';
import { LABEL_MAX, NAME_MAX } from '../wire/constants.ts';
import { hashSuffixes } from '../wire/hash.ts';
import { WireName } from '../wire/name.ts';
import type { RejectKind } from './rejects.ts';

const DOT = 46; // '.'
const SLASH = 47; // '/'
const COLON = 58; // ':'
/** Lower case of each octet that a host name may hold (and of '.'), 0 for the others. */
const HOST = new Uint8Array(256);
for (const octet of new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz0123456789-_.')) {
  HOST[octet] = octet;
  if (octet >= 97 /* 'a' */) HOST[octet - 32] = octet;
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

export class NameReader {
  /** The last name that was read. */
  readonly name = new WireName();
  /** Names that had to be converted to A-labels. */
  converted = 0;

  /** @returns null when `name` holds the name of `octets[from..to)`, else what is wrong with it. */
  read(octets: Uint8Array, from: number, to: number): RejectKind | null {
    const name = this.name;
    const out = name.octets;
    const end = to > from && octets[to - 1] === DOT ? to - 1 : to;
    if (end - from > NAME_MAX - 2 || end === from) return this.#refuse(octets, from, end);
    let lengthAt = 0;
    let at = 1;
    let labels = 0;
    for (let i = from; i <= end; i++) {
      const octet = i === end ? DOT : HOST[octets[i]!]!;
      if (octet === DOT) {
        const size = at - lengthAt - 1;
        if (size === 0 || size > LABEL_MAX) return this.#refuse(octets, from, end);
        out[lengthAt] = size;
        name.labelAt[labels++] = lengthAt;
        lengthAt = at;
      } else if (octet === 0) {
        return this.#refuse(octets, from, end);
      } else {
        out[at] = octet;
      }
      at++;
    }
    out[lengthAt] = 0;
    name.length = lengthAt + 1;
    name.labelAt[labels] = lengthAt;
    name.labelCount = labels;
    name.registrable = -1;
    if (isNumber(out, name.labelAt[labels - 1]!)) return 'address';
    hashSuffixes(out, name.labelAt, labels, name.low, name.high);
    return null;
  }

  /** Says why the plain reading failed, or reads the A-label form of a name in another script. */
  #refuse(octets: Uint8Array, from: number, to: number): RejectKind | null {
    let colon = false;
    let foreign = false;
    for (let i = from; i < to; i++) {
      const octet = octets[i]!;
      if (octet === SLASH) return 'url';
      if (octet === COLON) colon = true;
      if (octet >= 0x80) foreign = true;
    }
    if (colon) return 'address';
    if (!foreign || to - from > NAME_MAX * 4) return 'name';
    let ascii: Uint8Array;
    try {
      ascii = encoder.encode(domainToASCII(decoder.decode(octets.subarray(from, to))));
    } catch {
      return 'name'; // not UTF-8
    }
    // An ASCII result cannot come back here; an empty one is what the conversion refuses.
    if (ascii.length === 0) return 'name';
    const refused = this.read(ascii, 0, ascii.length);
    if (refused === null) this.converted++;
    return refused;
  }
}

/** Whether a label is digits only: no top-level domain is, so it ends an IPv4 address. */
function isNumber(wire: Uint8Array, at: number): boolean {
  const end = at + 1 + wire[at]!;
  for (let i = at + 1; i < end; i++) if (wire[i]! < 48 || wire[i]! > 57) return false;
  return true;
}

/**
 * Responses out of what a table says about them: rcode, lowest TTL, and the records as far as they
 * were written down. What is missing is made up to the recorded size, the same for the same name.
 */

import { addressToBytes } from '../../native/addresses.ts';
import { QR, RA, RD } from '../../wire/constants.ts';
import { writeU16, writeU32 } from '../../wire/octets.ts';
import { typeFromText } from '../../wire/text.ts';
import { wireOf } from './names.ts';
import type { Reply } from './sample.ts';

const TYPE_A = 1;
const TYPE_NS = 2;
const TYPE_CNAME = 5;
const TYPE_SOA = 6;
const TYPE_PTR = 12;
const TYPE_MX = 15;
const TYPE_TXT = 16;
const TYPE_AAAA = 28;
const TYPE_SRV = 33;
const TYPE_DNAME = 39;

const HEADER_SIZE = 12;
/** Owner, type, class, TTL and length of a record whose owner is the question's name. */
const FIXED_SIZE = 12;
const MESSAGE_MAX = 16_384;
/** The column of answers is cut at 160 characters; some of them may be an escape. */
const CUT_LENGTH = 156;

/** Octets before the name of a type whose data is a name; the octets after it. */
const NAMES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [TYPE_NS, [0, 0]],
  [TYPE_CNAME, [0, 0]],
  [TYPE_PTR, [0, 0]],
  [TYPE_DNAME, [0, 0]],
  [TYPE_MX, [2, 0]],
  [TYPE_SRV, [6, 0]],
  // The second name is the root.
  [TYPE_SOA, [0, 21]],
]);

export class ResponseBuilder {
  readonly octets = new Uint8Array(MESSAGE_MAX);
  length = 0;
  #answers = 0;
  #seed = 0;
  #owner: Uint8Array | null = null;
  #ttl = 0;

  /** Writes the response to the question that stands in `query` from its header on. */
  build(query: Uint8Array, queryLength: number, reply: Reply & { kind: 'row' }): void {
    this.octets.set(query.subarray(0, queryLength));
    writeU16(this.octets, 2, QR | RD | RA | reply.rcode);
    this.length = queryLength;
    this.#answers = 0;
    this.#owner = null;
    this.#ttl = reply.ttl;
    this.#seed = seedOf(query, queryLength);
    const qtype = ((query[queryLength - 4] ?? 0) << 8) | (query[queryLength - 3] ?? 0);
    if (reply.records !== '') this.#addRecords(reply, qtype);
    writeU16(this.octets, 6, this.#answers);
  }

  #addRecords(reply: Reply & { kind: 'row' }, qtype: number): void {
    const words = joinTexts(reply.records.split(' '));
    const isCut = reply.records.length >= CUT_LENGTH;
    for (const [i, word] of words.entries()) {
      const { type, data } = recordOf(word, qtype);
      const missing = isCut && i === words.length - 1 ? reply.length - this.length : 0;
      const rdata = this.#rdata(type, data, missing - FIXED_SIZE);
      if (rdata === null || this.length + rdata.length + 300 > MESSAGE_MAX) continue;
      this.#append(type, rdata);
      // What follows an alias belongs to its target.
      if (type === TYPE_CNAME && qtype !== TYPE_CNAME) this.#owner = rdata;
    }
  }

  #append(type: number, rdata: Uint8Array): void {
    const { octets } = this;
    let at = this.length;
    if (this.#owner === null) {
      writeU16(octets, at, 0xc000 | HEADER_SIZE);
      at += 2;
    } else {
      octets.set(this.#owner, at);
      at += this.#owner.length;
    }
    writeU16(octets, at, type);
    writeU16(octets, at + 2, 1);
    writeU32(octets, at + 4, this.#ttl);
    writeU16(octets, at + 8, rdata.length);
    octets.set(rdata, at + 10);
    this.length = at + 10 + rdata.length;
    this.#answers++;
  }

  /** @param size octets that the data had, where more is known than was written down */
  #rdata(type: number, data: string, size: number): Uint8Array | null {
    const opaque = /^#(\d{1,5})$/.exec(data);
    if (opaque !== null) return this.#opaque(Math.min(Number(opaque[1]), MESSAGE_MAX));
    if (type === TYPE_A || type === TYPE_AAAA) return addressOf(type, data);
    const name = NAMES.get(type);
    if (name !== undefined) return nameData(data, name);
    const octets = Buffer.from(data, 'latin1');
    const whole = Buffer.concat([octets, this.#opaque(Math.max(0, size - octets.length))]);
    return type === TYPE_TXT ? texts(whole) : whole;
  }

  /** Octets that are not known: others for each name, so that they count as what they were. */
  #opaque(size: number): Uint8Array {
    const octets = new Uint8Array(size);
    let state = this.#seed | 1;
    for (let i = 0; i < size; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      octets[i] = state >>> 11;
    }
    this.#seed = state;
    return octets;
  }
}

/** FNV-1a over the question. */
function seedOf(query: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = HEADER_SIZE; i < length; i++) {
    hash = Math.imul(hash ^ (query[i] ?? 0), 0x01000193);
  }
  return hash;
}

/** A text may have had blanks in it: a word without type goes with the text before it. */
function joinTexts(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    const isRest = last?.startsWith('TXT:') === true && !/^[A-Z][A-Z0-9]*:/.test(word);
    if (isRest) joined[joined.length - 1] = `${last} ${word}`;
    else joined.push(word);
  }
  return joined;
}

/** Logs that have no types: an address is one, anything else is a name or of the type asked for. */
function recordOf(word: string, qtype: number): { type: number; data: string } {
  const colon = word.indexOf(':');
  const prefix = word.slice(0, Math.max(colon, 0));
  const type = /^[A-Z][A-Z0-9-]*$/.test(prefix) ? typeFromText(prefix) : null;
  if (type !== null) return { type, data: word.slice(colon + 1) };
  if (colon !== -1) return { type: TYPE_AAAA, data: word };
  if (/^\d+\.\d+\.\d+\.\d+$/.test(word)) return { type: TYPE_A, data: word };
  const isAddressType = qtype === TYPE_A || qtype === TYPE_AAAA;
  return { type: isAddressType ? TYPE_CNAME : qtype, data: word };
}

const address = new Uint8Array(16);

function addressOf(type: number, text: string): Uint8Array | null {
  if (!addressToBytes(text, address, 0)) return null;
  return type === TYPE_A ? address.slice(12) : address.slice();
}

function nameData(text: string, [before, after]: readonly [number, number]): Uint8Array | null {
  // The cut may have gone through an escape.
  const name = wireOf(text.replace(/\\\d{0,2}$/, ''));
  return name === null
    ? null
    : Buffer.concat([new Uint8Array(before), name, new Uint8Array(after)]);
}

/** Character strings of up to 255 octets each. */
function texts(octets: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < octets.length; at += 255) {
    const part = octets.subarray(at, at + 255);
    parts.push(Uint8Array.of(part.length), part);
  }
  return Buffer.concat(parts);
}

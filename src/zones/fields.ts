/**
 * Fields of a record's data: the words after the type, read one by one into wire octets.
 *
 * A `Field` reads what it needs and appends octets; a type is a list of fields (rdata.ts). What is
 * wrong is thrown as a WordProblem with the word it is about.
 */

import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { typeFromText } from '../wire/text.ts';
import { nameOctets, unescapeText, WordProblem } from './escapes.ts';
import type { Token } from './lexer.ts';

export type Field = (fields: Fields) => void;

/** A cursor over the words of one record, and the octets made of them so far. */
export class Fields {
  readonly out: number[] = [];
  readonly origin: Uint8Array;
  readonly #tokens: readonly Token[];
  #next: number;

  /** @param first index of the first word of the data */
  constructor(tokens: readonly Token[], first: number, origin: Uint8Array) {
    this.#tokens = tokens;
    this.#next = first;
    this.origin = origin;
  }

  get done(): boolean {
    return this.#next >= this.#tokens.length;
  }

  /** The word that was read last: what a problem is about. */
  get current(): Token | undefined {
    return this.#tokens[Math.min(this.#next, this.#tokens.length) - 1];
  }

  peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  take(what: string): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new WordProblem(`${what} is missing`);
    this.#next++;
    return token;
  }

  /** The remaining words joined, for keys and digests that are split at will. */
  rest(): string {
    let text = '';
    while (!this.done) text += this.take('data').raw;
    return text;
  }

  u8(value: number): void {
    this.out.push(value & 0xff);
  }

  u16(value: number): void {
    this.out.push((value >>> 8) & 0xff, value & 0xff);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  octets(octets: ArrayLike<number>): void {
    for (let i = 0; i < octets.length; i++) this.out.push(octets[i] ?? 0);
  }

  /** Octets behind a length octet. */
  counted(octets: ArrayLike<number>, what: string): void {
    if (octets.length > 255) {
      throw new WordProblem(`${what} has ${octets.length} octets; at most 255, split it`);
    }
    this.u8(octets.length);
    this.octets(octets);
  }
}

/** A decimal number from 0 to `max`. */
export function parseNumber(raw: string, max: number, what: string): number {
  const value = /^\d{1,10}$/.test(raw) ? Number(raw) : Number.NaN;
  if (value >= 0 && value <= max) return value;
  throw new WordProblem(`${what} "${raw}"; use a number from 0 to ${max}`);
}

const UNIT_SECONDS = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 604_800],
]);
/** RFC 2181 section 8. */
const TTL_MAX = 0x7fffffff;

/** Whether a word has the form of a TTL: `3600`, `1h30m`. */
export function isTtl(raw: string): boolean {
  return /^(\d+|(\d+[smhdw])+)$/i.test(raw);
}

/** Seconds, plain or with BIND's units. */
export function parseTtl(raw: string, what: string): number {
  let seconds = isTtl(raw) ? 0 : Number.NaN;
  for (const [, digits, unit] of raw.matchAll(/(\d+)([a-z]?)/gi)) {
    seconds += Number(digits) * (UNIT_SECONDS.get((unit ?? '').toLowerCase()) ?? 1);
  }
  if (seconds <= TTL_MAX) return seconds;
  throw new WordProblem(`${what} "${raw}"; use seconds from 0 to ${TTL_MAX}, or units as in 1h30m`);
}

export function u8(what: string): Field {
  return (fields) => fields.u8(parseNumber(fields.take(what).raw, 0xff, what));
}

export function u16(what: string): Field {
  return (fields) => fields.u16(parseNumber(fields.take(what).raw, 0xffff, what));
}

export function u32(what: string): Field {
  return (fields) => fields.u32(parseNumber(fields.take(what).raw, 0xffffffff, what));
}

export function period(what: string): Field {
  return (fields) => fields.u32(parseTtl(fields.take(what).raw, what));
}

export function name(what: string): Field {
  return (fields) => fields.octets(nameOctets(fields.take(what).raw, fields.origin));
}

export function type(fields: Fields): void {
  const { raw } = fields.take('type');
  fields.u16(parseType(raw));
}

export function parseType(raw: string): number {
  const number = typeFromText(raw);
  if (number === null) throw new WordProblem(`type "${raw}"; use a mnemonic or TYPEn`);
  return number;
}

/** Octets of a text word; a bare quote inside an unquoted word is never guessed at. */
export function parseText(token: Token): number[] {
  if (!token.quoted && /(^|[^\\])(\\\\)*"/.test(token.raw)) {
    throw new WordProblem('a quote inside a word; put quotes around the whole text');
  }
  return unescapeText(token.raw);
}

/** One character-string. */
export function text(what: string): Field {
  return (fields) => fields.counted(parseText(fields.take(what)), what);
}

/** One or more character-strings. */
export function texts(fields: Fields): void {
  do text('text')(fields);
  while (!fields.done);
}

/** Text up to the end of the data, without a length octet (CAA, URI). */
export function longText(what: string): Field {
  return (fields) => fields.octets(parseText(fields.take(what)));
}

export function ipv4(fields: Fields): void {
  const { raw } = fields.take('address');
  if (!isIPv4(raw)) throw new WordProblem(`address "${raw}"; use IPv4 as in 192.0.2.1`);
  fields.octets(ipaddr.IPv4.parse(raw).toByteArray());
}

export function ipv6(fields: Fields): void {
  fields.octets(parseIpv6(fields.take('address').raw));
}

export function parseIpv6(raw: string): number[] {
  if (!isIPv6(raw) || raw.includes('%')) {
    throw new WordProblem(`address "${raw}"; use IPv6 as in 2001:db8::1`);
  }
  return ipaddr.IPv6.parse(raw).toByteArray();
}

export function parseHex(raw: string, what: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(raw)) {
    throw new WordProblem(`${what}; use hexadecimal, two digits for each octet`);
  }
  return Buffer.from(raw, 'hex');
}

export function parseBase64(raw: string, what: string): Uint8Array {
  const canonical = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(raw);
  if (!canonical) throw new WordProblem(`${what}; use base64 with its padding`);
  return Buffer.from(raw, 'base64');
}

/** Hexadecimal up to the end of the data, at least one octet. */
export function hexRest(what: string): Field {
  return (fields) => {
    if (fields.done) throw new WordProblem(`${what} is missing`);
    fields.octets(parseHex(fields.rest(), what));
  };
}

/** Base64 up to the end of the data, at least one octet. */
export function base64Rest(what: string): Field {
  return (fields) => {
    if (fields.done) throw new WordProblem(`${what} is missing`);
    fields.octets(parseBase64(fields.rest(), what));
  };
}

/**
 * Fields that only the DNSSEC types and CERT have: algorithms, times, type bitmaps, hashed names
 * (RFC 4034, RFC 5155, RFC 4398). Nothing here signs or validates.
 */

import { WordProblem } from './escapes.ts';
import { type Fields, parseHex, parseNumber, parseType } from './fields.ts';

/** IANA "DNS Security Algorithm Numbers". */
const ALGORITHMS = new Map([
  ['DELETE', 0],
  ['RSAMD5', 1],
  ['DH', 2],
  ['DSA', 3],
  ['RSASHA1', 5],
  ['DSA-NSEC3-SHA1', 6],
  ['RSASHA1-NSEC3-SHA1', 7],
  ['RSASHA256', 8],
  ['RSASHA512', 10],
  ['ECC-GOST', 12],
  ['ECDSAP256SHA256', 13],
  ['ECDSAP384SHA384', 14],
  ['ED25519', 15],
  ['ED448', 16],
  ['INDIRECT', 252],
  ['PRIVATEDNS', 253],
  ['PRIVATEOID', 254],
]);

/** RFC 4398 2.1. */
const CERT_TYPES = new Map([
  ['PKIX', 1],
  ['SPKI', 2],
  ['PGP', 3],
  ['IPKIX', 4],
  ['ISPKI', 5],
  ['IPGP', 6],
  ['ACPKIX', 7],
  ['IACPKIX', 8],
  ['URI', 253],
  ['OID', 254],
]);

export function algorithm(fields: Fields): void {
  const { raw } = fields.take('algorithm');
  fields.u8(ALGORITHMS.get(raw.toUpperCase()) ?? parseNumber(raw, 0xff, 'algorithm'));
}

export function certType(fields: Fields): void {
  const { raw } = fields.take('certificate type');
  fields.u16(CERT_TYPES.get(raw.toUpperCase()) ?? parseNumber(raw, 0xffff, 'certificate type'));
}

/** RFC 4034 3.2: YYYYMMDDHHmmSS in UTC, or seconds since 1970. */
export function time(what: string): (fields: Fields) => void {
  return (fields) => {
    const { raw } = fields.take(what);
    const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(raw);
    if (parts === null) {
      fields.u32(parseNumber(raw, 0xffffffff, what));
      return;
    }
    const iso = `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`;
    const seconds = Date.parse(iso) / 1000;
    if (Number.isNaN(seconds)) throw new WordProblem(`${what} "${raw}"; use YYYYMMDDHHmmSS`);
    // Serial arithmetic (RFC 1982): the field is the low 32 bits.
    fields.u32((seconds % 2 ** 32) >>> 0);
  };
}

/** RFC 4034 4.1.2: the types up to the end as windows of bits; an empty list is legal in NSEC3. */
export function typeBitmap(fields: Fields): void {
  const windows = new Map<number, Uint8Array>();
  while (!fields.done) {
    const type = parseType(fields.take('type').raw);
    const window = windows.get(type >>> 8) ?? new Uint8Array(32);
    const octet = (type & 0xff) >>> 3;
    window[octet] = (window[octet] ?? 0) | (0x80 >>> (type & 7));
    windows.set(type >>> 8, window);
  }
  for (const [number, bits] of [...windows].sort(([a], [b]) => a - b)) {
    fields.u8(number);
    fields.counted(bits.subarray(0, bits.findLastIndex((octet) => octet !== 0) + 1), 'bitmap');
  }
}

/** RFC 5155 3.3: `-` for none, else hexadecimal. */
export function salt(fields: Fields): void {
  const { raw } = fields.take('salt');
  fields.counted(raw === '-' ? [] : parseHex(raw, 'salt'), 'salt');
}

const BASE32HEX = '0123456789abcdefghijklmnopqrstuv';

/** RFC 5155 3.3: the next hashed owner in base32hex without padding (RFC 4648 section 7). */
export function hashedName(fields: Fields): void {
  const { raw } = fields.take('next hashed owner');
  const octets: number[] = [];
  let bits = 0;
  let held = 0;
  for (const character of raw.toLowerCase()) {
    const value = BASE32HEX.indexOf(character);
    if (value === -1) throw new WordProblem(`next hashed owner "${raw}"; use base32hex`);
    bits = ((bits << 5) | value) & 0xfff;
    held += 5;
    if (held >= 8) {
      held -= 8;
      octets.push((bits >>> held) & 0xff);
    }
  }
  fields.counted(octets, 'next hashed owner');
}

/**
 * Addresses as 16 octets (IPv4 as ::ffff:a.b.c.d, the form of a peer record) and as text.
 *
 * For configuration, logs and the dgram backend, where people or Node want text. The query path
 * never calls this; it compares octets. Zones (`%eth0`) are not part of an address here.
 */

const ADDRESS_SIZE = 16;
const MAPPED_AT = 10;
const IPV4_AT = 12;
/** Groups of an IPv6 address. */
const GROUPS = 8;
/** Longest texts: 15 for IPv4, 45 for IPv6 with an embedded IPv4 address. */
const IPV6_TEXT_MAX = 45;

const DOT = 0x2e; // '.'
const COLON = 0x3a; // ':'

/**
 * Writes the 16 octets of `text` at `out[at]`. Strict as inet_pton(3): four decimal parts without
 * leading zeros, or RFC 4291 2.2. Returns false, with `out` in no particular state, for anything
 * else, zones included.
 */
export function addressToBytes(text: string, out: Uint8Array, at: number): boolean {
  if (text.length > IPV6_TEXT_MAX) return false;
  if (text.includes(':')) return ipv6ToBytes(text, out, at);
  out.fill(0, at, at + MAPPED_AT);
  out.fill(0xff, at + MAPPED_AT, at + IPV4_AT);
  return ipv4ToBytes(text, 0, out, at + IPV4_AT);
}

/** Reads dotted decimal from `text[from]` to its end into four octets. */
function ipv4ToBytes(text: string, from: number, out: Uint8Array, at: number): boolean {
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || part === 3) return false;
      out[at + part] = value;
      part++;
      digits = 0;
      value = 0;
      continue;
    }
    const digit = code - 0x30; // '0'
    if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return false;
    value = value * 10 + digit;
    digits++;
    if (value > 255) return false;
  }
  if (part !== 3 || digits === 0) return false;
  out[at + 3] = value;
  return true;
}

/** The value of a hexadecimal digit, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30; // '0'..'9'
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1; // 'a'..'f'
}

/**
 * Groups are written from the left; where '::' stood is remembered, and what followed it is moved
 * to the right end afterwards.
 */
function ipv6ToBytes(text: string, out: Uint8Array, at: number): boolean {
  let group = 0;
  let gap = -1;
  let i = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gap = 0;
    i = 2;
  }
  while (i < text.length) {
    const end = groupEnd(text, i);
    if (text.charCodeAt(end) === DOT) {
      if (group > GROUPS - 2 || !ipv4ToBytes(text, i, out, at + group * 2)) return false;
      group += 2;
      break;
    }
    if (end === i || group === GROUPS) return false;
    writeGroup(text, i, end, out, at + group * 2);
    group++;
    if (end === text.length) break;
    if (text.charCodeAt(end) !== COLON || end + 1 === text.length) return false;
    i = end + 1;
    if (text.charCodeAt(i) === COLON) {
      if (gap >= 0) return false;
      gap = group;
      i++;
    }
  }
  return closeGap(out, at, group, gap);
}

/** Index after at most four hexadecimal digits that start at `from`. */
function groupEnd(text: string, from: number): number {
  let i = from;
  while (i < text.length && i < from + 4 && hexDigit(text.charCodeAt(i)) >= 0) i++;
  return i;
}

function writeGroup(text: string, from: number, end: number, out: Uint8Array, at: number): void {
  let value = 0;
  for (let i = from; i < end; i++) value = value * 16 + hexDigit(text.charCodeAt(i));
  out[at] = value >> 8;
  out[at + 1] = value & 0xff;
}

function closeGap(out: Uint8Array, at: number, groups: number, gap: number): boolean {
  if (gap < 0) return groups === GROUPS;
  if (groups === GROUPS) return false;
  const tail = (groups - gap) * 2;
  out.copyWithin(at + ADDRESS_SIZE - tail, at + gap * 2, at + groups * 2);
  out.fill(0, at + gap * 2, at + ADDRESS_SIZE - tail);
  return true;
}

/** True for ::ffff:a.b.c.d, that is, for IPv4. */
export function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < MAPPED_AT; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + MAPPED_AT] === 0xff && bytes[at + MAPPED_AT + 1] === 0xff;
}

/** Text of the 16 octets at `bytes[at]`: dotted decimal for IPv4, else as RFC 5952 wants it. */
export function addressToText(bytes: Uint8Array, at: number): string {
  if (isMapped(bytes, at)) {
    const v4 = at + IPV4_AT;
    return `${bytes[v4]}.${bytes[v4 + 1]}.${bytes[v4 + 2]}.${bytes[v4 + 3]}`;
  }
  const [start, length] = longestZeroRun(bytes, at);
  let text = '';
  for (let group = 0; group < GROUPS; group++) {
    if (length > 1 && group === start) {
      text += '::';
      group += length - 1;
      continue;
    }
    if (text !== '' && !text.endsWith(':')) text += ':';
    text += groupAt(bytes, at, group).toString(16);
  }
  return text;
}

function groupAt(bytes: Uint8Array, at: number, group: number): number {
  return ((bytes[at + group * 2] ?? 0) << 8) | (bytes[at + group * 2 + 1] ?? 0);
}

/** First of the longest runs of zero groups (RFC 5952 4.2.3), as start and length. */
function longestZeroRun(bytes: Uint8Array, at: number): [start: number, length: number] {
  let start = 0;
  let best = 0;
  let run = 0;
  for (let group = 0; group < GROUPS; group++) {
    run = groupAt(bytes, at, group) === 0 ? run + 1 : 0;
    if (run > best) {
      best = run;
      start = group - run + 1;
    }
  }
  return [start, best];
}

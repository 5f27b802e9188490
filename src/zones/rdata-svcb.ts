/**
 * Parameters of SVCB and HTTPS records in presentation form (RFC 9460 section 2.1, 7 and 14.3.2;
 * dohpath is RFC 9461, ohttp is RFC 9540).
 */

import { isIPv4 } from 'node:net';
import { unescapeText, WordProblem } from './escapes.ts';
import { type Fields, parseBase64, parseIpv6, parseNumber, parseText } from './fields.ts';
import type { Token } from './lexer.ts';

const MANDATORY = 0;
const ALPN = 1;
const NO_DEFAULT_ALPN = 2;
const KEYS = new Map([
  ['mandatory', MANDATORY],
  ['alpn', ALPN],
  ['no-default-alpn', NO_DEFAULT_ALPN],
  ['port', 3],
  ['ipv4hint', 4],
  ['ech', 5],
  ['ipv6hint', 6],
  ['dohpath', 7],
  ['ohttp', 8],
]);
const COMMA = 44; // ','
const BACKSLASH = 92; // '\'

/** The parameters up to the end, written in the order of their keys as the wire demands. */
export function svcParams(fields: Fields): void {
  const params = new Map<number, number[]>();
  while (!fields.done) {
    const token = fields.take('parameter');
    const equals = token.raw.indexOf('=');
    const key = parseKey(equals === -1 ? token.raw : token.raw.slice(0, equals));
    if (params.has(key)) throw new WordProblem(`"${token.raw}": give each key once`);
    params.set(key, parseValue(key, equals === -1 ? null : paramValue(token, equals + 1)));
  }
  checkParams(params);
  for (const [key, value] of [...params].sort(([a], [b]) => a - b)) {
    fields.u16(key);
    fields.u16(value.length);
    fields.octets(value);
  }
}

function parseKey(raw: string): number {
  const number = KEYS.get(raw) ?? Number(/^key(0|[1-9]\d{0,4})$/.exec(raw)?.[1] ?? Number.NaN);
  // 65535 is the reserved "invalid key".
  if (number < 65535) return number;
  throw new WordProblem(`key "${raw}"; use ${[...KEYS.keys()].join(', ')} or keyNNNNN`);
}

/** The value's octets, from `key=value` or `key="value"`. */
function paramValue(token: Token, at: number): number[] {
  const value = token.raw.slice(at);
  if (value.startsWith('"')) return unescapeText(value.slice(1, -1));
  return parseText({ ...token, raw: value });
}

function parseValue(key: number, value: number[] | null): number[] {
  if (key === NO_DEFAULT_ALPN || key === 8) {
    if (value === null) return [];
    throw new WordProblem(`${nameOfKey(key)} takes no value`);
  }
  if (value === null) {
    if (key > 8) return [];
    throw new WordProblem(`${nameOfKey(key)} needs a value`);
  }
  const text = Buffer.from(value).toString('latin1');
  switch (key) {
    case MANDATORY:
      return mandatoryKeys(text);
    case ALPN:
      return splitList(value).flatMap((item) => [item.length, ...item]);
    case 3: {
      const port = parseNumber(text, 0xffff, 'port');
      return [port >>> 8, port & 0xff];
    }
    case 4:
      return text.split(',').flatMap(ipv4Octets);
    case 5:
      return [...parseBase64(text, 'ech')];
    case 6:
      return text.split(',').flatMap(parseIpv6);
    default:
      return value;
  }
}

function nameOfKey(key: number): string {
  for (const [name, number] of KEYS) if (number === key) return name;
  return `key${key}`;
}

function mandatoryKeys(text: string): number[] {
  const keys = text.split(',').map(parseKey);
  if (new Set(keys).size !== keys.length) throw new WordProblem('mandatory: give each key once');
  if (keys.includes(MANDATORY)) throw new WordProblem('mandatory does not list itself');
  return keys.sort((a, b) => a - b).flatMap((key) => [key >>> 8, key & 0xff]);
}

function ipv4Octets(raw: string): number[] {
  if (!isIPv4(raw)) throw new WordProblem(`ipv4hint "${raw}"; use IPv4 as in 192.0.2.1`);
  return raw.split('.').map(Number);
}

/** RFC 9460 A.1: items between commas; `\,` and `\\` stand for themselves inside an item. */
function splitList(value: readonly number[]): number[][] {
  const items: number[][] = [[]];
  for (let at = 0; at < value.length; at++) {
    const octet = value[at] ?? 0;
    if (octet === COMMA) {
      items.push([]);
    } else {
      if (octet === BACKSLASH) at++;
      items.at(-1)?.push(octet === BACKSLASH ? (value[at] ?? BACKSLASH) : octet);
    }
  }
  if (items.some((item) => item.length === 0 || item.length > 255)) {
    throw new WordProblem('alpn: an item has 1 to 255 octets');
  }
  return items;
}

/**
 * RFC 9460 section 8 and 7.1.1: what is called mandatory is there, and alpn where it is implied.
 */
function checkParams(params: ReadonlyMap<number, number[]>): void {
  const mandatory = params.get(MANDATORY) ?? [];
  for (let at = 0; at + 1 < mandatory.length; at += 2) {
    const key = ((mandatory[at] ?? 0) << 8) | (mandatory[at + 1] ?? 0);
    if (!params.has(key)) throw new WordProblem(`mandatory names ${nameOfKey(key)}: give it too`);
  }
  if (params.has(NO_DEFAULT_ALPN) && !params.has(ALPN)) {
    throw new WordProblem('no-default-alpn: give alpn too');
  }
}

/**
 * Record data in presentation form, by type: a table of fields, and RFC 3597 for all the rest.
 *
 * The result is uncompressed wire form with the case of embedded names kept. Nothing is looked up:
 * whether a target exists is not asked here.
 */

import { NAME_MAX } from '../wire/constants.ts';
import { typeToText } from '../wire/text.ts';
import { WordProblem } from './escapes.ts';
import {
  base64Rest,
  type Field,
  type Fields,
  hexRest,
  ipv4,
  ipv6,
  longText,
  name,
  parseHex,
  parseNumber,
  period,
  text,
  texts,
  type,
  u8,
  u16,
  u32,
} from './fields.ts';
import { algorithm, certType, hashedName, salt, time, typeBitmap } from './rdata-dnssec.ts';
import { eui, loc, locator64 } from './rdata-loc.ts';
import { svcParams } from './rdata-svcb.ts';

const RDATA_MAX = 65535;

const target: readonly Field[] = [name('target')];
const mailbox: readonly Field[] = [name('mailbox'), name('text name')];
const preferred: readonly Field[] = [u16('preference'), name('target')];
const digest: readonly Field[] = [u16('key tag'), algorithm, u8('digest type'), hexRest('digest')];
const key: readonly Field[] = [u16('flags'), u8('protocol'), algorithm, base64Rest('key')];
const service: readonly Field[] = [u16('priority'), name('target'), svcParams];
const association: readonly Field[] = [
  u8('usage'),
  u8('selector'),
  u8('matching type'),
  hexRest('association data'),
];

const FIELDS: ReadonlyMap<string, readonly Field[]> = new Map<string, readonly Field[]>([
  ['A', [ipv4]],
  ['AAAA', [ipv6]],
  ['AFSDB', [u16('subtype'), name('host')]],
  ['AVC', [texts]],
  ['CAA', [u8('flags'), caaTag, longText('value')]],
  ['CDNSKEY', key],
  ['CDS', digest],
  ['CERT', [certType, u16('key tag'), algorithm, base64Rest('certificate')]],
  ['CNAME', target],
  ['CSYNC', [u32('serial'), u16('flags'), typeBitmap]],
  ['DHCID', [base64Rest('identifier')]],
  ['DLV', digest],
  ['DNAME', target],
  ['DNSKEY', key],
  ['DS', digest],
  ['EUI48', [eui(6)]],
  ['EUI64', [eui(8)]],
  ['HINFO', [text('cpu'), text('os')]],
  ['HTTPS', service],
  ['ISDN', [text('address'), optionalText]],
  ['KX', preferred],
  ['L32', [u16('preference'), ipv4]],
  ['L64', [u16('preference'), locator64]],
  ['LOC', [loc]],
  ['LP', preferred],
  ['MB', target],
  ['MG', target],
  ['MINFO', mailbox],
  ['MR', target],
  ['MX', preferred],
  [
    'NAPTR',
    [u16('order'), u16('preference'), text('flags'), text('service'), text('regexp'), ...target],
  ],
  ['NID', [u16('preference'), locator64]],
  ['NINFO', [texts]],
  ['NS', target],
  ['NSEC', [name('next name'), typeBitmap]],
  ['NSEC3', [u8('algorithm'), u8('flags'), u16('iterations'), salt, hashedName, typeBitmap]],
  ['NSEC3PARAM', [u8('algorithm'), u8('flags'), u16('iterations'), salt]],
  ['OPENPGPKEY', [base64Rest('key')]],
  ['PTR', target],
  ['RESINFO', [texts]],
  ['RP', mailbox],
  [
    'RRSIG',
    [
      type,
      algorithm,
      u8('labels'),
      period('original TTL'),
      time('expiration'),
      time('inception'),
      u16('key tag'),
      name('signer'),
      base64Rest('signature'),
    ],
  ],
  ['RT', preferred],
  ['SMIMEA', association],
  [
    'SOA',
    [
      name('primary server'),
      name('mailbox'),
      u32('serial'),
      period('refresh'),
      period('retry'),
      period('expire'),
      period('minimum'),
    ],
  ],
  ['SPF', [texts]],
  ['SRV', [u16('priority'), u16('weight'), u16('port'), name('target')]],
  ['SSHFP', [u8('algorithm'), u8('fingerprint type'), hexRest('fingerprint')]],
  ['SVCB', service],
  ['TLSA', association],
  ['TXT', [texts]],
  ['URI', [u16('priority'), u16('weight'), longText('target')]],
  ['WALLET', [texts]],
  ['X25', [text('address')]],
  ['ZONEMD', [u32('serial'), u8('scheme'), u8('hash algorithm'), hexRest('digest')]],
]);

/** RFC 8659 4.1: letters and digits, one to 15 as registered tags are. */
function caaTag(fields: Fields): void {
  const { raw } = fields.take('tag');
  if (!/^[a-z0-9]{1,15}$/i.test(raw)) throw new WordProblem(`tag "${raw}"; use letters and digits`);
  fields.counted(Buffer.from(raw, 'latin1'), 'tag');
}

function optionalText(fields: Fields): void {
  if (!fields.done) text('subaddress')(fields);
}

/**
 * Wire form of the data that the words stand for.
 *
 * @throws WordProblem about `fields.current`
 */
export function parseRdata(number: number, fields: Fields): Uint8Array {
  const first = fields.peek();
  if (first?.raw === '\\#' && !first.quoted) return parseOpaque(number, fields);
  const known = FIELDS.get(typeToText(number));
  if (known === undefined) {
    throw new WordProblem(`${typeToText(number)} has no text form here; use "\\# octets hex"`);
  }
  for (const field of known) field(fields);
  const extra = fields.done ? undefined : fields.take('data');
  if (extra !== undefined) {
    throw new WordProblem(`"${extra.raw}" is more than ${typeToText(number)} takes`);
  }
  if (fields.out.length > RDATA_MAX) throw new WordProblem(`data of over ${RDATA_MAX} octets`);
  return Uint8Array.from(fields.out);
}

/** RFC 3597 section 5: `\# 4 0a000001`. */
function parseOpaque(number: number, fields: Fields): Uint8Array {
  fields.take('\\#');
  const length = parseNumber(fields.take('length').raw, RDATA_MAX, 'length');
  const octets = parseHex(fields.rest(), 'data');
  if (octets.length !== length) {
    throw new WordProblem(`the data has ${octets.length} octets, not ${length} as it says`);
  }
  if (!hasLayout(octets, LAYOUTS.get(typeToText(number)))) {
    throw new WordProblem(`not the wire form of ${typeToText(number)}; use its text form`);
  }
  return Uint8Array.from(octets);
}

/** Wire layouts of the types that answering relies on: counts of octets, and names (`NAME`). */
const NAME = -1;
const LAYOUTS: ReadonlyMap<string, readonly number[]> = new Map([
  ['A', [4]],
  ['AAAA', [16]],
  ['NS', [NAME]],
  ['CNAME', [NAME]],
  ['DNAME', [NAME]],
  ['PTR', [NAME]],
  ['MX', [2, NAME]],
  ['SRV', [6, NAME]],
  ['SOA', [NAME, NAME, 20]],
]);

function hasLayout(octets: Uint8Array, layout: readonly number[] | undefined): boolean {
  if (layout === undefined) return true;
  let at = 0;
  for (const part of layout) at = part === NAME ? skipPlainName(octets, at) : at + part;
  return at === octets.length;
}

/** The offset after an uncompressed name; NaN when there is none. */
function skipPlainName(octets: Uint8Array, at: number): number {
  let position = at;
  while (position - at < NAME_MAX) {
    const size = octets[position] ?? 64;
    if (size > 63) return Number.NaN;
    position += 1 + size;
    if (size === 0) return position - at <= NAME_MAX ? position : Number.NaN;
  }
  return Number.NaN;
}

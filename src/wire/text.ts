/**
 * Names, types and codes as text for people and files. The slow lane only: nothing between receive
 * and send makes a string. Escaping is RFC 1035 5.1: `\.`, `\\`, and `\DDD` for every octet that is
 * not printable ASCII, so that no control octet reaches a terminal, a log or a page.
 */

import { DnsvalveError } from '../errors.ts';
import { LABEL_MAX, NAME_MAX } from './constants.ts';

const DOT = 46; // '.'
const BACKSLASH = 92; // '\'
/** Octets that master files give a meaning to: `"` `$` `(` `)` `;` `@`, and the two above. */
const SPECIAL = new Set([34, 36, 40, 41, 59, 64, DOT, BACKSLASH]);

/** Presentation form of one label's octets. */
export function labelToText(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) {
    if (SPECIAL.has(octet)) text += `\\${String.fromCharCode(octet)}`;
    else if (octet > 32 && octet < 127) text += String.fromCharCode(octet);
    else text += `\\${String(octet).padStart(3, '0')}`;
  }
  return text;
}

/** Labels of a wire name as text, leftmost first, without the root. Stops at the end of octets. */
export function nameLabels(octets: Uint8Array, at = 0): string[] {
  const labels: string[] = [];
  let position = at;
  while (position < octets.length) {
    const size = octets[position]!;
    if (size === 0 || size > LABEL_MAX) break;
    labels.push(labelToText(octets.subarray(position + 1, position + 1 + size)));
    position += 1 + size;
  }
  return labels;
}

/** Presentation form without the trailing dot; the root is '.'. */
export function nameToText(octets: Uint8Array, at = 0): string {
  const labels = nameLabels(octets, at);
  return labels.length === 0 ? '.' : labels.join('.');
}

/**
 * Wire form of a name in presentation form; a missing trailing dot is taken as given. Case is kept.
 *
 * @throws DnsvalveError USAGE when a label or the name is empty or too long, or an escape is wrong
 */
export function nameToWire(text: string): Uint8Array {
  if (text === '.') return new Uint8Array(1);
  const out: number[] = [];
  let label: number[] = [];
  const closeLabel = (): void => {
    if (label.length === 0 || label.length > LABEL_MAX) {
      throw new DnsvalveError('USAGE', `name "${text}": a label has 1 to ${LABEL_MAX} octets`);
    }
    out.push(label.length, ...label);
    label = [];
  };
  const octets = new TextEncoder().encode(text);
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i]!;
    if (octet === DOT) {
      closeLabel();
    } else if (octet === BACKSLASH) {
      const digits = /^\\(\d{3})/.exec(String.fromCharCode(...octets.subarray(i, i + 4)));
      const value = digits === null ? octets[i + 1] : Number(digits[1]);
      if (value === undefined || value > 255) {
        throw new DnsvalveError(
          'USAGE',
          `name "${text}": an escape is \\DDD or \\ and a character`,
        );
      }
      label.push(value);
      i += digits === null ? 1 : 3;
    } else {
      label.push(octet);
    }
  }
  if (label.length > 0) closeLabel();
  else if (out.length === 0) throw new DnsvalveError('USAGE', 'name "": empty; the root is "."');
  out.push(0);
  if (out.length > NAME_MAX) {
    throw new DnsvalveError('USAGE', `name "${text}": ${out.length} octets, at most ${NAME_MAX}`);
  }
  return Uint8Array.from(out);
}

/** IANA "Resource Record (RR) TYPEs", those with a mnemonic in use. */
const TYPES: readonly (readonly [string, number])[] = [
  ['A', 1],
  ['NS', 2],
  ['MD', 3],
  ['MF', 4],
  ['CNAME', 5],
  ['SOA', 6],
  ['MB', 7],
  ['MG', 8],
  ['MR', 9],
  ['NULL', 10],
  ['WKS', 11],
  ['PTR', 12],
  ['HINFO', 13],
  ['MINFO', 14],
  ['MX', 15],
  ['TXT', 16],
  ['RP', 17],
  ['AFSDB', 18],
  ['X25', 19],
  ['ISDN', 20],
  ['RT', 21],
  ['NSAP', 22],
  ['NSAP-PTR', 23],
  ['SIG', 24],
  ['KEY', 25],
  ['PX', 26],
  ['GPOS', 27],
  ['AAAA', 28],
  ['LOC', 29],
  ['NXT', 30],
  ['EID', 31],
  ['NIMLOC', 32],
  ['SRV', 33],
  ['ATMA', 34],
  ['NAPTR', 35],
  ['KX', 36],
  ['CERT', 37],
  ['A6', 38],
  ['DNAME', 39],
  ['SINK', 40],
  ['OPT', 41],
  ['APL', 42],
  ['DS', 43],
  ['SSHFP', 44],
  ['IPSECKEY', 45],
  ['RRSIG', 46],
  ['NSEC', 47],
  ['DNSKEY', 48],
  ['DHCID', 49],
  ['NSEC3', 50],
  ['NSEC3PARAM', 51],
  ['TLSA', 52],
  ['SMIMEA', 53],
  ['HIP', 55],
  ['NINFO', 56],
  ['RKEY', 57],
  ['TALINK', 58],
  ['CDS', 59],
  ['CDNSKEY', 60],
  ['OPENPGPKEY', 61],
  ['CSYNC', 62],
  ['ZONEMD', 63],
  ['SVCB', 64],
  ['HTTPS', 65],
  ['DSYNC', 66],
  ['SPF', 99],
  ['NID', 104],
  ['L32', 105],
  ['L64', 106],
  ['LP', 107],
  ['EUI48', 108],
  ['EUI64', 109],
  ['TKEY', 249],
  ['TSIG', 250],
  ['IXFR', 251],
  ['AXFR', 252],
  ['MAILB', 253],
  ['MAILA', 254],
  ['ANY', 255],
  ['URI', 256],
  ['CAA', 257],
  ['AVC', 258],
  ['DOA', 259],
  ['AMTRELAY', 260],
  ['RESINFO', 261],
  ['WALLET', 262],
  ['TA', 32768],
  ['DLV', 32769],
];

const TYPE_NUMBERS = new Map(TYPES);
const TYPE_NAMES = new Map(TYPES.map(([name, number]) => [number, name]));

/** `A`, `HTTPS`, or `TYPE65280` where there is no mnemonic (RFC 3597 section 5). */
export function typeToText(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/** Number of a type's mnemonic or `TYPEn`, any case; null when it is neither. */
export function typeFromText(text: string): number | null {
  const upper = text.toUpperCase();
  const known = TYPE_NUMBERS.get(upper);
  if (known !== undefined) return known;
  const match = /^TYPE(\d{1,5})$/.exec(upper);
  const number = match === null ? -1 : Number(match[1]);
  return number >= 0 && number <= 65535 ? number : null;
}

const RCODES = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
] as const;

export function rcodeToText(rcode: number): string {
  return RCODES[rcode] ?? (rcode === 16 ? 'BADVERS' : `RCODE${rcode}`);
}

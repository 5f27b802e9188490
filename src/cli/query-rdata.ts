/**
 * Record data as text, by type: a table of fields, and RFC 3597's `\# length hex` for every other
 * type and for data that is not what its type says. The counterpart of zones/rdata.ts: what is
 * printed here, a master file takes. Parameters of SVCB are query-svcb.ts.
 */

import { labelToText, typeToText } from '../wire/text.ts';
import { ipv6Text, quotable } from './query-octets.ts';
import { MalformedError, type MessageReader } from './query-reader.ts';
import { svcParams } from './query-svcb.ts';

type Field = (reader: MessageReader) => string;

const u8: Field = (reader) => String(reader.u8());
const u16: Field = (reader) => String(reader.u16());
const u32: Field = (reader) => String(reader.u32());
const type: Field = (reader) => typeToText(reader.u16());
/** Embedded names are absolute, so they end in a dot as in a master file. */
const name: Field = (reader) => absolute(reader.name());
const text: Field = (reader) => `"${quotable(reader.take(reader.u8()))}"`;
const longText: Field = (reader) => `"${quotable(reader.rest())}"`;
const word: Field = (reader) => labelToText(reader.take(reader.u8()));
const hexRest: Field = (reader) => Buffer.from(needed(reader.rest())).toString('hex').toUpperCase();
const base64Rest: Field = (reader) => Buffer.from(needed(reader.rest())).toString('base64');

const ipv4: Field = (reader) => reader.take(4).join('.');

const ipv6: Field = (reader) => ipv6Text(reader.take(16));

const texts: Field = (reader) => {
  const found: string[] = [];
  do found.push(text(reader));
  while (reader.left > 0);
  return found.join(' ');
};

/**
 * RFC 4034 3.2: YYYYMMDDHHmmSS. Serial arithmetic has no era; the one that began in 1970 is meant.
 */
const time: Field = (reader) =>
  new Date(reader.u32() * 1000).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');

const salt: Field = (reader) =>
  Buffer.from(reader.take(reader.u8())).toString('hex').toUpperCase() || '-';

const BASE32_HEX = '0123456789abcdefghijklmnopqrstuv';

/** RFC 5155 3.3: base32 with extended hex alphabet, without padding. */
const hashedName: Field = (reader) => {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const octet of reader.take(reader.u8())) {
    value = ((value << 8) | octet) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32_HEX.charAt((value >> (bits - 5)) & 31);
  }
  return bits === 0 ? text : text + BASE32_HEX.charAt((value << (5 - bits)) & 31);
};

/** RFC 4034 4.1.2: windows of up to 32 octets, a bit for each type. */
const typeBitmap: Field = (reader) => {
  const found: string[] = [];
  while (reader.left > 0) {
    const window = reader.u8();
    const octets = reader.take(reader.u8());
    for (let bit = 0; bit < octets.length * 8; bit++) {
      const isSet = ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
      if (isSet) found.push(typeToText(window * 256 + bit));
    }
  }
  return found.join(' ');
};

const target: readonly Field[] = [name];
const mailbox: readonly Field[] = [name, name];
const preferred: readonly Field[] = [u16, name];
const digest: readonly Field[] = [u16, u8, u8, hexRest];
const key: readonly Field[] = [u16, u8, u8, base64Rest];
const association: readonly Field[] = [u8, u8, u8, hexRest];
const service: readonly Field[] = [u16, name, svcParams];

const FIELDS: ReadonlyMap<string, readonly Field[]> = new Map<string, readonly Field[]>([
  ['A', [ipv4]],
  ['AAAA', [ipv6]],
  ['AFSDB', preferred],
  ['CAA', [u8, word, longText]],
  ['CDNSKEY', key],
  ['CDS', digest],
  ['CERT', [u16, u16, u8, base64Rest]],
  ['CNAME', target],
  ['CSYNC', [u32, u16, typeBitmap]],
  ['DHCID', [base64Rest]],
  ['DNAME', target],
  ['DNSKEY', key],
  ['DS', digest],
  ['HINFO', [text, text]],
  ['HTTPS', service],
  ['KX', preferred],
  ['MINFO', mailbox],
  ['MX', preferred],
  ['NAPTR', [u16, u16, text, text, text, name]],
  ['NS', target],
  ['NSEC', [name, typeBitmap]],
  ['NSEC3', [u8, u8, u16, salt, hashedName, typeBitmap]],
  ['NSEC3PARAM', [u8, u8, u16, salt]],
  ['OPENPGPKEY', [base64Rest]],
  ['PTR', target],
  ['RP', mailbox],
  ['RRSIG', [type, u8, u8, u32, time, time, u16, name, base64Rest]],
  ['RT', preferred],
  ['SMIMEA', association],
  ['SOA', [name, name, u32, u32, u32, u32, u32]],
  ['SPF', [texts]],
  ['SRV', [u16, u16, u16, name]],
  ['SSHFP', [u8, u8, hexRest]],
  ['SVCB', service],
  ['TLSA', association],
  ['TXT', [texts]],
  ['URI', [u16, u16, longText]],
  ['ZONEMD', [u32, u8, u8, hexRest]],
]);

/**
 * @param reader stands at the data and ends with it; afterwards it stands at its end
 */
export function rdataToText(number: number, reader: MessageReader): string {
  const start = reader.at;
  const fields = FIELDS.get(typeToText(number));
  if (fields !== undefined) {
    try {
      const words = fields.map((field) => field(reader)).filter((found) => found !== '');
      if (reader.left === 0) return words.join(' ');
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
    }
    reader.at = start;
  }
  const octets = reader.rest();
  return `\\# ${octets.length} ${Buffer.from(octets).toString('hex')}`.trimEnd();
}

export function absolute(shown: string): string {
  return shown === '.' ? shown : `${shown}.`;
}

/** A field that must hold something: an empty one has no text form. */
function needed(octets: Uint8Array): Uint8Array {
  if (octets.length === 0) throw new MalformedError('a field is empty');
  return octets;
}

/** Parameters of SVCB and HTTPS records as text (RFC 9460 section 2.1 and appendix A). */

import { ipv6Text, quotable } from './query-octets.ts';
import { MalformedError, MessageReader } from './query-reader.ts';

const KEYS = [
  'mandatory',
  'alpn',
  'no-default-alpn',
  'port',
  'ipv4hint',
  'ech',
  'ipv6hint',
  'dohpath',
  'ohttp',
];

/** `alpn="h2,h3" port="8443"`, in the order of the message; values are always in quotes. */
export function svcParams(reader: MessageReader): string {
  const found: string[] = [];
  while (reader.left > 0) {
    const key = reader.u16();
    const size = reader.u16();
    const start = reader.at;
    reader.take(size);
    const value = new MessageReader(reader.octets, start, reader.at);
    found.push(size === 0 ? keyName(key) : `${keyName(key)}="${valueText(key, value)}"`);
    if (value.left > 0) throw new MalformedError('a parameter has octets left over');
  }
  return found.join(' ');
}

function keyName(key: number): string {
  return KEYS[key] ?? `key${key}`;
}

function valueText(key: number, value: MessageReader): string {
  switch (keyName(key)) {
    case 'mandatory':
      return list(value, () => keyName(value.u16()));
    case 'alpn':
      return list(value, () => quotable(item(value)));
    case 'port':
      return String(value.u16());
    case 'ipv4hint':
      return list(value, () => value.take(4).join('.'));
    case 'ech':
      return Buffer.from(value.rest()).toString('base64');
    case 'ipv6hint':
      return list(value, () => ipv6Text(value.take(16)));
    default:
      return quotable(value.rest());
  }
}

function list(value: MessageReader, next: () => string): string {
  const items: string[] = [];
  while (value.left > 0) items.push(next());
  return items.join(',');
}

/** RFC 9460 A.1: inside a list a comma and a backslash are escaped, before the string is. */
function item(value: MessageReader): number[] {
  return [...value.take(value.u8())].flatMap((octet) =>
    octet === 0x2c || octet === 0x5c ? [0x5c, octet] : [octet],
  );
}

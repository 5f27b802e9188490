/**
 * Addresses of records and rows, 16 octets each with IPv4 mapped, as text for people.
 */

import { addressToText } from '../native/addresses.ts';

const ADDRESS_SIZE = 16;

/** Text of one address; '' where fewer than 16 octets are there. */
export function addressText(octets: Uint8Array): string {
  return octets.length < ADDRESS_SIZE ? '' : addressToText(octets, 0);
}

const MAPPED = '\0\0\0\0\0\0\0\0\0\0\xff\xff';

/** Of the address before: who asks, asks for more than one name. */
let lastOctets = '';
let lastText = '';

/** Text of one address, given as a character for each octet. */
export function addressOf(octets: string): string {
  if (octets !== lastOctets || lastText === '') {
    lastText = textOf(octets);
    lastOctets = octets;
  }
  return lastText;
}

function textOf(octets: string): string {
  if (octets.length !== ADDRESS_SIZE || !octets.startsWith(MAPPED)) {
    return addressText(Buffer.from(octets, 'latin1'));
  }
  const part = (at: number): number => octets.charCodeAt(at);
  return `${part(12)}.${part(13)}.${part(14)}.${part(15)}`;
}

/** Texts of addresses that lie one behind the other. */
export function addressTexts(octets: Uint8Array | null): string[] {
  const texts: string[] = [];
  if (octets === null) return texts;
  for (let at = 0; at + ADDRESS_SIZE <= octets.length; at += ADDRESS_SIZE) {
    texts.push(addressToText(octets, at));
  }
  return texts;
}

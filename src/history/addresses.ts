/**
 * Addresses of records and rows, 16 octets each with IPv4 mapped, as text for people.
 */

import { addressToText } from '../native/addresses.ts';

const ADDRESS_SIZE = 16;

/** Text of one address; '' where fewer than 16 octets are there. */
export function addressText(octets: Uint8Array): string {
  return octets.length < ADDRESS_SIZE ? '' : addressToText(octets, 0);
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

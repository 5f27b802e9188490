/**
 * Hashes of source prefixes, for tables that count by them. Fast lane.
 *
 * Keyed (wire/hash.ts), so nobody can choose addresses that share a row, and 64 bits long, so that
 * the hash stands for the prefix.
 */

import { hashOctets } from '../wire/hash.ts';

const V4_AT = 12;

/** Whether the 16 octets are an IPv4-mapped address, as a peer record holds IPv4. */
export function isV4(octets: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (octets[at + i] !== 0) return false;
  return octets[at + 10] === 0xff && octets[at + 11] === 0xff;
}

/**
 * Leaves the hash of an address's prefix in `octetsLow` and `octetsHigh` of wire/hash.ts.
 *
 * @param v4,v6 octets of a prefix of each family, 1..4 and 1..16
 */
export function hashPrefix(octets: Uint8Array, at: number, v4: number, v6: number): void {
  if (isV4(octets, at)) hashOctets(octets, at + V4_AT, at + V4_AT + v4, 4);
  else hashOctets(octets, at, at + v6, 6);
}

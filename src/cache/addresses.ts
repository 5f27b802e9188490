/**
 * Addresses that have no business in an answer about a public name: private, loopback, link-local
 * (with it the clouds' metadata services), shared, unspecified, unique local, and IPv6 forms that
 * carry one of those (mapped, compatible, NAT64, 6to4, Teredo). RFC 6890 and its registries.
 */

import { readU16, readU32 } from '../wire/octets.ts';

/** 168.63.129.16: the platform address of one cloud, public by number, internal by use. */
const PLATFORM_ADDRESS = 0xa83f8110;

/** @param value an IPv4 address, 0..2^32-1 */
export function isInternalIpv4(value: number): boolean {
  const first = value >>> 24;
  const top16 = value >>> 16;
  return (
    first === 0 || // "this network", RFC 1122
    first === 10 ||
    first === 127 ||
    first >= 240 || // reserved and broadcast
    top16 === 0xa9fe || // 169.254/16
    top16 === 0xc0a8 || // 192.168/16
    value >>> 20 === 0xac1 || // 172.16/12
    value >>> 22 === 0x191 || // 100.64/10, RFC 6598
    value >>> 8 === 0xc00000 || // 192.0.0/24, RFC 6890
    value >>> 17 === 0x6309 || // 198.18/15, RFC 2544
    value === PLATFORM_ADDRESS
  );
}

/** Whether the 16 octets at `at` are such an address; IPv4 in its mapped form. */
export function isInternalIpv6(octets: Uint8Array, at: number): boolean {
  const top16 = readU16(octets, at);
  if (top16 >>> 9 === 0x7e) return true; // fc00::/7
  if (top16 >>> 6 === 0x3fa || top16 >>> 6 === 0x3fb) return true; // fe80::/10, fec0::/10
  if (top16 === 0x2002) return isInternalIpv4(readU32(octets, at + 2)); // 6to4
  const top32 = readU32(octets, at);
  if (top32 === 0x20010000) return isInternalIpv4(~readU32(octets, at + 12) >>> 0); // Teredo
  if (top32 === 0x0064ff9b) {
    // 64:ff9b:1::/48 is for local use (RFC 8215); 64:ff9b::/96 carries an IPv4 address.
    return readU16(octets, at + 4) === 1 || isInternalIpv4(readU32(octets, at + 12));
  }
  if (top32 !== 0 || readU32(octets, at + 4) !== 0) return false;
  const third = readU32(octets, at + 8);
  // ::a.b.c.d (compatible, with :: and ::1), ::ffff:a.b.c.d (mapped), ::ffff:0:a.b.c.d (translated)
  const carriesIpv4 = third === 0 || third === 0xffff || third === 0xffff0000;
  return carriesIpv4 && isInternalIpv4(readU32(octets, at + 12));
}

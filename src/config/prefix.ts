/**
 * Addresses, prefixes and server addresses of the configuration. IPv4 is held in its IPv4-mapped
 * form, so that one table serves both families. Names are never resolved here.
 */

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Prefix, SocketAddress } from './types.ts';

const MAPPED_BITS = 96;

/** 16 octets of an address in text, IPv4 as ::ffff:a.b.c.d; null when it is none or has a zone. */
export function addressOctets(text: string): Uint8Array | null {
  const family = isIP(text);
  if (family === 0 || text.includes('%')) return null;
  const octets = new Uint8Array(16);
  if (family === 4) {
    octets[10] = 0xff;
    octets[11] = 0xff;
    octets.set(text.split('.').map(Number), 12);
  } else {
    octets.set(ipaddr.IPv6.parse(text).toByteArray());
  }
  return octets;
}

export function isMapped(octets: Uint8Array): boolean {
  return octets[10] === 0xff && octets[11] === 0xff && octets.subarray(0, 10).every((o) => o === 0);
}

/** Canonical text (RFC 5952) of 16 octets; the mapped form prints as IPv4. */
export function addressText(octets: Uint8Array): string {
  if (isMapped(octets)) return octets.subarray(12).join('.');
  return new ipaddr.IPv6([...octets]).toRFC5952String();
}

/** A prefix without its place, or the problem with `text`. A bare address is a prefix of one. */
export function parsePrefix(text: string): Omit<Prefix, 'at'> | string {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const bytes = addressOctets(address);
  if (bytes === null) {
    const forms = 'accepted are "10.0.0.0/24" and "2001:db8::/64"';
    return `${JSON.stringify(text)} is not a prefix; ${forms}`;
  }
  const plain = isIP(address) === 4;
  const bits = plain ? 32 : 128;
  const given = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(given) || Number(given) > bits) {
    return `"${text}" has no prefix length of 0 to ${bits} after the "/"`;
  }
  const length = Number(given) + (plain ? MAPPED_BITS : 0);
  const masked = maskHost(bytes, length);
  const canonical = prefixText(masked, length);
  if (!masked.every((octet, i) => octet === bytes[i])) {
    return `"${text}" has bits set behind the prefix length; use "${canonical}"`;
  }
  return { bytes, length, text: canonical };
}

function prefixText(bytes: Uint8Array, length: number): string {
  const mapped = isMapped(bytes) && length >= MAPPED_BITS;
  return `${addressText(bytes)}/${mapped ? length - MAPPED_BITS : length}`;
}

function maskHost(bytes: Uint8Array, length: number): Uint8Array {
  const masked = Uint8Array.from(bytes);
  const whole = length >> 3;
  if (whole < 16) {
    masked[whole] = (bytes[whole] ?? 0) & (0xff00 >> (length & 7));
    masked.fill(0, whole + 1);
  }
  return masked;
}

/** `1.2.3.4`, `1.2.3.4:5353`, `2001:db8::1`, `[2001:db8::1]:5353`; or the problem with `text`. */
export function parseSocketAddress(text: string, defaultPort: number): SocketAddress | string {
  const match = /^(?:\[([^\]]*)\]|([^:]*)|(.*:.*:.*))(?::(\d{1,5}))?$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? match?.[3] ?? '';
  const octets = isIP(text) === 6 ? addressOctets(text) : addressOctets(address);
  if (octets === null) {
    const forms = 'accepted are "192.0.2.1", "192.0.2.1:5353" and "[2001:db8::1]:53"';
    return `"${text}" is not an address; ${forms}`;
  }
  const port = match?.[4] === undefined || isIP(text) === 6 ? defaultPort : Number(match[4]);
  if (port < 1 || port > 65535) return `"${text}" has port ${port}, accepted are 1 to 65535`;
  return { address: addressText(octets), port, family: isMapped(octets) ? 4 : 6 };
}

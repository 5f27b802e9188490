/**
 * The header of the PROXY protocol, version 2 (haproxy's proxy-protocol.txt, section 2.2): who is
 * behind a forwarder. Only what a trusted forwarder sends comes here; the others' is DNS, and as
 * that it is malformed.
 *
 * ```
 *  0..11  signature
 * 12      version 2 and command: 0x20 LOCAL, 0x21 PROXY
 * 13      family: 0x1_ IPv4, 0x2_ IPv6; transport: 0x_1 stream, 0x_2 datagram
 * 14..15  octets that follow: source and destination address, their ports, and TLVs
 * ```
 */

import { PEER_FAMILY, PEER_HAS_LOCAL, PEER_LOCAL, PEER_PORT, PEER_SIZE } from '../batch.ts';
import { copyOctets, readU16 } from './octets.ts';

/** So far it is a header, but not all of it is there. */
export const PROXY_MORE = 0;
/** No header, or one that says no address. */
export const PROXY_BAD = -1;
/**
 * Octets of the longest header. With every TLV that haproxy and dnsdist know it has some 500;
 * one that has more is no reason to keep more.
 */
export const PROXY_MAX = 2048;

const FIXED = 16;
const AT_COMMAND = 12;
const AT_FAMILY = 13;
const AT_LENGTH = 14;
const LOCAL = 0x20;
const PROXY = 0x21;
const INET = 1;
const INET6 = 2;
const STREAM = 1;
const DGRAM = 2;
const INET_SIZE = 12;
const INET6_SIZE = 36;
const SIGNATURE = new Uint8Array([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]);

/**
 * Reads the header at `octets[start]`. PROXY replaces the peer record at `record[at]` (batch.ts) by
 * source and destination of the client's connection; LOCAL, a message of the forwarder itself such
 * as its health check, leaves it as it is. Of the transport nothing is kept: it is that of the
 * client, which may ask the forwarder by another one. TLVs are passed over.
 *
 * @returns octets of the header, 16 to PROXY_MAX, or PROXY_MORE or PROXY_BAD; the record has
 *   changed only with a header
 */
export function readProxy(
  octets: Uint8Array,
  start: number,
  end: number,
  record: Uint8Array,
  at: number,
): number {
  const there = end - start;
  for (let i = 0; i < SIGNATURE.length && i < there; i++) {
    if (octets[start + i] !== SIGNATURE[i]) return PROXY_BAD;
  }
  if (there < FIXED) return PROXY_MORE;
  const command = octets[start + AT_COMMAND]!;
  const length = readU16(octets, start + AT_LENGTH);
  if (FIXED + length > PROXY_MAX) return PROXY_BAD;
  if (command !== LOCAL && command !== PROXY) return PROXY_BAD;
  const family = octets[start + AT_FAMILY]!;
  if (command === PROXY && !hasAddresses(family, length)) return PROXY_BAD;
  if (FIXED + length > there) return PROXY_MORE;
  if (command === PROXY) writeRecord(octets, start + FIXED, family >>> 4, record, at);
  return FIXED + length;
}

/** Whose address is not known (UNSPEC, AF_UNIX) is nobody, and not the forwarder. */
function hasAddresses(family: number, length: number): boolean {
  const transport = family & 0xf;
  if (transport !== STREAM && transport !== DGRAM) return false;
  if (family >>> 4 === INET) return length >= INET_SIZE;
  return family >>> 4 === INET6 && length >= INET6_SIZE;
}

function writeRecord(
  octets: Uint8Array,
  from: number,
  family: number,
  record: Uint8Array,
  at: number,
): void {
  const size = family === INET ? 4 : 16;
  for (let i = 0; i < PEER_SIZE; i++) record[at + i] = 0;
  writeAddress(octets, from, size, record, at);
  writeAddress(octets, from + size, size, record, at + PEER_LOCAL);
  copyOctets(octets, from + 2 * size, record, at + PEER_PORT, 2);
  record[at + PEER_FAMILY] = family === INET ? 4 : 6;
  record[at + PEER_HAS_LOCAL] = 1;
}

/** 16 octets, IPv4 as ::ffff:a.b.c.d; those before are zero. */
export function writeAddress(
  octets: Uint8Array,
  from: number,
  size: number,
  out: Uint8Array,
  at: number,
): void {
  if (size === 4) {
    out[at + 10] = 0xff;
    out[at + 11] = 0xff;
  }
  copyOctets(octets, from, out, at + 16 - size, size);
}

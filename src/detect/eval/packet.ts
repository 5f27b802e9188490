/**
 * Packet: the way from a captured frame to the payload of UDP or TCP: link layers, VLAN tags,
 * IPv4, IPv6 with its extension headers. One reused record. Fragments are not put together: DNS
 * that needs them is rare, and they are counted.
 */

import { readU16, readU32 } from '../../wire/octets.ts';

/** What became of a frame. */
export const PACKET_UDP = 0;
export const PACKET_TCP = 1;
/** Another protocol, or a link type that is not known. */
export const PACKET_OTHER = 2;
export const PACKET_FRAGMENT = 3;
/** Shorter than its own headers say: cut by the snapshot length, or malformed. */
export const PACKET_CUT = 4;

export const TCP_SYN = 2;
export const TCP_RST = 4;

const LINK_NULL = 0;
const LINK_ETHERNET = 1;
const LINK_LOOP = 108;
const LINK_COOKED = 113;
const LINK_COOKED_2 = 276;
/** Raw IP has had several numbers. */
const LINK_RAW = new Set([12, 14, 101, 228, 229]);

const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
const ETHER_VLAN = new Set([0x8100, 0x88a8, 0x9100]);
const VLANS_MAX = 4;

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const IPV6_FRAGMENT = 44;
/** Hop-by-hop options, routing, destination options: a length in units of 8 octets. */
const IPV6_OPTIONS = new Set([0, 43, 60]);
const EXTENSIONS_MAX = 8;

export class Packet {
  /** Addresses, IPv6 octets (IPv4 mapped). */
  readonly source = new Uint8Array(16);
  readonly destination = new Uint8Array(16);
  sourcePort = 0;
  destinationPort = 0;
  /** Sequence number and flags of a TCP segment. */
  sequence = 0;
  tcpFlags = 0;
  /** Where the payload stands. */
  payload = 0;
  payloadEnd = 0;
  #octets: Uint8Array = new Uint8Array(0);

  /** Reads a frame. Returns PACKET_*; the fields hold for UDP and TCP. */
  read(linkType: number, octets: Uint8Array, start: number, end: number): number {
    this.#octets = octets;
    const at = networkAt(linkType, octets, start, end);
    if (at === -1) return PACKET_OTHER;
    if (at >= end) return PACKET_CUT;
    const version = (octets[at] ?? 0) >>> 4;
    if (version === 4) return this.#readIpv4(at, end);
    return version === 6 ? this.#readIpv6(at, end) : PACKET_OTHER;
  }

  #readIpv4(at: number, frameEnd: number): number {
    const octets = this.#octets;
    if (at + 20 > frameEnd) return PACKET_CUT;
    const headerSize = ((octets[at] ?? 0) & 15) * 4;
    const total = readU16(octets, at + 2);
    // An Ethernet frame is padded; with segmentation offload the length is 0.
    const end = total === 0 ? frameEnd : Math.min(frameEnd, at + total);
    if (headerSize < 20 || at + headerSize > end) return PACKET_CUT;
    // The offset, or more to come: not a whole datagram.
    if ((readU16(octets, at + 6) & 0x3fff) !== 0) return PACKET_FRAGMENT;
    mapped(octets, at + 12, this.source);
    mapped(octets, at + 16, this.destination);
    return this.#readTransport(octets[at + 9] ?? 0, at + headerSize, end);
  }

  #readIpv6(at: number, frameEnd: number): number {
    const octets = this.#octets;
    if (at + 40 > frameEnd) return PACKET_CUT;
    const length = readU16(octets, at + 4);
    const end = length === 0 ? frameEnd : Math.min(frameEnd, at + 40 + length);
    this.source.set(octets.subarray(at + 8, at + 24));
    this.destination.set(octets.subarray(at + 24, at + 40));
    let protocol = octets[at + 6] ?? 0;
    let position = at + 40;
    for (let i = 0; i < EXTENSIONS_MAX && IPV6_OPTIONS.has(protocol); i++) {
      if (position + 8 > end) return PACKET_CUT;
      protocol = octets[position] ?? 0;
      position += 8 + (octets[position + 1] ?? 0) * 8;
    }
    if (protocol === IPV6_FRAGMENT) return PACKET_FRAGMENT;
    return this.#readTransport(protocol, position, end);
  }

  #readTransport(protocol: number, at: number, end: number): number {
    const octets = this.#octets;
    if (protocol !== PROTOCOL_UDP && protocol !== PROTOCOL_TCP) return PACKET_OTHER;
    if (at + (protocol === PROTOCOL_UDP ? 8 : 20) > end) return PACKET_CUT;
    this.sourcePort = readU16(octets, at);
    this.destinationPort = readU16(octets, at + 2);
    this.payloadEnd = end;
    if (protocol === PROTOCOL_UDP) {
      this.payload = at + 8;
      const datagramEnd = at + readU16(octets, at + 4);
      if (datagramEnd < this.payload || datagramEnd > end) return PACKET_CUT;
      this.payloadEnd = datagramEnd;
      return PACKET_UDP;
    }
    const headerSize = ((octets[at + 12] ?? 0) >>> 4) * 4;
    if (headerSize < 20 || at + headerSize > end) return PACKET_CUT;
    this.sequence = readU32(octets, at + 4);
    this.tcpFlags = octets[at + 13] ?? 0;
    this.payload = at + headerSize;
    return PACKET_TCP;
  }
}

function mapped(octets: Uint8Array, at: number, to: Uint8Array): void {
  to.fill(0, 0, 10);
  to[10] = 0xff;
  to[11] = 0xff;
  for (let i = 0; i < 4; i++) to[12 + i] = octets[at + i] ?? 0;
}

/** Where the IP header stands; -1 when the frame holds none, or the link type is not known. */
function networkAt(linkType: number, octets: Uint8Array, start: number, end: number): number {
  if (LINK_RAW.has(linkType)) return start;
  // A family in front, whose numbers differ by system; the version in the header says enough.
  if (linkType === LINK_NULL || linkType === LINK_LOOP) return start + 4;
  if (linkType === LINK_ETHERNET) return behindType(octets, start + 12, end);
  if (linkType === LINK_COOKED) return behindType(octets, start + 14, end);
  if (linkType !== LINK_COOKED_2 || end - start < 20) return -1;
  return isIp(readU16(octets, start)) ? start + 20 : -1;
}

function behindType(octets: Uint8Array, typeAt: number, end: number): number {
  let at = typeAt;
  for (let tags = 0; tags <= VLANS_MAX && at + 2 <= end; tags++) {
    const type = readU16(octets, at);
    if (isIp(type)) return at + 2;
    if (!ETHER_VLAN.has(type)) return -1;
    at += 4;
  }
  return -1;
}

function isIp(etherType: number): boolean {
  return etherType === ETHER_IPV4 || etherType === ETHER_IPV6;
}

/** Capture files built octet by octet, so that a test may have any link type, order and damage. */

import { addressToBytes } from '../../../src/native/addresses.ts';
import { nameToWire } from '../../../src/wire/text.ts';

export const CLIENT = '10.1.0.7';
export const SERVER = '10.0.0.53';

export interface Frame {
  readonly seconds: number;
  readonly octets: Buffer;
}

export interface Ends {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
}

export const ASKING: Ends = { from: CLIENT, to: SERVER, fromPort: 40_000, toPort: 53 };
export const ANSWERING: Ends = { from: SERVER, to: CLIENT, fromPort: 53, toPort: 40_000 };

export function u16(...values: readonly number[]): Buffer {
  const octets = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) octets.writeUInt16BE(value, i * 2);
  return octets;
}

export function u32(...values: readonly number[]): Buffer {
  const octets = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) octets.writeUInt32BE(value >>> 0, i * 4);
  return octets;
}

/** A query for a name; with `flags` 0x8180 and no answers the response to it. */
export function message(id: number, name: string, qtype = 1, flags = 0x0100): Buffer {
  return Buffer.concat([u16(id, flags, 1, 0, 0, 0), nameToWire(name), u16(qtype, 1)]);
}

/** A response with one TXT or opaque record. */
export function response(id: number, name: string, qtype: number, rdata: Buffer): Buffer {
  const head = u16(id, 0x8180, 1, 1, 0, 0);
  const question = Buffer.concat([nameToWire(name), u16(qtype, 1)]);
  return Buffer.concat([head, question, u16(0xc00c, qtype, 1), u32(0), u16(rdata.length), rdata]);
}

export function udp({ fromPort, toPort }: Ends, payload: Buffer): Buffer {
  return Buffer.concat([u16(fromPort, toPort, 8 + payload.length, 0), payload]);
}

export const SYN = 2;
export const RST = 4;
export const ACK = 16;
export const FIN = 1;

export interface Segment {
  readonly sequence: number;
  readonly flags?: number;
  readonly payload?: Buffer;
}

export function tcp({ fromPort, toPort }: Ends, segment: Segment): Buffer {
  const { sequence, flags = ACK, payload = Buffer.alloc(0) } = segment;
  const offset = Buffer.from([5 << 4, flags]);
  return Buffer.concat([
    ...[u16(fromPort, toPort), u32(sequence, 0), offset, u16(1024, 0, 0), payload],
  ]);
}

/** Behind its length, as on a TCP connection. */
export function framed(octets: Buffer): Buffer {
  return Buffer.concat([u16(octets.length), octets]);
}

export interface Ipv4Shape {
  readonly protocol: number;
  /** Flags and fragment offset. */
  readonly fragment?: number;
}

export function ipv4({ from, to }: Ends, shape: Ipv4Shape, payload: Buffer): Buffer {
  const head = Buffer.from([0x45, 0]);
  const sizes = u16(20 + payload.length, 1, shape.fragment ?? 0);
  const rest = Buffer.from([64, shape.protocol, 0, 0]);
  return Buffer.concat([head, sizes, rest, octetsOf(from, 4), octetsOf(to, 4), payload]);
}

/** @param extensions headers in front of the payload, each with the next one's number first */
export function ipv6(
  { from, to }: Ends,
  next: number,
  payload: Buffer,
  extensions: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.concat([u32(0x60000000), u16(extensions.length + payload.length)]);
  const rest = Buffer.from([next, 64]);
  return Buffer.concat([head, rest, octetsOf(from, 16), octetsOf(to, 16), extensions, payload]);
}

function octetsOf(text: string, size: number): Buffer {
  const octets = Buffer.alloc(16);
  if (!addressToBytes(text, octets, 0)) throw new Error(`${text} is no address`);
  return octets.subarray(16 - size);
}

export function ethernet(packet: Buffer, ...tags: readonly number[]): Buffer {
  const isV6 = (packet[0] ?? 0) >> 4 === 6;
  const types = [...tags.flatMap((tag) => [0x8100, tag]), isV6 ? 0x86dd : 0x0800];
  return Buffer.concat([Buffer.alloc(12), u16(...types), packet]);
}

/** UDP over IPv4 in an Ethernet frame. */
export function datagram(ends: Ends, payload: Buffer): Buffer {
  return ethernet(ipv4(ends, { protocol: 17 }, udp(ends, payload)));
}

/** The same for a TCP segment. */
export function segment(ends: Ends, shape: Segment): Buffer {
  return ethernet(ipv4(ends, { protocol: 6 }, tcp(ends, shape)));
}

export interface FileShape {
  readonly linkType?: number;
  readonly bytes?: 'little' | 'big';
  /** Ticks per second: 1e6 or 1e9. */
  readonly ticks?: number;
}

export function pcap(frames: readonly Frame[], shape: FileShape = {}): Buffer {
  const { linkType = 1, bytes = 'little', ticks = 1e6 } = shape;
  const magic = ticks === 1e9 ? 0xa1b23c4d : 0xa1b2c3d4;
  const words = (...values: readonly number[]): Buffer => ordered(bytes, values);
  const version = bytes === 'big' ? u16(2, 4) : Buffer.from([2, 0, 4, 0]);
  const parts = [words(magic), version, words(0, 0, 65_535, linkType)];
  for (const { seconds, octets } of frames) {
    const whole = Math.floor(seconds);
    const fraction = Math.round((seconds - whole) * ticks);
    parts.push(words(whole, fraction, octets.length, octets.length), octets);
  }
  return Buffer.concat(parts);
}

export function pcapng(frames: readonly Frame[], shape: FileShape = {}): Buffer {
  const { linkType = 1, bytes = 'little', ticks = 1e6 } = shape;
  const words = (...values: readonly number[]): Buffer => ordered(bytes, values);
  const short = (value: number): Buffer => (bytes === 'big' ? u16(value) : swapped(u16(value)));
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
    return Buffer.concat([words(type, padded.length + 12), padded, words(padded.length + 12)]);
  };
  const section = Buffer.concat([words(0x1a2b3c4d), short(1), short(0), words(0xffffffff, ~0)]);
  const resolution = Buffer.from([ticks === 1e9 ? 9 : 6, 0, 0, 0]);
  const options = Buffer.concat([short(9), short(1), resolution, short(0), short(0)]);
  const from = Buffer.concat([short(linkType), short(0), words(65_535), options]);
  const parts = [block(0x0a0d0d0a, section), block(1, from)];
  for (const { seconds, octets } of frames) {
    const time = Math.round(seconds * ticks);
    const head = words(0, Math.floor(time / 2 ** 32), time, octets.length, octets.length);
    parts.push(block(6, Buffer.concat([head, octets])));
  }
  return Buffer.concat(parts);
}

function ordered(bytes: 'little' | 'big', values: readonly number[]): Buffer {
  return Buffer.concat(values.map((value) => (bytes === 'big' ? u32(value) : swapped(u32(value)))));
}

function swapped(octets: Buffer): Buffer {
  return Buffer.from(octets.toReversed());
}

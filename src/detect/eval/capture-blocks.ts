/**
 * The blocks of pcapng that matter here: sections, interfaces and packets. Everything else is
 * passed over, as the format asks.
 */

import type { FrameSink } from './capture-reader.ts';

/** Byte order of a file or a section. */
export type Bytes = 'little' | 'big';

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const PACKET_OLD = 2;
const PACKET_SIMPLE = 3;
const PACKET_ENHANCED = 6;

const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
/** Interfaces of a section; real files have a handful. */
const INTERFACES_MAX = 4096;

interface Interface {
  readonly linkType: number;
  readonly ticksPerSecond: number;
  readonly offsetSeconds: number;
}

export class EnhancedBlocks {
  readonly #sink: FrameSink;
  #interfaces: Interface[] = [];
  #bytes: Bytes = 'little';
  /** A simple packet has no time of its own. */
  #lastSeconds = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @param body the block between its two lengths */
  take(type: number, bytes: Bytes, body: Buffer): void {
    this.#bytes = bytes;
    if (type === SECTION) this.#interfaces = [];
    else if (type === INTERFACE) this.#addInterface(body);
    else if (type === PACKET_ENHANCED && body.length >= 20) this.#packet(body, this.#u32(body, 0));
    else if (type === PACKET_OLD && body.length >= 20) this.#packet(body, this.#u16(body, 0));
    else if (type === PACKET_SIMPLE && body.length >= 4) this.#simplePacket(body);
  }

  #addInterface(body: Buffer): void {
    if (body.length < 8 || this.#interfaces.length >= INTERFACES_MAX) return;
    let ticksPerSecond = 1e6;
    let offsetSeconds = 0;
    let at = 8;
    while (at + 4 <= body.length) {
      const code = this.#u16(body, at);
      const length = this.#u16(body, at + 2);
      const value = at + 4;
      if (code === OPTION_END || value + length > body.length) break;
      if (code === OPTION_RESOLUTION && length === 1) ticksPerSecond = resolution(body[value] ?? 6);
      if (code === OPTION_OFFSET && length === 8) offsetSeconds = this.#i64(body, value);
      at = value + ((length + 3) & ~3);
    }
    this.#interfaces.push({ linkType: this.#u16(body, 0), ticksPerSecond, offsetSeconds });
  }

  #packet(body: Buffer, index: number): void {
    const from = this.#interfaces[index];
    if (from === undefined) return;
    const ticks = this.#u32(body, 4) * 2 ** 32 + this.#u32(body, 8);
    const seconds = ticks / from.ticksPerSecond + from.offsetSeconds;
    const end = 20 + this.#u32(body, 12);
    if (end > body.length || !Number.isFinite(seconds)) return;
    this.#lastSeconds = seconds;
    this.#sink.frame(seconds, from.linkType, body, 20, end);
  }

  #simplePacket(body: Buffer): void {
    const from = this.#interfaces[0];
    if (from === undefined) return;
    const end = Math.min(4 + this.#u32(body, 0), body.length);
    this.#sink.frame(this.#lastSeconds, from.linkType, body, 4, end);
  }

  #u16(octets: Buffer, at: number): number {
    return this.#bytes === 'big' ? octets.readUInt16BE(at) : octets.readUInt16LE(at);
  }

  #u32(octets: Buffer, at: number): number {
    return this.#bytes === 'big' ? octets.readUInt32BE(at) : octets.readUInt32LE(at);
  }

  #i64(octets: Buffer, at: number): number {
    const value = this.#bytes === 'big' ? octets.readBigInt64BE(at) : octets.readBigInt64LE(at);
    return Number(value);
  }
}

/** Ticks per second: a power of ten, or of two where the highest bit is set. */
function resolution(value: number): number {
  return (value & 0x80) === 0 ? 10 ** value : 2 ** (value & 0x7f);
}

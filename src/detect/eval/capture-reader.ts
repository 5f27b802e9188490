/**
 * Capture files: pcap (microseconds and nanoseconds, both byte orders) and pcapng, pushed in as
 * they are read, out as one frame after the other. Knows no protocol; a frame is octets with a time
 * and a link type.
 */

import { DnsvalveError } from '../../errors.ts';
import { type Bytes, EnhancedBlocks } from './capture-blocks.ts';

/** Takes one frame; `octets` hold it from `start` to `end` until the call returns. */
export interface FrameSink {
  frame(seconds: number, linkType: number, octets: Uint8Array, start: number, end: number): void;
}

const PCAP_MICRO = 0xa1b2c3d4;
const PCAP_NANO = 0xa1b23c4d;
const BLOCK_SECTION = 0x0a0d0d0a;

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** libpcap's own largest snapshot length. */
const PACKET_MAX = 262_144;
/** A block holds a packet and its options. */
const BLOCK_MAX = 16 * 1024 * 1024;

export class CaptureReader {
  readonly #path: string;
  readonly #sink: FrameSink;
  readonly #blocks: EnhancedBlocks;
  #rest: Buffer = Buffer.alloc(0);
  /** Octets before `#rest`. */
  #consumed = 0;
  #format: 'unknown' | 'pcap' | 'pcapng' = 'unknown';
  #bytes: Bytes = 'little';
  #ticksPerSecond = 1e6;
  #linkType = 0;

  constructor(path: string, sink: FrameSink) {
    this.#path = path;
    this.#sink = sink;
    this.#blocks = new EnhancedBlocks(sink);
  }

  /** @throws DnsvalveError USAGE that names the octet */
  feed(chunk: Buffer): void {
    const octets = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let next = this.#step(octets, at); next !== at; next = this.#step(octets, at)) {
      this.#consumed += next - at;
      at = next;
    }
    this.#rest = Buffer.from(octets.subarray(at));
  }

  /** @returns octets of a packet that the end of the file cut off */
  finish(): number {
    if (this.#format === 'unknown') throw this.#problem('too short for a capture');
    return this.#rest.length;
  }

  /** Takes a header, packet or block. Returns where the next one is; `at` when more is needed. */
  #step(octets: Buffer, at: number): number {
    if (this.#format === 'unknown') return this.#begin(octets, at);
    return this.#format === 'pcap' ? this.#packet(octets, at) : this.#block(octets, at);
  }

  #begin(octets: Buffer, at: number): number {
    if (octets.length - at < FILE_HEADER) return at;
    if (octets.readUInt32BE(at) === BLOCK_SECTION) {
      this.#format = 'pcapng';
      return this.#block(octets, at);
    }
    const kind = pcapKind(octets);
    if (kind === null) throw this.#problem('neither pcap nor pcapng');
    this.#bytes = kind.bytes;
    this.#ticksPerSecond = kind.ticksPerSecond;
    this.#format = 'pcap';
    // The upper bits tell of a frame check sequence.
    this.#linkType = this.#u32(octets, at + 20) & 0x0fffffff;
    return at + FILE_HEADER;
  }

  #packet(octets: Buffer, at: number): number {
    if (octets.length - at < PACKET_HEADER) return at;
    const length = this.#u32(octets, at + 8);
    if (length > PACKET_MAX) throw this.#problem(`a packet of ${length} octets`);
    const start = at + PACKET_HEADER;
    const end = start + length;
    if (end > octets.length) return at;
    const seconds = this.#u32(octets, at) + this.#u32(octets, at + 4) / this.#ticksPerSecond;
    this.#sink.frame(seconds, this.#linkType, octets, start, end);
    return end;
  }

  #block(octets: Buffer, at: number): number {
    if (octets.length - at < 12) return at;
    const isSection = octets.readUInt32BE(at) === BLOCK_SECTION;
    if (isSection) this.#bytes = octets.readUInt32BE(at + 8) === 0x1a2b3c4d ? 'big' : 'little';
    const length = this.#u32(octets, at + 4);
    if (length < 12 || length % 4 !== 0 || length > BLOCK_MAX) {
      throw this.#problem(`a block of ${length} octets`);
    }
    if (at + length > octets.length) return at;
    const type = isSection ? BLOCK_SECTION : this.#u32(octets, at);
    this.#blocks.take(type, this.#bytes, octets.subarray(at + 8, at + length - 4));
    return at + length;
  }

  #u32(octets: Buffer, at: number): number {
    return this.#bytes === 'big' ? octets.readUInt32BE(at) : octets.readUInt32LE(at);
  }

  #problem(message: string): DnsvalveError {
    return new DnsvalveError('USAGE', `${this.#path}: octet ${this.#consumed}: ${message}`);
  }
}

interface PcapKind {
  readonly bytes: Bytes;
  readonly ticksPerSecond: number;
}

/** null when the octets begin no pcap file. */
function pcapKind(octets: Buffer): PcapKind | null {
  for (const bytes of ['little', 'big'] as const) {
    const magic = bytes === 'big' ? octets.readUInt32BE(0) : octets.readUInt32LE(0);
    if (magic === PCAP_MICRO) return { bytes, ticksPerSecond: 1e6 };
    if (magic === PCAP_NANO) return { bytes, ticksPerSecond: 1e9 };
  }
  return null;
}

/** Whether a file that begins so is a capture; anything else is taken for a table. */
export function isCapture(head: Buffer): boolean {
  if (head.length < 4) return false;
  return head.readUInt32BE(0) === BLOCK_SECTION || pcapKind(head) !== null;
}

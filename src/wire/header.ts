/**
 * The message header as its octets, read and written in place (RFC 1035 4.1.1).
 *
 * ```
 *   0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
 * +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
 * |                      ID                       |
 * |QR|   OPCODE  |AA|TC|RD|RA| Z|AD|CD|   RCODE   |
 * |                    QDCOUNT                    |
 * |                    ANCOUNT                    |
 * |                    NSCOUNT                    |
 * |                    ARCOUNT                    |
 * ```
 */

import {
  AT_ANCOUNT,
  AT_ARCOUNT,
  AT_FLAGS,
  AT_ID,
  AT_NSCOUNT,
  AT_QDCOUNT,
  RCODE_MASK,
} from './constants.ts';
import { readU16, writeU16 } from './octets.ts';

export function messageId(octets: Uint8Array, start: number): number {
  return readU16(octets, start + AT_ID);
}

export function messageFlags(octets: Uint8Array, start: number): number {
  return readU16(octets, start + AT_FLAGS);
}

export function rcodeOf(flags: number): number {
  return flags & RCODE_MASK;
}

export function questionCount(octets: Uint8Array, start: number): number {
  return readU16(octets, start + AT_QDCOUNT);
}

export function answerCount(octets: Uint8Array, start: number): number {
  return readU16(octets, start + AT_ANCOUNT);
}

export function authorityCount(octets: Uint8Array, start: number): number {
  return readU16(octets, start + AT_NSCOUNT);
}

export function additionalCount(octets: Uint8Array, start: number): number {
  return readU16(octets, start + AT_ARCOUNT);
}

/** Writes the header's ID and flags, and one question; the other counts are zero. */
export function writeHeader(octets: Uint8Array, start: number, id: number, flags: number): void {
  writeU16(octets, start + AT_ID, id);
  writeU16(octets, start + AT_FLAGS, flags);
  writeU16(octets, start + AT_QDCOUNT, 1);
  writeU16(octets, start + AT_ANCOUNT, 0);
  writeU16(octets, start + AT_NSCOUNT, 0);
  writeU16(octets, start + AT_ARCOUNT, 0);
}

/** Big-endian reads and writes over octets. Callers have checked the bounds. */

export function readU16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

/** @returns 0..2^32-1 */
export function readU32(octets: Uint8Array, at: number): number {
  return (
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0
  );
}

export function writeU16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

export function writeU32(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 24;
  octets[at + 1] = value >>> 16;
  octets[at + 2] = value >>> 8;
  octets[at + 3] = value;
}

/**
 * Copies `length` octets. A loop, because `set(subarray())` costs an object per call and only wins
 * above about 200 octets, which answers rarely are.
 */
export function copyOctets(
  from: Uint8Array,
  fromAt: number,
  to: Uint8Array,
  toAt: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i]!;
}

/** Lower case of each octet: ASCII letters only, nothing else folds (RFC 4343). */
export const LOWER = new Uint8Array(256);
for (let octet = 0; octet < 256; octet++) {
  LOWER[octet] = octet >= 65 /* 'A' */ && octet <= 90 /* 'Z' */ ? octet + 32 : octet;
}

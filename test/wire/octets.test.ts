/** Octets are copied, read and written where it is said, and nowhere else. */

import { expect, it } from 'vitest';
import { copyOctets, LOWER, readU16, readU32, writeU16, writeU32 } from '../../src/wire/octets.ts';

const MARK = 0xee;
const marked = (): Uint8Array => new Uint8Array(16).fill(MARK);

it.each([0, 1, 5, 9])('%i octets are copied and those beside them stay', (length) => {
  const from = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
  const to = marked();
  copyOctets(from, 2, to, 4, length);
  const want = marked();
  for (let i = 0; i < length; i++) want[4 + i] = 3 + i;
  expect(to).toEqual(want);
});

it('numbers are written in network order, and those beside them stay', () => {
  const octets = marked();
  writeU16(octets, 1, 0x1234);
  writeU32(octets, 8, 0xfedcba98);
  const hex = `ee1234${'ee'.repeat(5)}fedcba98${'ee'.repeat(4)}`;
  expect(Buffer.from(octets).toString('hex')).toBe(hex);
  expect(readU16(octets, 1)).toBe(0x1234);
  expect(readU32(octets, 8) >>> 0).toBe(0xfedcba98);
});

it('only the 26 letters of ASCII have another lower case', () => {
  for (let octet = 0; octet < 256; octet++) {
    const isCapital = octet >= 0x41 && octet <= 0x5a;
    expect(LOWER[octet]).toBe(isCapital ? octet + 0x20 : octet);
  }
});

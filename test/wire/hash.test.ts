/** Fingerprints of suffixes: all 64 bits carry, and all of them depend on the key. */

import { afterAll, describe, expect, it } from 'vitest';
import { hashOctets, octetsHigh, octetsLow, setHashKey } from '../../src/wire/hash.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { countsOf, deviation } from '../fuzz/chance.ts';

const COUNT = 20_000;
/** Normal deviates: chance is beyond that once in 300 million looks. */
const FAR = 6;
const KEYS = [
  [0x243f6a88, 0x85a308d3],
  [0x13198a2e, 0x03707344],
] as const;

afterAll(() => setHashKey(...KEYS[0]));

type Halves = readonly [low: number, high: number];

const name = new WireName();

/** Of whole names that differ in their leftmost label. */
function ofNames(): Halves[] {
  return Array.from({ length: COUNT }, (_, i) => {
    const wire = nameToWire(`n${i}.example.com`);
    readName(wire, 0, wire.length, name);
    return [name.low[0]! >>> 0, name.high[0]! >>> 0];
  });
}

/** Of octets that are no name. */
function ofOctets(): Halves[] {
  const octets = new Uint8Array(11);
  return Array.from({ length: COUNT }, (_, i) => {
    new DataView(octets.buffer).setUint32(3, i);
    hashOctets(octets, 0, octets.length, 7);
    return [octetsLow >>> 0, octetsHigh >>> 0];
  });
}

describe.each([
  ['names', ofNames],
  ['octets', ofOctets],
] as const)('of %s', (_, hashes) => {
  it.each(['low', 'high'] as const)('the %s half is spread evenly, each octet of it', (half) => {
    setHashKey(...KEYS[0]);
    const words = hashes().map(([low, high]) => (half === 'low' ? low : high));
    // Of 20,000 words of 32 bits 0.05 pairs are equal.
    expect(new Set(words).size).toBeGreaterThan(COUNT - 5);
    for (const shift of [0, 8, 16, 24]) {
      const octets = words.map((word) => (word >>> shift) & 255);
      expect(Math.abs(deviation(countsOf(octets, 256))), `bits from ${shift}`).toBeLessThan(FAR);
    }
  });

  it('the halves say nothing about each other', () => {
    setHashKey(...KEYS[0]);
    const mixed = hashes().map(([low, high]) => (low ^ high) & 255);
    expect(Math.abs(deviation(countsOf(mixed, 256)))).toBeLessThan(FAR);
  });

  it.each([0, 1] as const)('another word %i of the key changes about half of the bits', (word) => {
    setHashKey(...KEYS[0]);
    const before = hashes();
    const key: [number, number] = [...KEYS[0]];
    key[word] = KEYS[1][word];
    setHashKey(...key);
    let bits = 0;
    for (const [i, [low, high]] of hashes().entries()) {
      const [lowBefore, highBefore] = before[i]!;
      for (let rest of [low ^ lowBefore, high ^ highBefore]) {
        for (; rest !== 0; rest &= rest - 1) bits++;
      }
    }
    // 64 bits each, half of them: the deviation is 4 bits for one and 0.03 for the mean.
    expect(Math.abs(bits / COUNT - 32)).toBeLessThan(0.3);
  });
});

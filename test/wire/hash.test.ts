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

/** HalfSipHash-1-3 of 32-bit words, with 64 bits of result, as its paper draws it. */
function byDefinition(words: readonly number[]): Halves {
  const [k0, k1] = KEYS[0];
  const rotated = (x: number, by: number): number => ((x << by) | (x >>> (32 - by))) >>> 0;
  const v = [k0, k1, (0x6c796765 ^ k0) >>> 0, (0x74656462 ^ k1) >>> 0] as const;
  let [v0, v1, v2, v3] = v as readonly [number, number, number, number];
  const round = (): void => {
    v0 = (v0 + v1) >>> 0;
    v2 = (v2 + v3) >>> 0;
    v1 = (rotated(v1, 5) ^ v0) >>> 0;
    v3 = (rotated(v3, 8) ^ v2) >>> 0;
    v0 = rotated(v0, 16);
    v2 = (v2 + v1) >>> 0;
    v0 = (v0 + v3) >>> 0;
    v1 = (rotated(v1, 13) ^ v2) >>> 0;
    v3 = (rotated(v3, 7) ^ v0) >>> 0;
    v2 = rotated(v2, 16);
  };
  for (const word of words) {
    v3 = (v3 ^ word) >>> 0;
    round();
    v0 = (v0 ^ word) >>> 0;
  }
  v2 = (v2 ^ 0xee) >>> 0;
  for (let i = 0; i < 3; i++) round();
  return [(v1 ^ v3) >>> 0, (v0 ^ v2) >>> 0];
}

/** Little-endian words, filled up with zeros. */
function wordsOf(octets: Uint8Array): number[] {
  const padded = Buffer.alloc(Math.ceil(octets.length / 4) * 4);
  padded.set(octets);
  return Array.from({ length: padded.length / 4 }, (_, i) => padded.readUInt32LE(i * 4));
}

describe('the definition', () => {
  const texts = ['com', 'a.com', 'example.com', 'www.example.com', 'abc.de.f.ghijklmnop.example'];

  it.each(texts)('holds for each suffix of %s', (text) => {
    setHashKey(...KEYS[0]);
    const wire = nameToWire(text);
    readName(wire, 0, wire.length, name);
    const labels = text.split('.');
    for (let from = 0; from <= labels.length; from++) {
      const suffix = labels.slice(from).toReversed();
      const words = suffix.flatMap((label) =>
        wordsOf(Buffer.from([label.length, ...Buffer.from(label)])),
      );
      expect([name.low[from]! >>> 0, name.high[from]! >>> 0]).toEqual(byDefinition(words));
    }
  });

  it.each([0, 1, 2, 3, 4, 5, 7, 8, 16])('holds for %i octets that are no name', (size) => {
    setHashKey(...KEYS[0]);
    const octets = Uint8Array.from({ length: size + 2 }, (_, i) => 200 + i);
    hashOctets(octets, 1, size + 1, 9);
    const words = [...wordsOf(octets.subarray(1, size + 1)), (9 << 16) | size];
    expect([octetsLow >>> 0, octetsHigh >>> 0]).toEqual(byDefinition(words));
  });
});

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

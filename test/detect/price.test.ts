/** What a name can carry, given the ones before it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadNameModel } from '../../src/detect/load-models.ts';
import {
  keepRecent,
  noveltyOf,
  PARTS_OF_BYTE,
  Part,
  RECENT_OCTETS,
  RECENTS,
} from '../../src/detect/price.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

const model = loadNameModel();
const HALF = 0.5;

function partOf(text: string): Part {
  const wire = nameToWire(`${text}.lab.example`);
  const name = new WireName();
  readName(wire, 0, wire.length, name);
  const part = new Part();
  part.read(name, name.labelCount - 2);
  return part;
}

/** Bytes of a text after others, the last of them kept last. */
function bytesAfter(before: readonly string[], text: string): number {
  const octets = new Uint8Array(RECENTS + RECENTS * RECENT_OCTETS);
  for (const [i, one] of before.entries()) {
    const part = partOf(one);
    keepRecent(part, octets, RECENTS + i * RECENT_OCTETS);
    octets[i] = part.length;
  }
  return noveltyOf(partOf(text), model, octets, 0, RECENTS) / PARTS_OF_BYTE;
}

describe('the price of a name', () => {
  const rows: readonly (readonly [string, readonly string[], string, number, number])[] = [
    ['a common word costs bits', [], 'www', HALF, 2],
    [
      'hexadecimal text costs its bytes, and no more than 6 bits a digit',
      [],
      'a3f09c2b'.repeat(4),
      16,
      24.5,
    ],
    ['a name that counts on costs its digit', ['client33'], 'client34', HALF, 1.6],
    ['what stands in front of known text costs itself', ['a1.eu.west'], 'b2.eu.west', HALF, 3],
    ['the same text again costs that it was asked', ['abc'], 'abc', HALF, HALF],
    ['of four the nearest counts', ['x1', 'y1', 'host-17', 'z1'], 'host-18', HALF, 1.6],
    [
      'text longer than is kept is compared by its front',
      [`${'a.'.repeat(80)}b`],
      `${'a.'.repeat(80)}c`,
      HALF,
      30,
    ],
  ];
  for (const [rule, before, text, least, most] of rows) {
    it(rule, () => {
      const bytes = bytesAfter(before, text);
      expect(bytes).toBeGreaterThanOrEqual(least);
      expect(bytes).toBeLessThanOrEqual(most);
    });
  }

  const label = fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-_'),
    minLength: 1,
    maxLength: 40,
  });
  const text = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));

  it('is never below half a byte, nor above 6 bits a character and that', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: RECENTS }), text, (before, one) => {
        const bytes = bytesAfter(before, one);
        expect(bytes).toBeGreaterThanOrEqual(HALF);
        expect(bytes).toBeLessThanOrEqual((one.length * 6) / 8 + HALF);
      }),
    );
  });

  it('is not raised by what was asked before', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: RECENTS }), text, (before, one) => {
        // What is shared is known; the rest may cost a little more without the text before it.
        expect(bytesAfter(before, one)).toBeLessThanOrEqual((one.length * 6) / 8 + HALF);
        expect(bytesAfter([one], one)).toBe(HALF);
      }),
    );
  });

  it('a dot within a label is no end of a label', () => {
    expect(partOf('a\\.b').symbols[1]).not.toBe(partOf('a.b').symbols[1]);
  });
});

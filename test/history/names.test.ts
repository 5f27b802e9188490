import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ancestorsOf,
  endOfSubtree,
  reversedFromText,
  reversedName,
  textOfReversed,
} from '../../src/history/names.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';

const rows = [
  {
    name: 'labels are reversed, a dot after each',
    text: 'www.example.com',
    want: 'com.example.www.',
  },
  { name: 'a trailing dot is taken as given', text: 'example.com.', want: 'com.example.' },
  { name: 'case is lowered', text: 'WWW.Example.COM', want: 'com.example.www.' },
  { name: 'the root is empty', text: '.', want: '' },
  {
    name: 'a dot inside a label stays in its label',
    text: 'a\\.example.com',
    want: 'com.a\\.example.',
  },
  { name: 'a backslash is no escape of the next dot', text: 'a\\\\.com', want: 'com.a\\\\.' },
  { name: 'octets that do not print are \\DDD', text: 'a\\000b.com', want: 'com.a\\000b.' },
  {
    name: 'U-labels are looked up as A-labels',
    text: 'bücher.example',
    want: 'example.xn--bcher-kva.',
  },
];

describe('reversedFromText', () => {
  for (const { name, text, want } of rows) {
    it(name, () => expect(reversedFromText(text)).toBe(want));
  }

  for (const text of ['', 'a..b', '.com', `${'a'.repeat(64)}.com`, 'a\\999.com']) {
    it(`refuses "${text.slice(0, 10)}" by name`, () =>
      expect(() => reversedFromText(text)).toThrow(/^name "/));
  }
});

/** Any octets in any labels, as a wire name in latin1. */
const wireName = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 12 }), { maxLength: 8 })
  .map((labels) => Buffer.from([...labels.flatMap((label) => [label.length, ...label]), 0]));

describe('reversed names', () => {
  it('come back as the presentation form of the wire name', () => {
    fc.assert(
      fc.property(wireName, (wire) => {
        expect(textOfReversed(reversedName(wire.toString('latin1')))).toBe(nameToText(wire));
      }),
    );
  });

  it('put exactly the names below a domain between it and the end of its subtree', () => {
    let below = 0;
    fc.assert(
      fc.property(wireName, wireName, fc.boolean(), (a, b, glue) => {
        const name = glue ? Buffer.concat([a.subarray(0, -1), b]) : a;
        const [low, text] = [
          reversedName(b.toString('latin1')),
          reversedName(name.toString('latin1')),
        ];
        // SQLite compares octets, so do we.
        const inRange =
          Buffer.compare(Buffer.from(text), Buffer.from(low)) >= 0 &&
          Buffer.compare(Buffer.from(text), Buffer.from(endOfSubtree(low))) < 0;
        const isBelow = endsWithLabels(name, b);
        if (isBelow) below++;
        expect(inRange).toBe(isBelow);
      }),
      { numRuns: 2000, seed: 7 },
    );
    expect(below).toBeGreaterThan(500);
  });

  it('do not take a label that sorts behind the dot for one below', () => {
    // '/' is the first octet behind '.', and a label may hold it.
    const other = reversedName(Buffer.from('\x09example/x\x03com\0').toString('latin1'));
    expect(other >= 'com.example.').toBe(true);
    expect(other < endOfSubtree('com.example.')).toBe(false);
  });

  it('know the names above them, longest first', () => {
    expect(ancestorsOf('com.a\\.b.www.')).toEqual(['com.a\\.b.www.', 'com.a\\.b.', 'com.']);
    expect(ancestorsOf('')).toEqual([]);
  });

  it('do not take a dot inside a label for a label of its own', () => {
    const inside = reversedName(Buffer.from('\x09a.example\x03com\0').toString('latin1'));
    const apart = reversedName(Buffer.from(nameToWire('a.example.com')).toString('latin1'));
    expect(inside).not.toBe(apart);
    expect(inside.startsWith('com.example.')).toBe(false);
  });
});

function endsWithLabels(name: Buffer, suffix: Buffer): boolean {
  for (let at = 0; at < name.length; at += 1 + (name[at] ?? 0)) {
    if (name.subarray(at).equals(suffix)) return true;
  }
  return false;
}

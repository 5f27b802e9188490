/** Punycode, held against Node's own. */

import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODE_POINTS_MAX, decodeALabel, isALabel } from '../../src/reputation/punycode.ts';

const points = new Int32Array(CODE_POINTS_MAX + 1);

function decoded(label: string): string | null {
  const octets = Buffer.from(`\x00${label}`, 'latin1');
  const count = decodeALabel(octets, 1, label.length, points);
  return count === -1 ? null : String.fromCodePoint(...points.slice(0, count));
}

describe('decodeALabel', () => {
  const rows = [
    { name: 'letters beside foreign ones', label: 'xn--bcher-kva', want: 'bücher' },
    { name: 'foreign letters only', label: 'xn--80ak6aa92e', want: 'аррӏе' },
    { name: 'hyphens of its own', label: 'xn--a-b-c-uva', want: decoded('xn--a-b-c-uva') },
    { name: 'digits that end too soon', label: 'xn--bcher-kv', want: null },
    { name: 'an octet that is no digit', label: 'xn--b_cher-k.a', want: null },
    { name: 'a number beyond every code point', label: 'xn--99999999999', want: null },
  ];
  for (const { name, label, want } of rows) {
    it(name, () => expect(decoded(label)).toBe(want));
  }

  it('knows an A-label by its first four letters', () => {
    const is = (label: string) => isALabel(Buffer.from(label), 0, label.length);
    expect(['xn--a', 'xn--', 'xn-a', 'axn--a', 'xm--a'].map(is)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('gives back what was encoded, whatever the letters', () => {
    const letter = fc.constantFrom(...'abcz019-àéüßłαωбжяһסاก漢字ひ😀');
    let held = 0;
    fc.assert(
      fc.property(fc.array(letter, { minLength: 1, maxLength: 20 }), (letters) => {
        const label = domainToASCII(`${letters.join('')}.example`).split('.')[0] ?? '';
        if (!label.startsWith('xn--') || label.length > 63) return;
        held++;
        expect(domainToASCII(`${decoded(label)}.example`)).toBe(`${label}.example`);
      }),
      { seed: 7, numRuns: 2000 },
    );
    expect(held).toBeGreaterThan(500);
  });

  it('ends on any octets', () => {
    const label = fc.uint8Array({ minLength: 0, maxLength: 59 });
    fc.assert(
      fc.property(label, (rest) => {
        const octets = Buffer.concat([Buffer.from('xn--'), rest]);
        const count = decodeALabel(octets, 0, octets.length, points);
        expect(count).toBeGreaterThanOrEqual(-1);
        expect(count).toBeLessThanOrEqual(CODE_POINTS_MAX);
      }),
      { seed: 8, numRuns: 3000 },
    );
  });
});

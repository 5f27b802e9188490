/** Look-alikes: what is found, and that the tables find what a comparison with every name finds. */

import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confusableTable } from '../../src/reputation/confusables.ts';
import { editsBetween } from '../../src/reputation/edits.ts';
import { Folding } from '../../src/reputation/folding.ts';
import { editsAllowed, Likeness } from '../../src/reputation/likeness.ts';
import { compileLikeness } from '../../src/reputation/likeness-compile.ts';
import {
  LIKE_BAIT,
  LIKE_EDIT,
  LIKE_GLYPHS,
  LIKE_HOMOGRAPH,
  LIKE_NOTHING,
  LIKE_PART,
  LIKE_SAME,
} from '../../src/reputation/likeness-memory.ts';

const OWN = ['northwind.example'];
const KNOWN = ['paypal.com', 'dhl.com', 'microsoft.com', 'amazon.com', 'deutsche-bank.de'];
const WORDS = ['login', 'secure', 'tracking'];
const likeness = new Likeness(compileLikeness(OWN, KNOWN, WORDS));
const NAMES = [...OWN, ...KNOWN];

function find(label: string): { kind: number; name: string } {
  const octets = Buffer.from(label, 'latin1');
  likeness.find(octets, 0, octets.length);
  const name = likeness.kind === LIKE_NOTHING ? '' : (NAMES[likeness.name] ?? '');
  return { kind: likeness.kind, name };
}

describe('Likeness', () => {
  const rows: readonly (readonly [string, string, number, string])[] = [
    ['the label itself is the same', 'paypal', LIKE_SAME, 'paypal.com'],
    ['a Cyrillic letter is a homograph', 'xn--pypal-4ve', LIKE_HOMOGRAPH, 'paypal.com'],
    ['all letters Cyrillic, too', domainToASCII('раураӏ'), LIKE_HOMOGRAPH, 'paypal.com'],
    ['a letter with marks, too', domainToASCII('ámazon'), LIKE_HOMOGRAPH, 'amazon.com'],
    ['a homograph beside a hyphen', domainToASCII('pаypal-x'), LIKE_HOMOGRAPH, 'paypal.com'],
    ['a digit for a letter', 'paypa1', LIKE_GLYPHS, 'paypal.com'],
    ['rn for m', 'rnicrosoft', LIKE_GLYPHS, 'microsoft.com'],
    ['vv for w', 'northvvind', LIKE_GLYPHS, 'northwind.example'],
    ['a letter left out', 'paypl', LIKE_EDIT, 'paypal.com'],
    ['neighbours that changed places', 'paypla', LIKE_EDIT, 'paypal.com'],
    ['two mistakes in a long name', 'mircosofft', LIKE_EDIT, 'microsoft.com'],
    ['two mistakes in a short name are none', 'payqak', LIKE_NOTHING, ''],
    ['a word of log-in pages behind a hyphen', 'paypal-login', LIKE_BAIT, 'paypal.com'],
    ['without a hyphen', 'securepaypal', LIKE_BAIT, 'paypal.com'],
    ['with digits for letters', 'paypa1-l0gin', LIKE_BAIT, 'paypal.com'],
    ['a short name with such a word', 'dhl-tracking', LIKE_BAIT, 'dhl.com'],
    ['a short name with another word is nothing', 'dhl-music', LIKE_NOTHING, ''],
    ['a name as a part', 'my-amazon-shop', LIKE_PART, 'amazon.com'],
    ['a name with a hyphen of its own', 'deutsche-bank-login', LIKE_BAIT, 'deutsche-bank.de'],
    ['a name inside another word is nothing', 'amazonian', LIKE_NOTHING, ''],
    ['a word of log-in pages alone is nothing', 'secure-login', LIKE_NOTHING, ''],
    ['more hyphens than are looked at', '-'.repeat(60), LIKE_NOTHING, ''],
    ['Punycode that is none is read as it stands', 'xn--paypal-99999999', LIKE_PART, 'paypal.com'],
    ['our own before a stranger', 'paypal-northwind-login', LIKE_BAIT, 'northwind.example'],
  ];
  for (const [name, label, kind, like] of rows) {
    it(name, () => expect(find(label)).toEqual({ kind, name: like }));
  }

  it('finds a label below a domain as it is written or reads', () => {
    const nameOf = (label: string) => likeness.nameOf(Buffer.from(label), 0, label.length);
    expect(NAMES[nameOf('paypa1')]).toBe('paypal.com');
    expect(nameOf('login')).toBe(-1);
    expect(nameOf('secure-paypal')).toBe(-1);
  });
});

describe('folding', () => {
  const folding = new Folding(confusableTable());
  const fold = (label: string): string => {
    const octets = Buffer.from(label, 'latin1');
    folding.fold(octets, 0, octets.length);
    return Buffer.from(folding.octets.subarray(0, folding.length)).toString('latin1');
  };
  const ALIKE: Readonly<Record<string, string>> = {
    a: 'аαàâã4',
    c: 'сç',
    e: 'еéё3',
    i: 'іíïl1',
    o: 'оοöó0',
    p: 'рρ',
    s: 'ѕ5ś',
    x: 'хχ',
    y: 'уý',
  };

  it('is the same for every label that reads alike', () => {
    const letters = fc.array(fc.constantFrom(...'aceiopsxymt'), { minLength: 1, maxLength: 14 });
    let foreign = 0;
    fc.assert(
      fc.property(letters, fc.infiniteStream(fc.nat(9)), (plain, choices) => {
        const chosen = plain.map((letter) => {
          const others = `${letter}${ALIKE[letter] ?? ''}`;
          return others[(choices.next().value ?? 0) % others.length];
        });
        const label = domainToASCII(`${chosen.join('')}.example`).split('.')[0] ?? '';
        if (label === '' || label.length > 63) return;
        if (label.startsWith('xn--')) foreign++;
        expect(fold(label)).toBe(fold(plain.join('')));
      }),
      { seed: 3, numRuns: 2000 },
    );
    expect(foreign).toBeGreaterThan(500);
  });
});

describe('edits', () => {
  /** The recursion that the rows of editsBetween stand for. */
  function edits(a: string, b: string): number {
    if (a === '' || b === '') return a.length + b.length;
    const isSwap = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
    return Math.min(
      edits(a.slice(0, -1), b.slice(0, -1)) + (a.at(-1) === b.at(-1) ? 0 : 1),
      edits(a.slice(0, -1), b) + 1,
      edits(a, b.slice(0, -1)) + 1,
      isSwap ? edits(a.slice(0, -2), b.slice(0, -2)) + 1 : Number.POSITIVE_INFINITY,
    );
  }

  const between = (a: string, b: string): number =>
    editsBetween(Buffer.from(a), 0, a.length, Buffer.from(b), 0, b.length);

  it('are as many as the definition says', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(between(a, b)).toBe(edits(a, b));
      }),
      { seed: 4, numRuns: 400 },
    );
  });

  it('the table finds exactly what a comparison with every name finds', () => {
    const names = ['abcde', 'abdce', 'bacadaba', 'abcabcabc', 'cbacbacba', 'aabbccaabb'];
    const table = new Likeness(
      compileLikeness(
        [],
        names.map((name) => `${name}.example`),
        [],
      ),
    );
    const label = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'd'),
      minLength: 3,
      maxLength: 12,
    });
    const near = fc
      .tuple(fc.constantFrom(...names), fc.nat(11), fc.constantFrom('', 'a', 'dd'), fc.nat(2))
      .map(([name, at, put, cut]) => name.slice(0, at) + put + name.slice(at + cut));
    let found = 0;
    fc.assert(
      fc.property(fc.oneof(label, near), (text) => {
        const octets = Buffer.from(text);
        const distances = names.map((name) => between(text, name));
        if (text.length === 0 || distances.includes(0)) return;
        const like = distances.flatMap((distance, i) =>
          distance <= editsAllowed(names[i]?.length ?? 0) ? [{ distance, i }] : [],
        );
        like.sort((a, b) => a.distance - b.distance || a.i - b.i);
        table.find(octets, 0, octets.length);
        const want = like[0];
        if (want !== undefined) found++;
        expect(table.kind).toBe(want === undefined ? LIKE_NOTHING : LIKE_EDIT);
        if (want !== undefined) expect(table.name).toBe(want.i);
      }),
      { seed: 5, numRuns: 6000 },
    );
    expect(found).toBeGreaterThan(1000);
  });
});

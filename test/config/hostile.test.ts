import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePattern } from '../../src/config/pattern.ts';
import { addressOctets, addressText, parsePrefix } from '../../src/config/prefix.ts';
import { didYouMean, editDistance } from '../../src/config/suggest.ts';
import { nameToText } from '../../src/wire/text.ts';
import { load, problems } from './files.ts';

const SEED = 20261123;

describe('whatever a file holds, a load ends in a Config or in problems', () => {
  it('random octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(problems(octets)).toBeInstanceOf(Array);
      }),
      { numRuns: 300, seed: SEED },
    );
  });

  it('fragments of configurations', () => {
    const words = ['workloads', 'allow', 'sources', 'feeds', 'forward', 'everyone', 'alerts', 'to'];
    words.push(
      'cache',
      'include',
      '__proto__',
      'constructor',
      '&a',
      '*a',
      '!!map',
      '? ',
      '- ',
      ': ',
    );
    words.push(
      '{',
      '}',
      '[',
      ']',
      ', ',
      '\n',
      '\n  ',
      '\n    ',
      '"',
      "'",
      '|',
      '>',
      '#',
      '\t',
      '~',
    );
    words.push('a.example', '*.com', '10.0.0.0/8', '1e3', '---', '%YAML 1.1', '<<: ');
    let failed = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 25 }), (parts) => {
        if (problems(parts.join('')).length > 0) failed++;
      }),
      { numRuns: 1500, seed: SEED },
    );
    expect(failed).toBeGreaterThan(500);
  });

  it('values of any shape under known keys', () => {
    const keys = ['workloads', 'feeds', 'bundles', 'zones', 'upstreams', 'forward', 'everyone'];
    keys.push(
      'listen',
      'cache',
      'alerts',
      'history',
      'rebinding',
      'unmapped',
      'include',
      'workers',
    );
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 4 }), (key, value) => {
        expect(problems(JSON.stringify({ [key]: value }))).toBeInstanceOf(Array);
      }),
      { numRuns: 800, seed: SEED },
    );
  });
});

describe('patterns and prefixes', () => {
  it('a pattern is refused with a sentence, or is its own normal form', () => {
    let accepted = 0;
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^(\*\.|\.)?[a-z0-9_-]{1,5}(\.[a-z]{1,5}){0,3}$/),
      fc.stringMatching(/^[*.A-Za-z0-9é-]{1,12}$/),
    );
    fc.assert(
      fc.property(text, (input) => {
        const pattern = parsePattern(input);
        if (typeof pattern === 'string') {
          expect(pattern).toMatch(/use "|accepted are/);
          return;
        }
        accepted++;
        expect(pattern.text).toBe(input);
        expect(nameToText(pattern.wire)).toBe(pattern.name);
      }),
      { numRuns: 3000, seed: SEED },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it('the form that a refusal shows is accepted', () => {
    let shown = 0;
    fc.assert(
      fc.property(fc.stringMatching(/^[*. A-Za-z0-9é_-]{1,14}$/), (input) => {
        const refusal = parsePattern(input);
        const form = typeof refusal === 'string' ? /; use "(.*)"$/.exec(refusal)?.[1] : undefined;
        if (form === undefined) return;
        shown++;
        expect(typeof parsePattern(form)).toBe('object');
      }),
      { numRuns: 3000, seed: SEED },
    );
    expect(shown).toBeGreaterThan(300);
  });

  it('a masked prefix of any address is accepted, and its text means the same', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128), (address, bits) => {
        const length = address.includes(':') ? bits : bits % 33;
        const first = parsePrefix(`${address}/${length}`);
        const text = typeof first === 'string' ? /use "(.*)"$/.exec(first)?.[1] : first.text;
        const prefix = parsePrefix(text ?? '');
        if (typeof prefix === 'string') throw new Error(prefix);
        expect(prefix.text).toBe(text);
      }),
      { numRuns: 2000, seed: SEED },
    );
  });

  it('an address and its text are one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        expect(addressOctets(addressText(octets))).toEqual(octets);
      }),
      { numRuns: 1000, seed: SEED },
    );
  });
});

describe('did you mean', () => {
  const rows: [string, string, string][] = [
    ['a letter too few', 'lisen', ' (did you mean "listen"?)'],
    ['two letters swapped', 'cahce', ' (did you mean "cache"?)'],
    ['nothing near', 'qqqq', ''],
    ['a word too long to compare', 'x'.repeat(100), ''],
  ];
  it.each(rows)('%s', (_rule, text, want) => {
    expect(didYouMean(text, ['listen', 'cache', 'x'.repeat(99)])).toBe(want);
  });
  it('a distance is the same both ways', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
      }),
      { numRuns: 500, seed: SEED },
    );
  });
});

it('200,000 rules and 100,000 sources load, each with its place', () => {
  const lines = ['workloads:'];
  for (let w = 0; w < 1000; w++) {
    const sources = Array.from(
      { length: 100 },
      (_, i) => `10.${w >> 2}.${(w & 3) * 50 + (i >> 1)}.${(i & 1) * 128}/25`,
    );
    lines.push(`  w${w}:`, `    sources: [${sources.join(', ')}]`, '    allow:');
    for (let i = 0; i < 200; i++) lines.push(`      - host${i}.w${w}.example.com`);
  }
  const config = load(lines.join('\n'));
  expect(config.workloads).toHaveLength(1000);
  expect(config.workloads[999]?.allow[199]?.at.line).toBe(lines.length);
});

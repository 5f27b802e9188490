import fc from 'fast-check';
import { getDomain, getPublicSuffix } from 'tldts';
import { describe, expect, it } from 'vitest';
import { compilePublicSuffixes } from '../../src/detect/public-suffixes.ts';
import { registrableLabel } from '../../src/detect/registrable.ts';
import { Fingerprints } from '../../src/fingerprints.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';

const memory = compilePublicSuffixes();
const suffixes = new Fingerprints(memory.words, memory.count);
const name = new WireName();

function registrable(text: string): string {
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return nameToText(
    name.octets.subarray(0, name.length),
    name.labelAt[registrableLabel(name, suffixes)],
  );
}

describe('registrable domain', () => {
  const rows: [string, string, string][] = [
    ['one label below a plain suffix', 'a.b.example.com', 'example.com'],
    ['the registrable domain itself', 'example.com', 'example.com'],
    ['a suffix of two labels', 'www.example.co.uk', 'example.co.uk'],
    ['a private suffix counts', 'x.tenant.github.io', 'tenant.github.io'],
    ['a public suffix stands for itself', 'co.uk', 'co.uk'],
    ['a wildcard rule', 'a.b.c.ck', 'b.c.ck'],
    ['an exception to a wildcard rule', 'a.www.ck', 'www.ck'],
    ['an unknown top-level domain', 'a.b.corp', 'b.corp'],
    ['a single label', 'localhost', 'localhost'],
    ['a suffix below a name that is none', 'b.s3.amazonaws.com', 'b.s3.amazonaws.com'],
  ];
  it.each(rows)('%s: %s -> %s', (_rule, qname, want) => {
    expect(registrable(qname)).toBe(want);
  });

  it('agrees with tldts on random names under real suffixes', () => {
    const tails = ['com', 'co.uk', 'github.io', 'ck', 'www.ck', 'kawasaki.jp', 'city.kawasaki.jp'];
    tails.push(
      's3.amazonaws.com',
      'compute.amazonaws.com',
      'zz',
      'no-ip.org',
      'blogspot.com',
      'bd',
    );
    tails.push(
      'nom.br',
      'platform.sh',
      'eu.platform.sh',
      'core.windows.net',
      'blob.core.windows.net',
    );
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
    let below = 0;
    fc.assert(
      fc.property(fc.array(label, { maxLength: 4 }), fc.constantFrom(...tails), (labels, tail) => {
        const text = [...labels, tail].join('.');
        const options = { allowPrivateDomains: true, extractHostname: false };
        const want = getDomain(text, options) ?? getPublicSuffix(text, options);
        if (want !== text) below++;
        // tldts gives no domain for a bare suffix: the name stands for itself then.
        expect(registrable(text)).toBe(getDomain(text, options) === null ? text : want);
      }),
      { numRuns: 3000, seed: 20261123 },
    );
    expect(below).toBeGreaterThan(500);
  });
});

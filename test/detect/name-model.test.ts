/** The models that are trained from lists of popular names. */

import { describe, expect, it } from 'vitest';
import { loadNameModel, loadPopular } from '../../src/detect/load-models.ts';
import { contextOf, NAME_MODEL_CELLS, PARTS_OF_BIT } from '../../src/detect/model.ts';
import { Popular, popularTable } from '../../src/detect/popular.ts';
import { SYMBOL_END, SYMBOL_OF, SYMBOLS } from '../../src/detect/symbols.ts';
import { partsOf, train } from '../../src/detect/training/names.ts';
import { domainsOf, fingerprintsOf } from '../../src/detect/training/popular.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

const LIST = `1,www.example.com
2,api.eu.example.com
example.org

3,a.b.c.github.io
`;

function nameOf(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return name;
}

/** The largest sum of 2^-length over a context. */
function kraftOf(lengths: Uint8Array): number {
  let most = 0;
  for (let context = 0; context < lengths.length; context += SYMBOLS) {
    let sum = 0;
    for (let i = 0; i < SYMBOLS; i++) sum += 2 ** -((lengths[context + i] ?? 0) / PARTS_OF_BIT);
    most = Math.max(most, sum);
  }
  return most;
}

describe('the model of ordinary names', () => {
  it('is trained on what stands below registrable domains, each text once', () => {
    expect([...partsOf(LIST)]).toEqual(['www', 'api.eu', 'a.b']);
    expect(partsOf(`${LIST}www.other.net\n`).size).toBe(3);
  });

  it('the same lists give the same lengths, and what was seen is cheaper', () => {
    const lengths = train(partsOf(LIST));
    expect(Buffer.compare(lengths, train(partsOf(LIST)))).toBe(0);
    const start = contextOf(SYMBOL_END, SYMBOL_END);
    const letter = (text: string): number => SYMBOL_OF[text.charCodeAt(0)] ?? 0;
    expect(lengths[start + letter('w')]).toBeLessThan(lengths[start + letter('q')] ?? 0);
  });

  it('is a code that can be decoded, trained on anything and as it is shipped', () => {
    expect(kraftOf(train([]))).toBeLessThanOrEqual(1);
    expect(kraftOf(train(['aaaa', '\xff\xfe', '---']))).toBeLessThanOrEqual(1);
    const shipped = loadNameModel();
    expect(shipped.length).toBe(NAME_MODEL_CELLS);
    expect(kraftOf(shipped)).toBeLessThanOrEqual(1);
  });
});

describe('popular domains', () => {
  it('are the registrable ones of a list, the private section included', () => {
    expect([...domainsOf(LIST)]).toEqual(['example.com', 'example.org', 'c.github.io']);
  });

  it('are found by their fingerprints, names below them and others are not', () => {
    const fingerprints = fingerprintsOf(['example.com', 'example.org', 'example.com']);
    expect(fingerprints.length).toBe(2 * 6);
    const pairs = new Int32Array(4);
    for (let i = 0; i < 2; i++) {
      pairs[i * 2] = fingerprints.readInt32LE(i * 6);
      pairs[i * 2 + 1] = fingerprints.readUInt16LE(i * 6 + 4);
    }
    const popular = new Popular(popularTable(pairs));
    expect(popular.has(nameOf('www.example.com'), 1)).toBe(true);
    expect(popular.has(nameOf('EXAMPLE.org'), 0)).toBe(true);
    expect(popular.has(nameOf('www.example.com'), 0)).toBe(false);
    expect(popular.has(nameOf('example.net'), 0)).toBe(false);
  });

  it('as they are shipped hold what everybody asks for, and nothing made up', () => {
    const popular = new Popular(loadPopular());
    for (const text of ['google.com', 'microsoft.com']) {
      expect(popular.has(nameOf(text), 0), text).toBe(true);
    }
    let hits = 0;
    for (let i = 0; i < 20_000; i++) if (popular.has(nameOf(`x${i}-made-up.test`), 0)) hits++;
    expect(hits).toBe(0);
  });
});

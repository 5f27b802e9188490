import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSpelling } from '../../src/detect/load-models.ts';
import {
  BIT,
  GENERATED_MAX,
  GENERATED_MIN,
  Spelling,
  WORDY_MAX,
  WORDY_MIN,
} from '../../src/detect/spelling.ts';
import { RARE, SPELLING_CELLS, SpellingModel } from '../../src/detect/spelling-model.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

const spelling = new Spelling(new SpellingModel(loadSpelling()));
const name = new WireName();

/** Bits of evidence: for a generator, for words in a row. */
function judged(text: string): { generated: number; wordy: number; rarity: number } {
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  spelling.judge(name, 0);
  const { generated, wordy, suffixRarity } = spelling;
  return { generated: generated / BIT, wordy: wordy / BIT, rarity: suffixRarity };
}

describe('spelling', () => {
  const generated: [string, string][] = [
    ['letters at random', 'xkqvwzhtrpl.com'],
    ['letters and digits at random', 'k7xq2w9vz4tb1.net'],
    ['hexadecimal digits', '4f9a02c7be31d85a.com'],
    ['consonants and vowels by turns', 'wuvoxifeqyzaji.info'],
    ['a suffix nobody has seen', 'xkqvwzhtrpl.bazar'],
    ['the longest label', `${'qxzvkjwh'.repeat(7)}.com`],
  ];
  it.each(generated)('%s look generated: %s', (_what, text) => {
    expect(judged(text).generated).toBeGreaterThan(6);
  });

  const chosen: [string, string][] = [
    ['a word', 'garden.com'],
    ['two words', 'gardenworld.com'],
    ['an abbreviation', 'bmw.de'],
    ['words of another language', 'schuhhaus.de'],
    ['a name with a number', 'shop24.pl'],
    ['hyphens', 'my-garden-shop.co.uk'],
    ['a label that machines give out for money', 'd3k7xq2w9vz4tb.cloudfront.net'],
    ['two letters', 'vk.com'],
  ];
  it.each(chosen)('%s does not: %s', (_what, text) => {
    expect(judged(text).generated).toBeLessThan(2);
  });

  it('two common words say more for a dictionary than a brand does', () => {
    for (const phrase of ['gentlewindow.net', 'brokenengine.net', 'king-risk-truth.com']) {
      expect(judged(phrase).wordy).toBeGreaterThan(1);
    }
    for (const brand of ['pixelhaus.net', 'xkqvwzhtrpl.net', 'shop24.net']) {
      expect(judged(brand).wordy).toBeLessThan(0);
    }
  });

  it('rarer suffixes cost more, and unknown ones most', () => {
    const [com, net, unknown] = ['a.com', 'a.net', 'a.bazar'].map((text) => judged(text).rarity);
    expect(com).toBeLessThan(net ?? 0);
    expect(net).toBeLessThan(unknown ?? 0);
    expect(unknown).toBe(RARE);
  });

  it('any wire name is judged within the bounds', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
    let odd = 0;
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 3 }), fc.nat(), (labels, pick) => {
        const wire = Uint8Array.from([...labels.flatMap((l) => [l.length, ...l]), 0]);
        if (readName(wire, 0, wire.length, name) === -1) return;
        spelling.judge(name, pick % name.labelCount);
        expect(spelling.generated).toBeGreaterThanOrEqual(GENERATED_MIN);
        expect(spelling.generated).toBeLessThanOrEqual(GENERATED_MAX);
        expect(spelling.wordy).toBeGreaterThanOrEqual(WORDY_MIN);
        expect(spelling.wordy).toBeLessThanOrEqual(WORDY_MAX);
        odd++;
      }),
      { seed: 4, numRuns: 3000 },
    );
    expect(odd).toBeGreaterThan(1000);
  });

  it('the weights are small, and in shared memory', () => {
    expect(SPELLING_CELLS).toBeLessThan(150_000);
    expect(loadSpelling().buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});

import fc from 'fast-check';
import { expect, describe as group, it } from 'vitest';
import { detectorOf } from '../../src/detect/detectors.ts';
import { describe } from '../../src/detect/wording.ts';
import { duration } from '../../src/detect/wording-text.ts';
import {
  FINDING_BURST,
  FINDING_DOWNLOAD,
  FINDING_REPUTATION,
  FINDING_SPREAD,
  FINDING_TENANT,
  FINDING_TUNNEL,
} from '../../src/events/kinds.ts';

const TXT = 16;
const BASE32 = 2;

group('the words of a finding', () => {
  const rows: {
    name: string;
    type: number;
    score: [number, number];
    parts: number[];
    want: string;
  }[] = [
    {
      name: 'of a tunnel count names, bytes and time',
      type: FINDING_TUNNEL,
      score: [187, 160],
      parts: [31, 240],
      want: '31 new names carry 187 bytes in 4 min: 187 of 160',
    },
    {
      name: 'of one name are in the singular',
      type: FINDING_TUNNEL,
      score: [1, 160],
      parts: [1, 0],
      want: '1 new name carries 1 byte in 0 s: 1 of 160',
    },
    {
      name: 'of a spread count domains',
      type: FINDING_SPREAD,
      score: [569, 512],
      parts: [20, 7200],
      want: 'names under 20 domains carry 569 bytes beyond what is usual in 2 h: 569 of 512',
    },
    {
      name: 'of tenants count their names',
      type: FINDING_TENANT,
      score: [1025, 1024],
      parts: [64, 172_800],
      want: '64 tenant names under public suffixes carry 1025 bytes in 2 d: 1025 of 1024',
    },
    {
      name: 'of a download count answers',
      type: FINDING_DOWNLOAD,
      score: [2100, 2048],
      parts: [9, 90, TXT],
      want: '9 new answers bring 2100 bytes in 90 s: 2100 of 2048',
    },
    {
      name: 'of a burst say how many, and that one of them was found',
      type: FINDING_BURST,
      score: [12, 12],
      parts: [14, 60, 1],
      want: '14 domains that do not exist in 60 s, made of words in a row, and this one exists: 12 of 12',
    },
    {
      name: 'of a low score say what is demanded',
      type: FINDING_REPUTATION,
      score: [12, 30],
      parts: [],
      want: 'the reputation of the name: 12, and 30 is demanded',
    },
    {
      name: 'of a type that nobody knows still have the score',
      type: 200,
      score: [5, 4],
      parts: [0, 7],
      want: 'detector-200: 5 of 4',
    },
  ];
  for (const { name, type, score, parts, want } of rows) {
    it(name, () => expect(describe(type, ...score, parts).summary).toBe(want));
  }

  it('of a tunnel name every reason that there is, with its value', () => {
    const { parts } = describe(FINDING_TUNNEL, 187, 160, [
      31,
      240,
      35,
      96,
      TXT,
      63,
      385,
      BASE32,
      1,
      4021,
    ]);
    expect(parts.map(({ name, value }) => [name, value])).toEqual([
      ['new_names', 31],
      ['seconds', 240],
      ['queries', 35],
      ['odd_percent', 96],
      ['odd_type', 'TXT'],
      ['longest', 63],
      ['entropy', 3.85],
      ['look', 'base32'],
      ['answer_octets', 4021],
      ['popular', 1],
    ]);
    expect(parts.map(({ text }) => text)).toEqual([
      '31 new names',
      'in 4 min',
      '35 queries went upstream',
      '96 % of them for TXT or another type that carries data',
      'the last of these for TXT',
      'the longest has 63 octets below the domain',
      'the last name has 3.85 bit a character',
      'the last name looks base32-encoded',
      'answers brought 4021 bytes of data',
      'the domain is popular, which raised the threshold',
    ]);
  });

  it('leave out what was not given', () => {
    const { parts } = describe(FINDING_TUNNEL, 187, 160, [31, 240]);
    expect(parts.map(({ name }) => name)).toEqual(['new_names', 'seconds']);
  });

  it('are there for any type and numbers, however far out of range', () => {
    const number = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 2 ** 32, Number.MAX_VALUE),
    );
    let worded = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: -1, max: 255 }),
        number,
        number,
        fc.array(number, { maxLength: 40 }),
        (type, score, threshold, parts) => {
          const said = describe(type, score, threshold, parts);
          expect(said.summary).toMatch(/: \d\S* of \d|: \d\S*, and \d\S* is demanded/);
          for (const { name, text, value } of said.parts) {
            expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
            expect(text).toMatch(/^[\x20-\x7e]+$/);
            expect(typeof value === 'string' || value >= 0).toBe(true);
            expect(text).not.toMatch(/NaN|Infinity|undefined|-\d/);
          }
          if (!detectorOf(type).name.startsWith('detector')) worded += 1;
        },
      ),
      { numRuns: 3000, seed: 5 },
    );
    expect(worded).toBeGreaterThan(50);
  });
});

group('a length of time', () => {
  for (const [seconds, want] of [
    [0, '0 s'],
    [119, '119 s'],
    [120, '2 min'],
    [7199, '120 min'],
    [7200, '2 h'],
    [172_799, '48 h'],
    [172_800, '2 d'],
  ] as const) {
    it(`of ${seconds} s is ${want}`, () => expect(duration(seconds)).toBe(want));
  }
});

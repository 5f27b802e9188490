import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSharedSuffix } from '../../src/config/pattern.ts';
import { collapse, takesWildcard } from '../../src/learn/collapse.ts';
import { isMachineMade } from '../../src/learn/labels.ts';
import { DAY, seen } from './support/seen.ts';

const SPAN = 14 * DAY;

function patterns(names: readonly Parameters<typeof seen>[]): string[] {
  return collapse(
    names.map((each) => seen(...each)),
    SPAN,
  ).patterns.map(({ pattern }) => pattern);
}

const D = 'example.com';
const IDS = ['3f9ab2c4d1', 'a0b1c2d3e4', '9e8d7c6b5a', '77aa88bb99'];

describe('collapse', () => {
  const rows: { name: string; names: Parameters<typeof seen>[]; want: string[] }[] = [
    {
      name: 'lists names that people made one by one',
      names: [
        ['api.example.com', D],
        ['example.com', D],
        ['www.example.com', D],
      ],
      want: ['example.com', 'api.example.com', 'www.example.com'],
    },
    {
      name: 'puts one wildcard where labels rotate, at their parent and not above',
      names: [
        ['api.example.com', D],
        ...IDS.map((id): Parameters<typeof seen> => [`${id}.cdn.example.com`, D]),
      ],
      want: ['api.example.com', '*.cdn.example.com'],
    },
    {
      name: 'includes the parent where it was asked for too',
      names: [
        ['cdn.example.com', D],
        ...IDS.map((id): Parameters<typeof seen> => [`${id}.cdn.example.com`, D]),
      ],
      want: ['.cdn.example.com'],
    },
    {
      name: 'lists machine-made labels that stay',
      names: IDS.map((id) => [`${id}.example.com`, D, { days: [0, 13], queries: 900 }]),
      want: IDS.map((id) => `${id}.example.com`),
    },
    {
      name: 'takes counters that come and go for one kind',
      names: [1, 2, 3, 4].map((i) => [`job-${i}.run.example.com`, D]),
      want: ['*.run.example.com'],
    },
    {
      name: 'puts no wildcard on a suffix under which strangers get names',
      names: IDS.map((id) => [`${id}.github.io`, `${id}.github.io`]),
      want: IDS.map((id) => `${id}.github.io`).toSorted(),
    },
    {
      name: 'puts a wildcard below what one holder has on such a suffix',
      names: IDS.map((id) => [`${id}.acme.github.io`, 'acme.github.io']),
      want: ['*.acme.github.io'],
    },
    {
      name: 'opens a domain of which names are not known',
      names: [
        ['api.example.com', D],
        [D, D, { kind: 'domain' }],
      ],
      want: ['.example.com'],
    },
    {
      name: 'says what no pattern can say by a wildcard above',
      names: [
        ['a b.x.example.com', D],
        ['api.example.com', D],
      ],
      want: ['api.example.com', '*.x.example.com'],
    },
    {
      name: 'lists many names that were all known early',
      names: Array.from({ length: 40 }, (_, i) => [`${word(i)}.example.com`, D, { days: [0, 9] }]),
      want: Array.from({ length: 40 }, (_, i) => `${word(i)}.example.com`),
    },
    {
      name: 'puts a wildcard over many names of which new ones keep coming',
      names: Array.from({ length: 40 }, (_, i) => [
        `${word(i)}.example.com`,
        D,
        { days: [i / 3, 13.4] },
      ]),
      want: ['*.example.com'],
    },
  ];
  for (const { name, names, want } of rows) {
    it(name, () => expect(patterns(names).toSorted()).toEqual(want.toSorted()));
  }

  it('gives back what no pattern can say', () => {
    const names = [
      seen('.', '.'),
      seen('a b.com', 'a b.com'),
      seen('io', 'io', { kind: 'domain' }),
    ];
    const { patterns: none, unwritable } = collapse(names, SPAN);
    expect(none).toEqual([]);
    expect(unwritable.map(({ name }) => name).toSorted()).toEqual(['.', 'a b.com', 'io']);
  });

  it('never puts a wildcard on a public suffix, a bare top-level domain or an open reverse zone', () => {
    for (const name of ['com', 'corp', 'github.io', 'co.uk', '8.in-addr.arpa', 'ip6.arpa']) {
      expect(takesWildcard(name), name).toBe(false);
    }
    for (const name of ['example.com', '3.2.1.in-addr.arpa', '10.in-addr.arpa']) {
      expect(takesWildcard(name), name).toBe(true);
    }
  });

  it('loses no name, and puts no wildcard on a shared suffix, whatever was seen', () => {
    const label = fc.oneof(
      fc.constantFrom('www', 'api', 'a1b2c3d4e5', 'job-17', 'x y', '_dmarc', 'ünï', '0', '\\.'),
      fc.stringMatching(/^[a-z0-9]{1,12}$/),
    );
    const domain = fc.constantFrom('example.com', 'acme.github.io', 'github.io', '8.in-addr.arpa');
    const name = fc.tuple(fc.array(label, { maxLength: 4 }), domain);
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60 }), (list) => {
        const names = new Map(
          list.map(([labels, base]) => {
            const text = [...labels, base]
              .join('.')
              .replaceAll(' ', '\\032')
              .replaceAll(/[ïü]/g, '\\252');
            return [text, seen(text, base)];
          }),
        );
        const { patterns: found, unwritable } = collapse(names.values(), SPAN);
        const said = [...found.flatMap((one) => one.seen), ...unwritable].map((one) => one.name);
        expect(said.toSorted()).toEqual([...names.keys()].toSorted());
        for (const { pattern } of found) {
          if (/^\*?\./.test(pattern))
            expect(isSharedSuffix(pattern.replace(/^\*?\./, ''))).toBe(false);
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('machine-made labels', () => {
  const made = [
    '3f9ab2c4d1',
    'd111111abcdef8',
    'ip-10-20-1-115',
    'x7k2m9q4',
    'qzxkvbnmtr',
    '20261126',
  ];
  const typed = [
    'www',
    'api',
    's3-eu-west-1',
    'k8s',
    'i18n',
    'strengths',
    'static2',
    'payments',
    'facade',
    'deadbeef',
  ];
  it('are told from those that people type', () => {
    expect(made.filter((label) => !isMachineMade(label))).toEqual([]);
    expect(typed.filter(isMachineMade)).toEqual([]);
  });
});

/** Letters only, and no two alike. */
function word(i: number): string {
  return `shop${String.fromCharCode(97 + Math.floor(i / 26))}${String.fromCharCode(97 + (i % 26))}`;
}

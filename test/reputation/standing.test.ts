/** The score: what takes points, how many, and what does not. */

import { describe, expect, it } from 'vitest';
import { compilePublicSuffixes } from '../../src/detect/public-suffixes.ts';
import { scoreOf } from '../../src/detect/reputation-score.ts';
import { Fingerprints, FingerprintsBuilder } from '../../src/fingerprints.ts';
import { Standing } from '../../src/reputation/standing.ts';
import {
  parseImitatedNames,
  parseRiskyTlds,
  readImitatedNames,
  readRiskyTlds,
} from '../../src/reputation/standing-lists.ts';
import { Tables } from '../../src/tables.ts';
import { compileFiles } from '../support/replay-valve.ts';
import { wireName } from './support.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] }, inside: { servers: [192.0.2.54] } }
forward: { corp.example.com: inside }
feeds:
  nrd: { source: [fresh.example, worst.example], category: newly-registered, action: alert }
  bad: { source: [worst.example], category: phishing, action: alert }
  odd: { source: [odd.example], category: of-our-own, action: alert }
  mine: { source: [priced.example], category: priced, action: alert }
  tlds: { source: [top], category: risky-tld, action: alert }
detect: { reputation: { own_names: [northwind.example, northwind-group.example], categories: { priced: 7 } } }
workloads:
  w: { sources: [10.0.0.0/8], mode: open }
`;

const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
const { standing } = snapshot.memory;
const known = new FingerprintsBuilder(8);
for (const domain of ['old.example', 'paypal.com']) {
  const { low, high } = wireName(domain);
  known.set(low[0] ?? 0, high[0] ?? 0, 1);
}
const memory = {
  ...snapshot.memory,
  standing: { ...standing, known: { domains: known.finish(), days: 7 } },
};
const youngTables = new Tables(snapshot.memory);
const tables = new Tables(memory);

function parts(name: string, from = youngTables): string {
  const wire = wireName(name);
  const feed = from.reputation.listing(wire) === 0 ? 0 : 1;
  const said = scoreOf(from.standing, wire, feed, 1);
  const list = said.parts.map((part) => `${part.name} ${part.value}`).join(', ');
  expect(said.score).toBe(Math.max(0, 100 - said.parts.reduce((sum, { value }) => sum + value, 0)));
  return list;
}

describe('a score', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['nothing is held against an ordinary name', 'www.ordinary.example', ''],
    ['a risky top-level domain', 'shop.ordinary.top', 'tld 20'],
    ['a feed that alerts, by its category', 'fresh.example', 'feed 30'],
    ['two feeds add up', 'worst.example', 'feed 30, feed 70'],
    ['a category of one’s own counts as any', 'odd.example', 'feed 30'],
    ['a category has the points that the configuration gives it', 'priced.example', 'feed 7'],
    ['a feed of risky top-level domains does not count what counts already', 'x.top', 'tld 20'],
    ['a well-known name in letters of another script', 'xn--pypal-4ve.com', 'homograph 55'],
    ['a well-known name with digits', 'www.paypa1.com', 'glyphs 45'],
    ['one of our own costs more', 'www.northvvind.com', 'glyphs 60'],
    ['a mistake in a well-known name costs little', 'paypall.com', 'typo 20'],
    ['a mistake in our own costs more', 'nortwind.com', 'typo 50'],
    ['a word of log-in pages beside a name', 'paypal-login.com', 'bait 45'],
    ['a name as a part', 'my-paypal-shop.com', 'name-part 20'],
    ['a domain of ours may hold our own name', 'www.northwind-group.example', ''],
    ['the real one', 'login.paypal.com', ''],
    ['a further domain of its owner', 'www.paypalobjects.com', ''],
    ['the very label under an ordinary suffix is nothing', 'paypal.de', ''],
    ['the very label under a risky one', 'paypal.top', 'tld 20, other-suffix 25'],
    ['a whole domain below a stranger’s', 'paypal.com.stranger.example', 'domain-below 40'],
    ['the same before a hyphen', 'paypal.com-secure.example', 'domain-below 40'],
    ['the same with digits for letters', 'paypa1.com.stranger.example', 'domain-below 40'],
    ['a domain of two labels below the top', 'itau.com.br.stranger.example', 'domain-below 40'],
    ['half of it is a label only', 'itau.com.stranger.example', ''],
    ['a label below a stranger’s domain', 'paypal.stranger.example', 'name-below 10'],
    ['a short label below is a word like any', 'apple.stranger.example', ''],
    ['a content network has whole domains below its own', 'www.apple.com.edgekey.net', ''],
    ['also where it is a public suffix', 'www.apple.com.akadns.net', ''],
    ['internal names are not scored', 'paypal.com.corp.example.com', ''],
    ['reverse zones are not scored', '1.2.0.192.in-addr.arpa', ''],
    ['a single label is not scored', 'paypa1', ''],
  ];
  for (const [name, asked, want] of rows) it(name, () => expect(parts(asked)).toBe(want));

  it('counts a domain as new when nobody asked for it before the last days', () => {
    expect(parts('www.never.example', tables)).toBe('newly-observed 15');
    expect(parts('www.old.example', tables)).toBe('');
  });

  it('is never below 0, and says no more than it has room for', () => {
    const { standing: many } = youngTables;
    many.judge(wireName('x.example'), 0);
    for (let i = 0; i < 20; i++) many.accuse(1, 30, 0);
    expect(many.score).toBe(0);
    expect(many.partCount).toBe(8);
  });

  it('is the same when it is remembered, and after a hundred thousand others', () => {
    const before = parts('www.paypa1.top');
    expect(parts('mail.paypa1.top')).toBe(before);
    for (let i = 0; i < 100_000; i++) youngTables.standing.judge(wireName(`n${i}.example`), 0);
    expect(parts('www.paypa1.top')).toBe(before);
  });

  it('does without well-known names where they are not wanted', () => {
    const bare = compileFiles(
      { 'main.yaml': 'detect: { reputation: { well_known: false } }\nworkloads: {}\n' },
      1,
    );
    return bare.then((other) => {
      expect(parts('paypa1.com', new Tables(other.memory))).toBe('');
    });
  });
});

describe('its lists', () => {
  it('have points for every top-level domain that is listed', () => {
    const points = [...readRiskyTlds().values()];
    expect(points.length).toBeGreaterThan(70);
    expect(points.every((value) => value > 0 && value <= 20)).toBe(true);
    expect(parseRiskyTlds('aa\n# points: 9\nbb\n# a note\ncc\n')).toEqual(
      new Map([
        ['bb', 9],
        ['cc', 9],
      ]),
    );
  });

  it('hold domains in normal form, none twice', () => {
    const { names, honest, words } = readImitatedNames();
    expect(names.length).toBeGreaterThan(140);
    for (const name of [...names, ...honest]) expect(name).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    for (const word of words) expect(word).toMatch(/^[a-z]+$/);
    expect(new Set(names).size).toBe(names.length);
  });

  it('hold no name that is like another and not its owner’s', () => {
    const suffixes = compilePublicSuffixes();
    const strict = new Standing(standing, {
      suffixes: new Fingerprints(suffixes.words, suffixes.count),
      routes: youngTables.routes,
      reputation: youngTables.reputation,
    });
    const { names } = readImitatedNames();
    const low = names.filter((name) => strict.judge(wireName(name), 0) < 100);
    expect(low).toEqual([]);
  });

  it('refuse a line that is none of theirs', () => {
    expect(() => parseImitatedNames('name a.example\nnaem b.example\n')).toThrow(/line 2/);
  });
});

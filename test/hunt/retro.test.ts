/** Retro-hunt: what feeds gained against the history, and what is told of it. */

import Database from 'better-sqlite3';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fromRetro } from '../../src/alerts/retro.ts';
import type { Feed } from '../../src/config/types.ts';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { HistoryQueries } from '../../src/history/queries.ts';
import { Gained } from '../../src/hunt/gained.ts';
import { WALK_FROM } from '../../src/hunt/hunt.ts';
import { type RetroFound, retroHunt } from '../../src/hunt/retro.ts';
import { setHashKey } from '../../src/wire/hash.ts';
import { fixture } from '../history/support/fixture.ts';
import { NOON } from '../history/support/records.ts';
import { build, type FeedText, feedOf } from '../reputation/support.ts';

const HOUR = 3_600_000;
const FILLER = Array.from({ length: WALK_FROM }, (_, i) => `n${i}.filler.test`).join('\n');
const NONE: FeedText = { name: 'none', text: 'nobody.asked.test' };

beforeAll(() => setHashKey(7, 9));

function past() {
  const test = fixture();
  test.put([
    { name: 'www.example.com', allowed: 4 },
    { kind: KIND_NAME, name: 'www.example.com', allowed: 4 },
    { kind: KIND_NAME, name: 'cdn.example.com', allowed: 1, firstMs: NOON + 1 },
    { name: 'evil.test', denied: 2, workload: 2, firstMs: NOON + HOUR, lastMs: NOON + HOUR },
    { name: 'a.b.sole.org', allowed: 1, workload: 3, firstMs: NOON + 2 * HOUR },
  ]);
  test.recording.close();
  const db = new Database(test.path, { readonly: true });
  onTestFinished(() => void db.close());
  return { db, queries: new HistoryQueries(db) };
}

function found(before: readonly FeedText[], after: readonly FeedText[], most?: number) {
  const texts = new Map<Feed, string>(after.map((given) => [feedOf(given), given.text]));
  const lists = {
    before: build(before).memory,
    after: build(after).memory,
    feeds: [...texts.keys()],
    read: async (feed: Feed) => new TextEncoder().encode(texts.get(feed)),
  };
  return retroHunt(past(), lists, most);
}

const said = ({ hits }: RetroFound) =>
  hits.map(({ workload, name, indicator, feed }) => `${workload} ${name} < ${indicator} ${feed}`);

interface Row {
  readonly rule: string;
  readonly before: readonly FeedText[];
  readonly after: readonly FeedText[];
  readonly want: readonly string[];
}

const evil: FeedText = { name: 'a', text: 'evil.test' };
const ROWS: readonly Row[] = [
  {
    rule: 'a gained name that was asked for',
    before: [],
    after: [evil],
    want: ['web evil.test < evil.test a'],
  },
  { rule: 'a list that did not change gains nothing', before: [evil], after: [evil], want: [] },
  { rule: 'a name that left gains nothing', before: [evil, NONE], after: [NONE], want: [] },
  {
    rule: 'a name that another feed listed before',
    before: [evil],
    after: [NONE, { name: 'b', text: 'evil.test' }],
    want: [],
  },
  {
    rule: 'a feed that moved to another place in the configuration',
    before: [evil, NONE],
    after: [NONE, evil],
    want: [],
  },
  {
    rule: 'two feeds that gain a name: the first tells',
    before: [],
    after: [evil, { ...evil, name: 'b' }],
    want: ['web evil.test < evil.test a'],
  },
  {
    rule: 'a name below a domain',
    before: [],
    after: [{ name: 'a', text: 'cdn.example.com' }],
    want: ['pay cdn.example.com < cdn.example.com a'],
  },
  {
    rule: 'a name that a longer list already covered',
    before: [{ name: 'a', text: '*.example.com' }],
    after: [{ name: 'a', text: '*.example.com\ncdn.example.com' }],
    want: [],
  },
  { rule: 'an entry that nobody asked for', before: [], after: [NONE], want: [] },
  {
    rule: 'an exception of the list',
    before: [],
    after: [{ name: 'a', format: 'adblock', text: '||evil.test^\n@@||evil.test^' }],
    want: [],
  },
  {
    rule: 'a domain that an exception keeps out of an entry above it',
    before: [],
    after: [{ name: 'a', format: 'adblock', text: '||org^\n@@||sole.org^' }],
    want: [],
  },
  {
    rule: 'so many gained that the history is walked',
    before: [NONE],
    after: [NONE, { name: 'a', text: `${FILLER}\nevil.test\ncdn.example.com` }],
    want: ['web evil.test < evil.test a', 'pay cdn.example.com < cdn.example.com a'],
  },
  {
    rule: 'an entry above a domain, among many',
    before: [],
    after: [{ name: 'a', text: `${FILLER}\n*.org` }],
    want: ['batch sole.org < org a'],
  },
];

describe('a retro-hunt finds', () => {
  it.each(ROWS)('$rule', async ({ before, after, want }) => {
    expect(said(await found(before, after))).toEqual(want);
  });
});

describe('what is gained, without reading a list', () => {
  const text = (name: string, lines: string): FeedText => ({ name, text: lines });
  it.each([
    ['nothing of equal lists', [evil], [evil], []],
    [
      'nothing of a list that lost a name',
      [text('a', 'x.test\ny.test')],
      [text('a', 'x.test')],
      [],
    ],
    [
      'each new entry, by feed',
      [NONE],
      [NONE, text('b', 'x.test\ny.test'), evil],
      [
        [2, 2],
        [3, 1],
      ],
    ],
    [
      'an entry that speaks about more than before',
      [text('a', '*.x.test')],
      [text('a', 'x.test')],
      [[1, 1]],
    ],
    ['no exception', [], [{ ...evil, format: 'adblock' as const, text: '@@||x.test^' }], []],
  ])('%s', (_rule, before, after, want) => {
    const gained = new Gained(build(before).memory, build(after).memory);
    expect([...gained.count()].sort()).toEqual(want);
  });
});

describe('the bound of alerts', () => {
  const all = { name: 'a', text: 'evil.test\nexample.com\nsole.org' };
  it('keeps what was seen last, and counts the rest', async () => {
    const { hits, more } = await found([], [all], 1);
    expect([hits.map(({ name }) => name), [...more]]).toEqual([['sole.org'], [['a', 2]]]);
  });

  it('tells the rest in one alert about the feed', async () => {
    const describe = () => ({ owner: 'team-x', env: 'prod' });
    const alerts = fromRetro(await found([], [all], 1), describe, NOON + 3 * HOUR);
    expect(alerts).toMatchObject([
      {
        type: 'retro-hit',
        technique: 'T1071.004',
        time: new Date(NOON + 3 * HOUR).toISOString(),
        workload: 'batch',
        owner: 'team-x',
        registrable_domain: 'sole.org',
        verdict: 'allowed',
        subject: 'a',
        rule: 'feed a (category malware)',
        first_seen: new Date(NOON + 2 * HOUR).toISOString(),
      },
      { type: 'retro-hit', workload: null, subject: 'a', count: 2, qname: null },
    ]);
    expect(alerts[1]?.reason).toMatch(/^2 more pairs /);
  });
});

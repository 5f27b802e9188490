/** What the feeds say about a name: rows, and agreement with a model made of strings. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG_BYPASS, FLAG_REPUTATION } from '../../src/events/kinds.ts';
import { Decision } from '../../src/policy/decision.ts';
import { Rules } from '../../src/policy/rules.ts';
import { buildReputation, feedTable } from '../../src/reputation/compile.ts';
import {
  ACTION_DATA,
  ACTION_DROP,
  ACTION_NODATA,
  ACTION_WORKLOAD,
  FEEDS_MAX,
} from '../../src/reputation/memory.ts';
import { Reputation, VET_ALERT, VET_DENY, VET_NOTHING } from '../../src/reputation/vet.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { build, type FeedText, feedOf, reputationOf, vet, wireName } from './support.ts';

const deny = (text: string): FeedText => ({ text });
const alert = (text: string): FeedText => ({ text, action: 'alert' });
const adblock = (text: string): FeedText => ({ text, format: 'adblock' });
const hosts = (text: string): FeedText => ({ text, format: 'hosts' });
const rpz = (text: string): FeedText => ({ text, format: 'rpz' });

interface Row {
  readonly name: string;
  readonly feeds: readonly FeedText[];
  readonly ask: string;
  readonly want: number;
  readonly feed?: number;
  readonly label?: number;
}

const ROWS: readonly Row[] = [
  { name: 'the listed name', feeds: [deny('bad.test')], ask: 'bad.test', want: VET_DENY, label: 0 },
  {
    name: 'a name below',
    feeds: [deny('bad.test')],
    ask: 'a.b.bad.test',
    want: VET_DENY,
    label: 2,
  },
  { name: 'capitals', feeds: [deny('bad.test')], ask: 'A.BAD.test', want: VET_DENY, label: 1 },
  { name: 'not a name that ends alike', feeds: [deny('bad.test')], ask: 'notbad.test', want: 0 },
  { name: 'not the name above', feeds: [deny('bad.test')], ask: 'test', want: VET_NOTHING },
  { name: 'not the root', feeds: [deny('bad.test')], ask: '.', want: VET_NOTHING },
  {
    name: 'a dot in a label is no boundary',
    feeds: [deny('bad.test')],
    ask: 'a\\.bad.test',
    want: 0,
  },
  { name: 'a dot in a label is no name', feeds: [deny('bad.test')], ask: 'bad\\.test', want: 0 },
  {
    name: 'a whole top-level domain',
    feeds: [deny('zip')],
    ask: 'a.zip',
    want: VET_DENY,
    label: 1,
  },
  {
    name: 'below only: a name below',
    feeds: [deny('*.bad.test')],
    ask: 'a.bad.test',
    want: VET_DENY,
    label: 1,
  },
  {
    name: 'below only: not the name',
    feeds: [deny('*.bad.test')],
    ask: 'bad.test',
    want: VET_NOTHING,
  },
  { name: 'hosts: the name', feeds: [hosts('0.0.0.0 bad.test')], ask: 'bad.test', want: VET_DENY },
  { name: 'hosts: nothing below', feeds: [hosts('0.0.0.0 bad.test')], ask: 'a.bad.test', want: 0 },
  {
    name: 'the longest entry names the match',
    feeds: [deny('test\na.test')],
    ask: 'b.a.test',
    want: VET_DENY,
    label: 1,
  },
  {
    name: 'allow exempts from a shorter entry',
    feeds: [adblock('||test^\n@@||ok.test^')],
    ask: 'a.ok.test',
    want: 0,
  },
  {
    name: 'a longer entry wins over allow',
    feeds: [adblock('||bad.ok.test^\n@@||ok.test^')],
    ask: 'bad.ok.test',
    want: VET_DENY,
    label: 0,
  },
  {
    name: 'allow wins on equal length',
    feeds: [adblock('||a.test^\n@@||a.test^')],
    ask: 'a.test',
    want: 0,
  },
  {
    name: 'allow wins in either order',
    feeds: [adblock('@@||a.test^\n||a.test^')],
    ask: 'a.test',
    want: 0,
  },
  {
    name: 'allow speaks for its own feed only',
    feeds: [adblock('@@||a.test^'), deny('a.test')],
    ask: 'a.test',
    want: VET_DENY,
    feed: 2,
  },
  {
    name: 'passthru of a name leaves the names below',
    feeds: [rpz('*.test CNAME .\na.test CNAME rpz-passthru.')],
    ask: 'b.a.test',
    want: VET_DENY,
    label: 2,
  },
  {
    name: 'alert feeds only alert',
    feeds: [alert('bad.test')],
    ask: 'bad.test',
    want: VET_ALERT,
    feed: 1,
  },
  {
    name: 'deny wins over alert before it',
    feeds: [alert('bad.test'), deny('bad.test')],
    ask: 'bad.test',
    want: VET_DENY,
    feed: 2,
  },
  {
    name: 'deny wins over a longer alert',
    feeds: [alert('a.bad.test'), deny('bad.test')],
    ask: 'a.bad.test',
    want: VET_DENY,
    feed: 2,
    label: 1,
  },
  {
    name: 'the first denying feed is named',
    feeds: [deny('bad.test'), deny('a.bad.test')],
    ask: 'a.bad.test',
    want: VET_DENY,
    feed: 1,
    label: 1,
  },
  {
    name: 'the first alerting feed is named',
    feeds: [alert('bad.test'), alert('a.bad.test')],
    ask: 'a.bad.test',
    want: VET_ALERT,
    feed: 1,
    label: 1,
  },
  { name: 'no feeds', feeds: [], ask: 'bad.test', want: VET_NOTHING },
  { name: 'an empty feed', feeds: [deny('')], ask: 'bad.test', want: VET_NOTHING },
];

describe('vet', () => {
  for (const { name, feeds, ask, want, feed, label } of ROWS) {
    it(name, () => {
      const got = vet(reputationOf(feeds), ask);
      expect(got.result).toBe(want);
      if (feed !== undefined) expect(got.feed).toBe(feed);
      if (label !== undefined) expect(got.label).toBe(label);
      expect(got.flags).toBe(want === VET_NOTHING ? 0 : FLAG_REPUTATION);
    });
  }

  it('sets the rule of the feed that denies, and none for an alert', () => {
    const rules = new Rules();
    const feeds = [
      { text: 'a.test', name: 'new', category: 'newly-registered', action: 'alert' },
      { text: 'b.test', name: 'bad', category: 'malware' },
    ] as const;
    const reputation = new Reputation(build(feeds, rules).memory);
    expect(rules.text(vet(reputation, 'b.test').rule)).toBe('feed bad (category malware)');
    expect(vet(reputation, 'a.test').rule).toBe(0);
  });

  it('sets the bypass flag when any feed that matches is of that category', () => {
    const bypass: FeedText = { text: 'doh.test', category: 'resolver-bypass', action: 'alert' };
    const reputation = reputationOf([deny('doh.test\nbad.test'), bypass]);
    expect(vet(reputation, 'doh.test').flags).toBe(FLAG_REPUTATION | FLAG_BYPASS);
    expect(vet(reputation, 'bad.test').flags).toBe(FLAG_REPUTATION);
  });

  it('leaves the decision alone when nothing matches', () => {
    const decision = new Decision();
    Object.assign(decision, { rule: 9, feed: 3, matchedLabel: 2, flags: 16 });
    const name = new WireName();
    readName(Uint8Array.of(1, 97, 0), 0, 3, name);
    expect(reputationOf([deny('bad.test')]).vet(name, decision)).toBe(VET_NOTHING);
    expect(decision).toMatchObject({ rule: 9, feed: 3, matchedLabel: 2, flags: 16 });
  });

  it('adds to the flags that are there', () => {
    const decision = new Decision();
    decision.flags = 16;
    reputationOf([deny('bad.test')]).vet(wireName('bad.test'), decision);
    expect(decision.flags).toBe(16 | FLAG_REPUTATION);
  });

  it('takes new rules, actions and categories without compiling again', () => {
    const { memory } = build([deny('bad.test')]);
    const feeds = feedTable([{ ...feedOf(alert('')), category: 'resolver-bypass' }], new Rules());
    const got = vet(new Reputation({ ...memory, feeds }), 'bad.test');
    expect(got).toMatchObject({ result: VET_ALERT, flags: FLAG_REPUTATION | FLAG_BYPASS });
  });

  it('takes under 16 octets a name, also when feeds repeat each other', () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `n${i}.test`).join('\n');
    const { memory } = build([deny(text), alert(text), deny(text)]);
    expect(memory.table.count).toBe(10_000);
    const octets =
      memory.table.words.byteLength + memory.filter.byteLength + memory.statements.byteLength;
    expect(octets).toBeLessThan(160_000);
  });

  it('holds 255 feeds that overlap, and refuses more', () => {
    const feeds = Array.from({ length: FEEDS_MAX }, () => alert('bad.test'));
    feeds[FEEDS_MAX - 1] = deny('bad.test');
    expect(vet(reputationOf(feeds), 'bad.test')).toMatchObject({
      result: VET_DENY,
      feed: FEEDS_MAX,
    });
    expect(() => build([...feeds, deny('')])).toThrow('256 feeds; at most 255');
  });
});

describe('actions of response policy zones', () => {
  const reputation = reputationOf([
    rpz(
      [
        'nx.test CNAME .',
        'nodata.test CNAME *.',
        'drop.test CNAME rpz-drop.',
        'garden.test CNAME g.example.',
        'both.test A 192.0.2.1',
        'both.test A 192.0.2.2',
        'both.test AAAA ::1',
        'both.test A 192.0.2.1',
        '*.both.test A 192.0.2.9',
        'first.test CNAME *.',
        'first.test CNAME .',
        'none.test DNAME x.',
        'part.test DNAME x.',
        'part.test TXT a',
        'part.test DNAME x.',
        'late.test TXT a',
        'late.test TXT "',
      ].join('\n'),
    ),
    deny('nodata.test'),
  ]);
  const data = (name: string): string => {
    vet(reputation, name);
    return Buffer.from(reputation.data.slice(reputation.dataStart, reputation.dataEnd)).toString(
      'hex',
    );
  };
  const rows = [
    ['nx.test', ACTION_WORKLOAD],
    ['nodata.test', ACTION_NODATA],
    ['drop.test', ACTION_DROP],
    ['garden.test', ACTION_DATA],
    ['both.test', ACTION_DATA],
    ['first.test', ACTION_NODATA],
    ['none.test', ACTION_DATA],
  ] as const;
  for (const [name, action] of rows) {
    it(`${name} has action ${action}`, () => {
      expect(vet(reputation, name).result).toBe(VET_DENY);
      expect(reputation.action).toBe(action);
    });
  }

  it('local data holds type, length and rdata of each record once', () => {
    expect(data('garden.test')).toBe('0005000b0167076578616d706c6500');
    expect(data('both.test')).toBe(`00010004c000020100010004c0000202001c0010${'0'.repeat(31)}1`);
    expect(data('x.both.test')).toBe('00010004c0000209');
    expect(data('none.test')).toBe('');
    for (const name of ['part.test', 'late.test']) expect(data(name)).toBe('001000020161');
  });
});

/** One feed as a list of statements, and what it says about a name by comparing strings. */
type ModelEntry = readonly [name: string, exact: boolean, below: boolean, allow: boolean];

function modelSays(entries: readonly ModelEntry[], ask: string): boolean {
  let length = -1;
  let listed = false;
  for (const [name, exact, below, allow] of entries) {
    const applies = (exact && ask === name) || (below && ask.endsWith(`.${name}`));
    if (!applies || name.length < length) continue;
    listed = name.length === length ? listed && !allow : !allow;
    length = name.length;
  }
  return listed;
}

describe('vet agrees with a model of strings', () => {
  const label = fc.constantFrom('a', 'b', 'ab', 'x-1');
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  const entry = fc.tuple(name, fc.constantFrom('both', 'below', 'exact', 'allow'));
  const feed = fc.record({
    action: fc.constantFrom('deny', 'alert'),
    format: fc.constantFrom('plain', 'hosts', 'adblock', 'rpz'),
    entries: fc.array(entry, { maxLength: 8 }),
  });

  /** What each format can say of an entry: its line, and its meaning. */
  function lineOf(format: string, [text, form]: readonly [string, string]): [string, ModelEntry] {
    const both: ModelEntry = [text, true, true, false];
    if (format === 'hosts') return [`0.0.0.0 ${text}`, [text, true, false, false]];
    if (format === 'plain') {
      return form === 'below' ? [`*.${text}`, [text, false, true, false]] : [text, both];
    }
    if (format === 'adblock') {
      return form === 'allow' ? [`@@||${text}^`, [text, true, true, true]] : [`||${text}^`, both];
    }
    const wild = form === 'below';
    const target = form === 'allow' ? 'rpz-passthru.' : '.';
    return [`${wild ? '*.' : ''}${text} CNAME ${target}`, [text, !wild, wild, form === 'allow']];
  }

  it('for random feeds and names', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.array(feed, { maxLength: 4 }),
        fc.array(name, { minLength: 8, maxLength: 8 }),
        (feeds, asks) => {
          const lines = feeds.map(({ format, entries }) =>
            entries.map((one) => lineOf(format, one)),
          );
          const reputation = reputationOf(
            feeds.map(({ action, format }, i) => ({
              action,
              format,
              text: (lines[i] ?? []).map(([line]) => line).join('\n'),
            })),
          );
          for (const ask of asks) {
            const listed = feeds.map((_, i) =>
              modelSays(
                (lines[i] ?? []).map(([, model]) => model),
                ask,
              ),
            );
            const denyAt = feeds.findIndex(({ action }, i) => action === 'deny' && listed[i]);
            const at = denyAt === -1 ? listed.indexOf(true) : denyAt;
            const want = at === -1 ? VET_NOTHING : denyAt === -1 ? VET_ALERT : VET_DENY;
            const got = vet(reputation, ask);
            expect([got.result, got.feed]).toEqual([want, at + 1]);
            const overlap = listed.filter(Boolean).length > 1;
            for (const key of [`result ${want}`, overlap ? 'overlap' : '']) {
              seen.set(key, (seen.get(key) ?? 0) + 1);
            }
          }
        },
      ),
      { seed: 20261123, numRuns: 2000 },
    );
    for (const key of ['result 0', 'result 1', 'result 2', 'overlap']) {
      expect(seen.get(key), key).toBeGreaterThan(500);
    }
  });

  it('and no octets of any kind make a parser throw', () => {
    const piece = fc.constantFrom(
      ...['a.b', 'a.b ', ' ', '\t', '||', '^', '@@', '$', '#', ';', '(', ')', '"', '*.', '.', '@'],
      ...[' CNAME ', ' A ', 'IN ', '60 ', ' SOA ', '$ORIGIN ', '$TTL ', '.rpz-ip', '\\', '\0', '/'],
      ...['0.0.0.0 ', ':: ', 'ü'],
    );
    const line = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''));
    const text = fc
      .array(line, { maxLength: 12 })
      .map((lines) => new TextEncoder().encode(lines.join('\n')));
    const format = fc.constantFrom('auto', 'plain', 'hosts', 'adblock', 'rpz');
    let entries = 0;
    let rejects = 0;
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 60 })), format, (octets, known) => {
        const feed = feedOf({ text: '', format: known });
        const { reports, memory } = buildReputation([{ feed, octets }], new Rules());
        entries += reports[0]?.entries ?? 0;
        rejects += reports[0]?.rejects.length ?? 0;
        vet(new Reputation(memory), 'a.b');
      }),
      { seed: 20261123, numRuns: 20_000 },
    );
    expect(entries).toBeGreaterThan(1000);
    expect(rejects).toBeGreaterThan(1000);
  });
});

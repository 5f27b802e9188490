/** Every line form of every feed format: what is an entry, what is not, and how it is counted. */

import { describe, expect, it } from 'vitest';
import type { FeedFormat } from '../../src/config/types.ts';
import { SCOPE_BELOW, SCOPE_BOTH, SCOPE_EXACT } from '../../src/reputation/entries.ts';
import {
  SAYS_ALLOW,
  SAYS_DATA,
  SAYS_DENY,
  SAYS_DROP,
  SAYS_NODATA,
} from '../../src/reputation/memory.ts';
import { parseFeed } from '../../src/reputation/parse.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

const BOTH = SCOPE_BOTH;
const EXACT = SCOPE_EXACT;
const BELOW = SCOPE_BELOW;

type Want = readonly [name: string, scope: number, code: number];

interface Row {
  readonly name: string;
  readonly line: string;
  /** Entries in order. */
  readonly want?: readonly Want[];
  /** Kind of the one reject. */
  readonly reject?: string;
}

function hashOf(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return name;
}

function parse(text: string, format: FeedFormat) {
  const { format: found, text: source } = parseFeed(new TextEncoder().encode(text), format);
  return { found, source, rejects: source.rejects.list() };
}

function check(format: FeedFormat, rows: readonly Row[]): void {
  for (const { name, line, want = [], reject } of rows) {
    it(name, () => {
      const { source, rejects } = parse(line, format);
      const got = Array.from({ length: source.entries.count }, (_, i) => [
        source.entries.low[i],
        source.entries.high[i],
        source.entries.items[i],
      ]);
      const expected = want.map(([text, scope, code]) => {
        const hash = hashOf(text);
        return [hash.low[0], hash.high[0], code * 4 + scope];
      });
      expect(got).toEqual(expected);
      expect(rejects.map(({ kind, count }) => [kind, count])).toEqual(
        reject === undefined ? [] : [[reject, 1]],
      );
    });
  }
}

const LABEL_63 = 'a'.repeat(63);
const NAME_253 = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${'b'.repeat(61)}`;

describe('plain', () => {
  const deny = (name: string, scope: number): readonly Want[] => [[name, scope, SAYS_DENY]];
  check('plain', [
    { name: 'a name is the name and below', line: 'bad.test', want: deny('bad.test', BOTH) },
    { name: 'a leading dot says the same', line: '.bad.test', want: deny('bad.test', BOTH) },
    { name: 'a star is below only', line: '*.bad.test', want: deny('bad.test', BELOW) },
    { name: 'a top-level domain is a name', line: 'zip', want: deny('zip', BOTH) },
    { name: 'capitals fold', line: 'BAD.Test', want: deny('bad.test', BOTH) },
    { name: 'one trailing dot goes', line: 'bad.test.', want: deny('bad.test', BOTH) },
    { name: 'two trailing dots are an empty label', line: 'bad.test..', reject: 'name' },
    { name: 'blanks around do not matter', line: ' \tbad.test \r', want: deny('bad.test', BOTH) },
    { name: '# starts a comment', line: '# bad.test' },
    { name: '! starts a comment', line: '! bad.test' },
    { name: '; starts a comment', line: ';bad.test' },
    { name: 'a comment after a name', line: 'bad.test # why', want: deny('bad.test', BOTH) },
    { name: 'a byte order mark hides no comment', line: '\ufeff# bad.test' },
    { name: 'an empty line is nothing', line: '' },
    { name: 'underscore and hyphen', line: '_x.-y-.test', want: deny('_x.-y-.test', BOTH) },
    {
      name: 'a U-label becomes an A-label',
      line: 'bücher.test',
      want: deny('xn--bcher-kva.test', BOTH),
    },
    { name: 'a byte order mark is skipped', line: '\ufeffbad.test', want: deny('bad.test', BOTH) },
    {
      name: '63 octets are a label',
      line: `${LABEL_63}.test`,
      want: deny(`${LABEL_63}.test`, BOTH),
    },
    { name: '64 octets are none', line: `a${LABEL_63}.test`, reject: 'name' },
    { name: '253 characters are a name', line: NAME_253, want: deny(NAME_253, BOTH) },
    { name: '254 characters are none', line: `${NAME_253}b`, reject: 'name' },
    { name: 'an empty label is none', line: 'bad..test', reject: 'name' },
    { name: 'a star alone is none', line: '*', reject: 'name' },
    { name: 'a star inside is none', line: 'a.*.test', reject: 'name' },
    { name: 'a dot alone is none', line: '.', reject: 'name' },
    { name: 'a control octet is none', line: 'b\u0000d.test', reject: 'name' },
    { name: 'a character that no name may hold', line: 'b\ufffdd.test', reject: 'name' },
    { name: 'an IPv4 address is none', line: '192.0.2.1', reject: 'address' },
    { name: 'an IPv6 address is none', line: '2001:db8::1', reject: 'address' },
    { name: 'a URL is none', line: 'https://bad.test/x', reject: 'url' },
    { name: 'a second word is none', line: 'bad.test worse.test', reject: 'syntax' },
  ]);
});

describe('hosts', () => {
  const deny = (...names: string[]): Want[] => names.map((name) => [name, EXACT, SAYS_DENY]);
  check('hosts', [
    { name: '0.0.0.0 blocks that exact name', line: '0.0.0.0 bad.test', want: deny('bad.test') },
    { name: '127.0.0.1 too', line: '127.0.0.1\tbad.test', want: deny('bad.test') },
    { name: ':: too', line: ':: bad.test', want: deny('bad.test') },
    { name: '::1 too', line: '::1 bad.test', want: deny('bad.test') },
    {
      name: 'several names on a line',
      line: '0.0.0.0 a.test b.test',
      want: deny('a.test', 'b.test'),
    },
    { name: 'a comment ends the names', line: '0.0.0.0 a.test # b.test', want: deny('a.test') },
    { name: 'a comment needs no blank', line: '0.0.0.0 a.test#b', want: deny('a.test') },
    { name: 'localhost is no entry', line: '127.0.0.1 localhost' },
    { name: 'a zoned localhost is no entry', line: 'fe80::1%lo0 localhost' },
    { name: 'multicast names are no entries', line: 'ff02::1 ip6-allnodes' },
    { name: 'broadcasthost is no entry', line: '255.255.255.255 broadcasthost' },
    { name: '0.0.0.0 as a name is no entry', line: '0.0.0.0 0.0.0.0' },
    { name: 'a real address is a redirect', line: '192.0.2.1 bad.test', reject: 'hosts-address' },
    { name: 'a name without address is not hosts', line: 'bad.test', reject: 'syntax' },
    { name: 'a name before a name is not hosts', line: 'a.b.c.d bad.test', reject: 'syntax' },
    { name: 'an address without name is not hosts', line: '0.0.0.0', reject: 'syntax' },
    { name: 'an address is no name', line: '0.0.0.0 192.0.2.1', reject: 'address' },
    { name: 'a wildcard is no name', line: '0.0.0.0 *.bad.test', reject: 'name' },
  ]);
});

describe('adblock', () => {
  const deny: readonly Want[] = [['bad.test', BOTH, SAYS_DENY]];
  check('adblock', [
    { name: '||x^ is the name and below', line: '||bad.test^', want: deny },
    { name: '||x^| is the same', line: '||bad.test^|', want: deny },
    { name: '@@||x^ exempts', line: '@@||ok.test^', want: [['ok.test', BOTH, SAYS_ALLOW]] },
    { name: '||*.x^ is below only', line: '||*.bad.test^', want: [['bad.test', BELOW, SAYS_DENY]] },
    { name: '$important changes nothing', line: '||bad.test^$important', want: deny },
    { name: '$all changes nothing', line: '||bad.test^$all', want: deny },
    { name: 'both together', line: '||bad.test^$all,important', want: deny },
    { name: '$third-party narrows', line: '||bad.test^$third-party', reject: 'modifier' },
    { name: 'one narrowing of two', line: '||bad.test^$important,script', reject: 'modifier' },
    { name: 'an empty modifier', line: '||bad.test^$', reject: 'modifier' },
    { name: 'a path is a URL rule', line: '||bad.test/ad.js', reject: 'url' },
    { name: 'a path after ^ is a URL rule', line: '||bad.test^/ad', reject: 'url' },
    { name: '||x without ^ is a prefix', line: '||bad.test', reject: 'pattern' },
    { name: 'a bare word is a pattern', line: 'bad.test', reject: 'pattern' },
    { name: 'a start anchor is a pattern', line: '|bad.test^', reject: 'pattern' },
    { name: 'element hiding', line: 'bad.test##.ad', reject: 'cosmetic' },
    { name: 'element hiding everywhere', line: '##.ad', reject: 'cosmetic' },
    { name: 'element hiding exception', line: 'bad.test#@#.ad', reject: 'cosmetic' },
    { name: 'a regular expression', line: '/ad[0-9]+/', reject: 'regex' },
    { name: 'an exception that is a URL', line: '@@/ads/x.js', reject: 'url' },
    { name: 'a star in the name', line: '||b*d.test^', reject: 'name' },
    { name: '! starts a comment', line: '! ||bad.test^' },
    { name: '# and a blank start a comment', line: '# ||bad.test^' },
    { name: 'a header is a comment', line: '[Adblock Plus 2.0]' },
  ]);
});

describe('rpz', () => {
  const one = (name: string, scope: number, code: number): readonly Want[] => [[name, scope, code]];
  const nx = one('bad.test', EXACT, SAYS_DENY);
  const zone = (line: string): string =>
    `$TTL 60\n$ORIGIN rpz.zone.\n@ IN SOA ns. host. (\n 1 ; serial\n 2 3 4 )\n  NS ns.\n${line}`;
  check('rpz', [
    { name: 'CNAME . is NXDOMAIN for that name', line: 'bad.test CNAME .', want: nx },
    { name: 'TTL and class', line: 'bad.test 60 IN CNAME .', want: nx },
    { name: 'class and TTL', line: 'bad.test IN 1h CNAME . ; why', want: nx },
    { name: 'capitals', line: 'BAD.test in cname .', want: nx },
    {
      name: 'a star is below only',
      line: '*.bad.test CNAME .',
      want: one('bad.test', BELOW, SAYS_DENY),
    },
    {
      name: 'CNAME *. is NODATA',
      line: 'bad.test CNAME *.',
      want: one('bad.test', EXACT, SAYS_NODATA),
    },
    {
      name: 'passthru',
      line: 'ok.test CNAME rpz-passthru.',
      want: one('ok.test', EXACT, SAYS_ALLOW),
    },
    {
      name: 'old passthru',
      line: 'ok.test CNAME ok.test.',
      want: one('ok.test', EXACT, SAYS_ALLOW),
    },
    { name: 'drop', line: 'bad.test CNAME rpz-drop.', want: one('bad.test', EXACT, SAYS_DROP) },
    {
      name: 'CNAME to a garden',
      line: 'bad.test CNAME garden.test.',
      want: one('bad.test', EXACT, SAYS_DATA),
    },
    { name: 'A', line: 'bad.test A 192.0.2.1', want: one('bad.test', EXACT, SAYS_DATA) },
    { name: 'AAAA', line: 'bad.test AAAA 2001:db8::1', want: one('bad.test', EXACT, SAYS_DATA) },
    {
      name: 'equal records are one datum',
      line: 'a.test A 192.0.2.1\nb.test A 192.0.2.1\nc.test A 192.0.2.2',
      want: [
        ['a.test', EXACT, SAYS_DATA],
        ['b.test', EXACT, SAYS_DATA],
        ['c.test', EXACT, SAYS_DATA + 1],
      ],
    },
    {
      name: 'a record without owner repeats it',
      line: 'bad.test A 192.0.2.1\n  AAAA ::1',
      want: [
        ['bad.test', EXACT, SAYS_DATA],
        ['bad.test', EXACT, SAYS_DATA + 1],
      ],
    },
    { name: 'the zone around it is no entry', line: zone('bad.test CNAME .'), want: nx },
    {
      name: 'an absolute owner loses the zone',
      line: zone('bad.test.rpz.zone. CNAME .'),
      want: nx,
    },
    {
      name: 'an absolute owner elsewhere',
      line: zone('bad.test. CNAME .'),
      reject: 'rpz-outside-zone',
    },
    { name: 'a record of the apex', line: zone('@ A 192.0.2.1'), reject: 'rpz-outside-zone' },
    {
      name: 'an owner that only ends like the zone',
      line: zone('badrpz.zone. CNAME .'),
      reject: 'rpz-outside-zone',
    },
    {
      name: 'relative owners of a zone that only its SOA names',
      line: 'rpz.zone. SOA a. b. 1 2 3 4 5\nbad.test CNAME .',
      want: nx,
    },
    {
      name: 'an origin below the zone',
      line: zone('$ORIGIN test.rpz.zone.\nbad CNAME .'),
      want: nx,
    },
    { name: 'a relative origin', line: zone('$ORIGIN test\nbad CNAME .'), want: nx },
    {
      name: 'an origin above the zone, as zone dumps have it',
      line: '$ORIGIN .\nrpz.zone 60 IN SOA a. b. 1 2 3 4 5\nbad.test.rpz.zone CNAME .',
      want: nx,
    },
    { name: 'without a zone an absolute owner is the name', line: 'bad.test. CNAME .', want: nx },
    { name: 'signatures are no entries', line: 'bad.test RRSIG CNAME 8 2 60 x' },
    { name: 'a comment is nothing', line: '; bad.test CNAME .' },
    { name: 'address trigger', line: '32.1.2.0.192.rpz-ip CNAME .', reject: 'rpz-ip' },
    { name: 'client trigger', line: '32.1.2.0.192.rpz-client-ip CNAME .', reject: 'rpz-client-ip' },
    { name: 'server address trigger', line: '32.1.2.0.192.rpz-nsip CNAME .', reject: 'rpz-nsip' },
    { name: 'server name trigger', line: 'ns.bad.test.rpz-nsdname CNAME .', reject: 'rpz-nsdname' },
    { name: 'tcp-only', line: 'bad.test CNAME rpz-tcp-only.', reject: 'rpz-tcp-only' },
    {
      name: 'wildcard garden: denied',
      line: 'bad.test CNAME *.garden.test.',
      want: nx,
      reject: 'rpz-wildcard-target',
    },
    {
      name: 'an action without its dot',
      line: 'bad.test CNAME rpz-passthru',
      reject: 'rpz-action',
    },
    ...[
      'TXT "no ; (really)"',
      'TXT "a \\" ; quote" plain',
      'MX 10 mail',
      'HTTPS 1 . alpn=h2',
      'TYPE65280 \\# 2 0001',
      '60 IN TXT "x"',
    ].map((data) => ({
      name: `local data ${data}`,
      line: `bad.test ${data}`,
      want: one('bad.test', EXACT, SAYS_DATA),
    })),
    ...(
      [
        ['A 192.0.2', 'rpz-data'],
        ['CNAME a..b.', 'rpz-data'],
        ['TXT "never closed', 'rpz-data'],
        ['TXT ( "a"', 'rpz-data'],
        ['MX mail', 'rpz-data'],
        ['TYPE65280 no hexadecimal', 'rpz-data'],
        ['DNAME other.test.', 'rpz-type'],
      ] as const
    ).map(([data, reject]) => ({
      name: `listed, though nothing can be answered: ${data}`,
      line: `bad.test ${data}`,
      want: one('bad.test', EXACT, SAYS_DATA),
      reject,
    })),
    ...['nothing', 'ANY x', 'TYPE0 x', 'OPT x', 'AXFR x'].map((data) => ({
      name: `no record of a zone: ${data}`,
      line: `bad.test ${data} x`,
      reject: 'syntax',
    })),
    {
      name: 'a parenthesis in quotes opens nothing',
      line: 'other.test TXT "("\nbad.test CNAME .',
      want: [['other.test', EXACT, SAYS_DATA], ...nx],
    },
    { name: 'no rdata', line: 'bad.test CNAME', reject: 'syntax' },
    { name: 'no type', line: 'bad.test', reject: 'syntax' },
    { name: 'an escape in the owner', line: 'b\\100d.test CNAME .', reject: 'name' },
    { name: 'an unknown directive', line: '$INCLUDE x', reject: 'syntax' },
    {
      name: 'parentheses that never close end the file',
      line: 'x.test SOA a. b. (\nbad.test CNAME .',
    },
  ]);

  it('relative targets are completed with the origin', () => {
    const { source } = parse(zone('bad.test CNAME garden'), 'rpz');
    expect(source.records).toEqual([{ type: 5, rdata: nameToWire('garden.rpz.zone') }]);
    const mail = parse(zone('$ORIGIN x.rpz.zone.\nbad MX 10 mail'), 'rpz').source.records;
    const rdata = Buffer.concat([Buffer.from([0, 10]), nameToWire('mail.x.rpz.zone')]);
    expect(mail.map((record) => Buffer.from(record.rdata))).toEqual([rdata]);
  });

  it('of one owner and text are another record under another origin', () => {
    const text = zone('bad MX 1 m\n$ORIGIN x.rpz.zone.\nbad MX 1 m');
    expect(parse(text, 'rpz').source.records).toHaveLength(2);
  });
});

describe('a zone as BIND dumps it', () => {
  const RELATIVE = `$ORIGIN .
$TTL 300	; 5 minutes
rpz.local		IN SOA	ns.example. h.example. (
				1          ; serial
				60         ; minimum (1 minute)
				)
			NS	ns.example.
$ORIGIN rpz.local.
bad.com			CNAME	.
$ORIGIN bad.com.rpz.local.
*			CNAME	.
ok			CNAME	rpz-passthru.
$ORIGIN net.rpz.local.
a			A	192.0.2.1
			AAAA	2001:db8::1
g			CNAME	garden.example.
t			TXT	"hello ; world (x"
$ORIGIN rpz.local.
32.1.2.0.192.rpz-ip	CNAME	.
`;
  const FULL = `rpz.local.			      300 IN SOA	ns.example. h.example. 1 3600 600 86400 60
rpz.local.			      300 IN NS		ns.example.
bad.com.rpz.local.		      300 IN CNAME	.
*.bad.com.rpz.local.		      300 IN CNAME	.
ok.bad.com.rpz.local.		      300 IN CNAME	rpz-passthru.
a.net.rpz.local.		      300 IN A		192.0.2.1
a.net.rpz.local.		      300 IN AAAA	2001:db8::1
g.net.rpz.local.		      300 IN CNAME	garden.example.
t.net.rpz.local.		      300 IN TXT	"hello ; world (x"
32.1.2.0.192.rpz-ip.rpz.local.	      300 IN CNAME	.
`;
  const want: readonly Want[] = [
    ['bad.com', EXACT, SAYS_DENY],
    ['bad.com', BELOW, SAYS_DENY],
    ['ok.bad.com', EXACT, SAYS_ALLOW],
    ['a.net', EXACT, SAYS_DATA],
    ['a.net', EXACT, SAYS_DATA + 1],
    ['g.net', EXACT, SAYS_DATA + 2],
    ['t.net', EXACT, SAYS_DATA + 3],
  ];
  for (const [style, text] of [
    ['relative', RELATIVE],
    ['full', FULL],
  ] as const) {
    it(`in ${style} style has the entries of the zone`, () => {
      const { found, source, rejects } = parse(text, 'auto');
      expect(found).toBe('rpz');
      const got = Array.from({ length: source.entries.count }, (_, i) => [
        source.entries.low[i],
        source.entries.items[i],
      ]);
      expect(got).toEqual(
        want.map(([name, scope, code]) => [hashOf(name).low[0], code * 4 + scope]),
      );
      expect(rejects.map(({ kind }) => kind)).toEqual(['rpz-ip']);
    });
  }
});

describe('rejects', () => {
  it('are counted by kind with the line and text of the first', () => {
    const text = 'ok.test\nhttp://a/\nb..c\n\nhttps://d/\n\u001b[31mred\n';
    expect(parse(text, 'plain').rejects).toEqual([
      { kind: 'url', count: 2, firstLine: 2, sample: 'http://a/' },
      { kind: 'name', count: 2, firstLine: 3, sample: 'b..c' },
    ]);
  });

  it('show no control octets and at most 80 characters', () => {
    const [reject] = parse(`\u001b[31m${'x'.repeat(100)}`, 'plain').rejects;
    expect(reject?.sample).toBe(`?[31m${'x'.repeat(75)}`);
  });

  it('names converted to A-labels are counted', () => {
    expect(parse('bücher.test\nbad.test\nmünchen.test', 'plain').source.reader.converted).toBe(2);
  });
});

describe('auto', () => {
  const rows = [
    ['names are plain', '# list\nbad.test\n*.worse.test\n', 'plain'],
    ['an empty file is plain', '', 'plain'],
    ['addresses and names are hosts', '# x\n127.0.0.1 localhost\n0.0.0.0 bad.test\n', 'hosts'],
    ['IPv6 hosts', '::1 localhost\n:: bad.test\n', 'hosts'],
    ['|| is adblock', '! Title: x\n||bad.test^\n||worse.test^$important\n', 'adblock'],
    ['cosmetic rules are adblock', '[Adblock]\na.test##.ad\nb.test#@#.x\n', 'adblock'],
    ['a zone is rpz', '$TTL 60\n@ SOA a. b. 1 2 3 4 5\n  NS a.\nbad.test CNAME .\n', 'rpz'],
    ['records are rpz', '; x\nbad.test CNAME .\n*.bad.test CNAME .\n', 'rpz'],
    ['local data is rpz', 'bad.test A 127.0.0.1\n', 'rpz'],
    ['one odd line does not turn a list', 'a.test\nb.test\n||c.test^\n', 'plain'],
  ] as const;
  for (const [name, text, want] of rows) {
    it(name, () => expect(parse(text, 'auto').found).toBe(want));
  }
});

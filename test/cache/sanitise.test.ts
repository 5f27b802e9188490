import { describe, expect, it } from 'vitest';
import { IS_NXDOMAIN } from '../../src/cache/entry.ts';
import { CleanAnswer, sanitise, setMessage, type TtlLimits } from '../../src/cache/sanitise.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire, rcodeToText } from '../../src/wire/text.ts';
import { readMessage } from '../support/message.ts';
import { answerTo, type Sections, shown, typeNumber } from '../support/replay-message.ts';

const LIMITS: TtlLimits = {
  minTtlSeconds: 0,
  maxTtlSeconds: 86400,
  maxNegativeTtlSeconds: 3600,
  staleSeconds: 0,
  clientResponseMs: 0,
  prefetch: true,
};
const SOA = 'example.com. 900 SOA ns.example.com. host.example.com. 1 2 3 4 300';
const SIGNATURE = '8 2 60 20300101000000 20200101000000 1 example.com. AAAA';

interface Asked {
  readonly name?: string;
  readonly type?: string;
  readonly dnssecOk?: boolean;
  readonly limits?: TtlLimits;
}

const clean = new CleanAnswer();

/** Reduces a message that stands somewhere in a slab; null when it is malformed. */
function reduce(octets: Uint8Array, asked: Asked): CleanAnswer | null {
  const name = new WireName();
  const wire = nameToWire(asked.name ?? 'www.example.com');
  readName(wire, 0, wire.length, name);
  const slab = new Uint8Array(octets.length + 200).fill(0xa5);
  slab.set(octets, 100);
  setMessage(slab, 100, 100 + octets.length);
  const qtype = typeNumber(asked.type ?? 'A');
  const question = { name, qtype, dnssecOk: asked.dnssecOk === true ? 1 : 0 };
  return sanitise(question, asked.limits ?? LIMITS, clean) ? clean : null;
}

/** What is kept of an answer, as text: answers, `--`, authority. */
function kept(sections: Sections, asked: Asked = {}): string[] {
  const octets = answerTo(asked.name ?? 'www.example.com', asked.type ?? 'A', sections);
  const result = reduce(octets, asked);
  if (result === null) return ['malformed'];
  const message = readMessage(Buffer.from(result.octets.slice(0, result.length)));
  expect(message.additionals).toEqual([]);
  expect(message.opt).toBeNull();
  const text = message.answers.map((rr) => `${rr.owner} ${rr.ttl} ${rr.type} ${rr.rdata}`);
  const authority = message.authorities.map((rr) => `${rr.owner} ${rr.ttl} ${rr.type} ${rr.rdata}`);
  return authority.length === 0 ? text : [...text, '--', ...authority];
}

const WWW = 'www.example.com. 60 A 192.0.2.1';

describe('what of an answer is kept', () => {
  const chain = [
    'www.example.com. 60 CNAME a.example.net.',
    'a.example.net. 60 CNAME b.example.org.',
  ];
  const rows: readonly (readonly [string, Sections, Asked, readonly string[]])[] = [
    ['the records of the name and type', { answer: [WWW] }, {}, [WWW]],
    ['written without pointers as well', { answer: [WWW], plain: true }, {}, [WWW]],
    [
      'a CNAME chain in its order',
      { answer: [...chain, 'b.example.org. 60 A 192.0.2.2'] },
      {},
      [...chain, 'b.example.org. 60 A 192.0.2.2'],
    ],
    [
      'a chain in another order, as it came',
      { answer: ['b.example.org. 60 A 192.0.2.2', ...chain.toReversed()] },
      {},
      ['b.example.org. 60 A 192.0.2.2', ...chain.toReversed()],
    ],
    ['a chain without its end', { answer: chain }, {}, chain],
    [
      'a CNAME loop, once',
      {
        answer: [
          'www.example.com. 60 CNAME a.example.net.',
          'a.example.net. 60 CNAME www.example.com.',
        ],
      },
      {},
      ['www.example.com. 60 CNAME a.example.net.', 'a.example.net. 60 CNAME www.example.com.'],
    ],
    [
      'a CNAME to itself',
      { answer: ['www.example.com. 60 CNAME www.example.com.'] },
      {},
      ['www.example.com. 60 CNAME www.example.com.'],
    ],
    [
      'for a CNAME question the CNAME and not what it leads to',
      { answer: chain },
      { type: 'CNAME' },
      chain.slice(0, 1),
    ],
    [
      'no record of another type',
      { answer: [WWW, 'www.example.com. 60 AAAA 2001:db9::1'] },
      {},
      [WWW],
    ],
    [
      'one TTL for a set, the lowest (RFC 2181 section 5.2)',
      {
        answer: [
          'www.example.com. 300 A 192.0.2.1',
          'www.example.com. 60 A 192.0.2.2',
          'www.example.com. 900 A 192.0.2.3',
        ],
      },
      {},
      [1, 2, 3].map((last) => `www.example.com. 60 A 192.0.2.${last}`),
    ],
    [
      'each set with its own TTL',
      { answer: ['www.example.com. 900 CNAME a.example.net.', 'a.example.net. 60 A 192.0.2.2'] },
      {},
      ['www.example.com. 900 CNAME a.example.net.', 'a.example.net. 60 A 192.0.2.2'],
    ],
    ['no record of another owner', { answer: [WWW, 'evil.example. 60 A 192.0.2.66'] }, {}, [WWW]],
    [
      'what comes after a record that is left out',
      { answer: ['evil.example. 60 CNAME x.example.', ...chain] },
      {},
      chain,
    ],
    [
      'no record of a name that only looks like the target',
      { answer: [chain[0] ?? '', 'A.example.netx. 60 A 192.0.2.1'] },
      {},
      chain.slice(0, 1),
    ],
    [
      'no record of another class, nor what a CNAME of one leads to',
      {
        answer: [
          'www.example.com. 60 CH CNAME a.example.net.',
          'a.example.net. 60 A 192.0.2.1',
          'www.example.com. 60 CH A 192.0.2.9',
        ],
      },
      {},
      [],
    ],
    [
      'a DNAME above the name and its CNAME',
      {
        answer: [
          'example.com. 60 DNAME example.net.',
          'www.example.com. 60 CNAME www.example.net.',
          'www.example.net. 60 A 192.0.2.1',
        ],
      },
      {},
      [
        'example.com. 60 DNAME example.net.',
        'www.example.com. 60 CNAME www.example.net.',
        'www.example.net. 60 A 192.0.2.1',
      ],
    ],
    [
      'no DNAME beside the name or at it',
      {
        answer: [
          WWW,
          'xample.com. 60 DNAME example.net.',
          'www.example.com. 60 DNAME example.net.',
        ],
      },
      {},
      [WWW],
    ],
    [
      'no name servers and no additional data',
      {
        answer: [WWW],
        authority: ['example.com. 60 NS ns.example.com.'],
        additional: ['ns.example.com. 60 A 192.0.2.3'],
      },
      {},
      [WWW],
    ],
    ['no SOA beside an answer', { answer: [WWW], authority: [SOA] }, {}, [WWW]],
    [
      'signatures where DO asked for them',
      { answer: [WWW, `www.example.com. 60 RRSIG A ${SIGNATURE}`] },
      { dnssecOk: true },
      [WWW, `www.example.com. 60 RRSIG A ${SIGNATURE}`],
    ],
    [
      'no signatures without DO',
      { answer: [WWW, `www.example.com. 60 RRSIG A ${SIGNATURE}`] },
      {},
      [WWW],
    ],
    [
      'the RRSIG that was asked for by type',
      { answer: [`www.example.com. 60 RRSIG A ${SIGNATURE}`] },
      { type: 'RRSIG' },
      [`www.example.com. 60 RRSIG A ${SIGNATURE}`],
    ],
    [
      'the proof of a wildcard for DO',
      {
        answer: [WWW],
        authority: [
          'a.example.com. 60 NSEC z.example.com. A',
          `a.example.com. 60 RRSIG NSEC ${SIGNATURE}`,
          'example.com. 60 NS ns.example.com.',
          `example.com. 60 RRSIG NS ${SIGNATURE}`,
        ],
      },
      { dnssecOk: true },
      [
        WWW,
        '--',
        'a.example.com. 60 NSEC z.example.com. A',
        `a.example.com. 60 RRSIG NSEC ${SIGNATURE}`,
      ],
    ],
    ['the SOA of an empty answer', { authority: [SOA] }, {}, ['--', SOA.replace('900', '300')]],
    [
      'no proof without DO',
      { rcode: 'NXDOMAIN', authority: [SOA, 'a.example.com. 60 NSEC z.example.com. A'] },
      {},
      ['--', SOA.replace('900', '300')],
    ],
    [
      'no SOA of a zone that cannot hold the name',
      { rcode: 'NXDOMAIN', authority: [SOA.replaceAll('example.com', 'example.net')] },
      {},
      [],
    ],
    [
      'no SOA from below the name',
      { authority: [SOA.replace('example.com.', 'x.www.example.com.')] },
      {},
      [],
    ],
    [
      'the SOA of the zone where a chain ends',
      {
        rcode: 'NXDOMAIN',
        answer: chain.slice(0, 1),
        authority: [SOA.replaceAll('example.com', 'example.net')],
      },
      {},
      [chain[0] ?? '', '--', SOA.replaceAll('example.com', 'example.net').replace('900', '300')],
    ],
    [
      'records of types nobody knows, octet by octet',
      { answer: ['www.example.com. 60 TYPE65280 \\# 4 c00cffff'] },
      { type: 'TYPE65280' },
      ['www.example.com. 60 TYPE65280 \\# 4 c00cffff'],
    ],
    [
      'records without RDATA',
      { answer: ['www.example.com. 60 TYPE65280 \\# 0'] },
      { type: 'TYPE65280' },
      ['www.example.com. 60 TYPE65280 \\# 0'],
    ],
  ];
  for (const [rule, sections, asked, want] of rows) {
    it(rule, () => {
      expect(kept(sections, asked)).toEqual(
        want.map((line) => (line === '--' ? line : shown(line))),
      );
    });
  }

  it('of a chain of 40 names the first 17', () => {
    const answer = Array.from(
      { length: 40 },
      (_, i) => `n${i}.example. 60 CNAME n${i + 1}.example.`,
    );
    expect(kept({ answer }, { name: 'n0.example' })).toEqual(answer.slice(0, 17).map(shown));
  });

  it('names in RDATA that pointed to what is left out are written out', () => {
    const target = Buffer.from([0xc0, 12 + 17 + 4]).toString('hex');
    const answer = ['evil.example. 60 A 192.0.2.66', `www.example.com. 60 MX \\# 4 000a${target}`];
    const want = `www.example.com 60 MX 000a${Buffer.from(nameToWire('evil.example')).toString('hex')}`;
    expect(kept({ answer }, { type: 'MX' })).toEqual([want]);
  });

  it('case of names that stay in place is kept', () => {
    const octets = answerTo('www.example.com', 'CNAME', {
      answer: ['www.example.com. 60 CNAME EdGe.Example.'],
    });
    const result = reduce(octets, { type: 'CNAME' });
    expect(result?.octets.slice(0, result.length).includes('EdGe'.charCodeAt(0))).toBe(true);
  });
});

describe('how long an answer may be kept', () => {
  const rows: readonly (readonly [string, Sections, Asked, number])[] = [
    [
      'the lowest TTL of its records',
      {
        answer: [
          'www.example.com. 60 CNAME a.example.net.',
          'a.example.net. 30 A 192.0.2.1',
          'a.example.net. 20 A 192.0.2.2',
        ],
      },
      {},
      20,
    ],
    [
      'records that are left out do not count',
      { answer: [WWW, 'evil.example. 5 A 192.0.2.1'] },
      {},
      60,
    ],
    ['TTL 0: not at all', { answer: ['www.example.com. 0 A 192.0.2.1'] }, {}, 0],
    [
      'the most significant bit set counts as the cap',
      { answer: ['www.example.com. 2147483648 A 192.0.2.1'] },
      {},
      86400,
    ],
    ['a week counts as the cap', { answer: ['www.example.com. 604800 A 192.0.2.1'] }, {}, 86400],
    [
      'the least TTL raises low ones',
      { answer: ['www.example.com. 5 A 192.0.2.1'] },
      { limits: { ...LIMITS, minTtlSeconds: 30 } },
      30,
    ],
    ['NODATA: the SOA minimum when it is lower', { authority: [SOA] }, {}, 300],
    ['NODATA: the SOA TTL when it is lower', { authority: [SOA.replace('900', '100')] }, {}, 100],
    ['NXDOMAIN: the same', { rcode: 'NXDOMAIN', authority: [SOA] }, {}, 300],
    [
      'negative: no longer than its own cap',
      { rcode: 'NXDOMAIN', authority: [SOA] },
      { limits: { ...LIMITS, maxNegativeTtlSeconds: 50 } },
      50,
    ],
    ['NODATA without SOA: not at all', {}, {}, 0],
    ['NXDOMAIN without SOA: not at all', { rcode: 'NXDOMAIN' }, {}, 0],
    [
      'NXDOMAIN with the SOA of another zone: not at all',
      { rcode: 'NXDOMAIN', authority: [SOA.replaceAll('example.com', 'example.net')] },
      {},
      0,
    ],
    [
      'SOA with minimum 0: not at all',
      { rcode: 'NXDOMAIN', authority: [SOA.replace('4 300', '4 0')] },
      {},
      0,
    ],
    [
      'a chain that leads out: its CNAMEs',
      { answer: ['www.example.com. 60 CNAME a.example.net.'] },
      {},
      60,
    ],
    [
      'a chain into NXDOMAIN: its CNAMEs and the SOA',
      { rcode: 'NXDOMAIN', answer: ['www.example.com. 60 CNAME a.example.com.'], authority: [SOA] },
      {},
      60,
    ],
    [
      'a chain into NXDOMAIN without SOA: not at all',
      { rcode: 'NXDOMAIN', answer: ['www.example.com. 60 CNAME a.example.com.'] },
      {},
      0,
    ],
    ['SERVFAIL: not at all', { rcode: 'SERVFAIL', answer: [WWW] }, {}, 0],
    ['REFUSED: not at all', { rcode: 'REFUSED', authority: [SOA] }, {}, 0],
  ];
  for (const [rule, sections, asked, want] of rows) {
    it(rule, () => {
      const octets = answerTo('www.example.com', 'A', sections);
      expect(reduce(octets, asked)?.seconds).toBe(want);
    });
  }

  it('NXDOMAIN is for the whole name only where no chain led to it', () => {
    const direct = answerTo('www.example.com', 'A', { rcode: 'NXDOMAIN', authority: [SOA] });
    expect(reduce(direct, {})?.content).toBe(IS_NXDOMAIN);
    const answer = ['www.example.com. 60 CNAME a.example.com.'];
    const chained = answerTo('www.example.com', 'A', {
      rcode: 'NXDOMAIN',
      answer,
      authority: [SOA],
    });
    expect(reduce(chained, {})?.content).toBe(0);
  });

  it('every TTL of the clean message is listed once, in order', () => {
    const answer = [
      'x.example. 7 A 192.0.2.9',
      'www.example.com. 61 CNAME a.example.net.',
      'a.example.net. 62 A 192.0.2.1',
    ];
    const result = reduce(answerTo('www.example.com', 'A', { answer }), {});
    const view = new DataView(result?.octets.buffer ?? new ArrayBuffer(0));
    const ttls = [...(result?.ttlOffsets.slice(0, result.ttlCount) ?? [])].map((at) =>
      view.getUint32(at),
    );
    expect(ttls).toEqual([61, 62]);
  });
});

describe('OPT of an upstream', () => {
  it('gives its EDE, and nothing else of it stays', () => {
    const octets = answerTo('www.example.com', 'A', { rcode: 'SERVFAIL', ede: 9 });
    expect([reduce(octets, {})?.ede, rcodeToText(clean.rcode)]).toEqual([9, 'SERVFAIL']);
  });

  it('no EDE is -1, also after one', () => {
    expect(reduce(answerTo('www.example.com', 'A', { ede: null }), {})?.ede).toBe(-1);
  });

  it('an option that runs past the end gives none', () => {
    const octets = answerTo('www.example.com', 'A', { ede: 9 });
    octets.writeUInt16BE(3, octets.length - 4);
    expect(reduce(octets, {})?.ede).toBe(-1);
  });

  it('an EDE behind another option is found', () => {
    const octets = answerTo('www.example.com', 'A', { ede: null });
    const options = Buffer.from('000a0008112233445566778800 0f00020016'.replace(/\s/g, ''), 'hex');
    octets.writeUInt16BE(options.length, octets.length - 2);
    expect(reduce(Buffer.concat([octets, options]), {})?.ede).toBe(22);
  });

  it('extends the rcode', () => {
    const octets = answerTo('www.example.com', 'A', { ede: null });
    octets[octets.length - 6] = 1;
    expect(reduce(octets, {})?.rcode).toBe(16);
  });
});

describe('malformed answers are none', () => {
  const rows: readonly (readonly [string, Sections])[] = [
    ['an A of 3 octets', { answer: ['www.example.com. 60 A \\# 3 c00002'] }],
    ['an A of 5 octets', { answer: ['www.example.com. 60 A \\# 5 c000020100'] }],
    ['an AAAA of 15 octets', { answer: [`www.example.com. 60 AAAA \\# 15 ${'20'.repeat(15)}`] }],
    [
      'a CNAME with octets behind its name',
      { answer: ['www.example.com. 60 CNAME \\# 4 01610000'] },
    ],
    ['a CNAME without its root', { answer: ['www.example.com. 60 CNAME \\# 2 0161'] }],
    ['a CNAME that is empty', { answer: ['www.example.com. 60 CNAME \\# 0'] }],
    ['a CNAME to itself by its own pointer', { answer: ['www.example.com. 60 CNAME \\# 2 c02d'] }],
    ['a CNAME that points forward', { answer: ['www.example.com. 60 CNAME \\# 2 c0ff'] }],
    ['a CNAME that points into the header', { answer: ['www.example.com. 60 CNAME \\# 2 c004'] }],
    ['an MX without its name', { answer: ['www.example.com. 60 MX \\# 2 000a'] }],
    [
      'an SOA that is short',
      {
        authority: [
          'example.com. 60 SOA \\# 21 00000000000000000000000000000000000000000000'.slice(0, -2),
        ],
      },
    ],
    ['an SVCB of one octet', { answer: ['www.example.com. 60 SVCB \\# 1 00'] }],
    ['an RRSIG of ten octets', { answer: [`www.example.com. 60 RRSIG \\# 10 ${'00'.repeat(10)}`] }],
    ['a NAPTR whose strings run out', { answer: ['www.example.com. 60 NAPTR \\# 6 000100010561'] }],
    [
      'any of it in the additional section',
      { answer: [WWW], additional: ['x.example. 60 A \\# 3 c00002'] },
    ],
    ['any of it in another class', { answer: [WWW, 'x.example. 60 CH CNAME \\# 2 0161'] }],
    ['an OPT in the answer section', { answer: ['. 0 OPT \\# 0'] }],
    ['an OPT owned by a name', { additional: ['x.example. 0 OPT \\# 0'] }],
  ];
  for (const [rule, sections] of rows) {
    it(rule, () => expect(kept(sections)).toEqual(['malformed']));
  }

  it('a message that ends anywhere before its end', () => {
    const answer = ['www.example.com. 60 CNAME a.example.net.', 'a.example.net. 60 A 192.0.2.1'];
    const whole = answerTo('www.example.com', 'A', { answer, authority: [SOA], ede: 9 });
    for (let length = 12 + 17 + 4; length < whole.length; length++) {
      expect(reduce(whole.subarray(0, length), {})).toBeNull();
    }
    expect(reduce(whole, {})).not.toBeNull();
  });

  it('counts that the message cannot hold', () => {
    const octets = answerTo('www.example.com', 'A', { answer: [WWW] });
    for (const at of [6, 8, 10]) {
      const wrong = Buffer.from(octets);
      wrong.writeUInt16BE(0xffff, at);
      expect(reduce(wrong, {})).toBeNull();
    }
  });

  it('what does not fit once written out: part of an RRset is never taken for the whole', () => {
    const big = `www.example.com. 60 TXT \\# 64600 ${'ff'.repeat(64600)}`;
    expect(kept({ answer: [big] }, { type: 'TXT' })).toEqual([shown(big)]);
    expect(kept({ answer: ['x.example. 60 A 192.0.2.1', big] }, { type: 'TXT' })).toEqual([
      'malformed',
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';
import { ANSWERED, CHAIN_LEAVES, Zones } from '../../src/zones/answer.ts';
import { compileZones } from '../../src/zones/compile.ts';
import { type Asked, answerOf, ask, decodeResponse, queryOf, served } from './messages.ts';

const RECORDS = `
a A 192.0.2.1
a TXT x
alias CNAME a
away CNAME www.elsewhere.test.
hop CNAME away
self CNAME self
ring1 CNAME ring2
ring2 CNAME ring1
deadend CNAME missing
nodata CNAME empty.below
x.empty.below A 192.0.2.2
*.wild A 192.0.2.3
*.wildalias CNAME in.other.example.
toprivate CNAME a.hidden.example.
moved DNAME elsewhere.test.
here DNAME other.example.
here RRSIG DNAME 13 3 60 20300101000000 20250101000000 1 z.example. ZG4=
signed A 192.0.2.4
signed RRSIG A 13 3 60 20300101000000 20250101000000 1 z.example. c2ln
signedalias CNAME signed
signedalias RRSIG CNAME 13 3 60 20300101000000 20250101000000 1 z.example. YWxz
; Out of reach: another zone speaks for them, whichever is compiled first.
deep.in A 192.0.2.99
hidden.deep.in A 192.0.2.99
late.in A 192.0.2.99
`;
const LONG_CHAIN = Array.from({ length: 40 }, (_, i) => `n${i} CNAME n${i + 1}`).join('\n');
const BIG = Array.from({ length: 200 }, (_, i) => `big A 192.0.2.${i}`).join('\n');

const zones = new Zones(
  compileZones(
    [
      // Zones before and after the one that is inside or around them: the order does not matter.
      served('deep.in.z.example', '@ A 192.0.2.7'),
      served('z.example', `${RECORDS}${LONG_CHAIN}\n${BIG}`),
      served('other.example', 'in A 192.0.2.5\nback CNAME a.z.example.'),
      served('hidden.example', 'a A 192.0.2.6\nself CNAME a', { private: true }),
      // Names that do not exist, but for a zone among them.
      served('gone', '', { builtin: true, empty: true }),
      served('kept.gone', '@ A 192.0.2.8'),
      served('late.in.z.example', '@ A 192.0.2.9'),
    ],
    [nameToWire('.'), nameToWire('corp.z.example'), nameToWire('deep.in.z.example')],
  ),
);

const SOA_OF_Z =
  'z.example 30 SOA ns.z.example host.z.example 000000010000000200000003000000040000001e';
const NXDOMAIN = { rcode: 'NXDOMAIN', answers: [], authorities: [SOA_OF_Z] };
const NODATA = { rcode: 'NOERROR', answers: [], authorities: [SOA_OF_Z] };

describe('answers from local zones', () => {
  const rows: { name: string; asked: Asked; want: object }[] = [
    {
      name: 'the owner shows the case of the query',
      asked: ask('A.z.eXample', 'A'),
      want: { rcode: 'NOERROR', answers: ['A.z.eXample 60 A c0000201'], authorities: [] },
    },
    {
      name: 'NODATA has the SOA with the negative TTL',
      asked: ask('a.z.example', 'MX'),
      want: NODATA,
    },
    { name: 'NXDOMAIN has the SOA', asked: ask('b.z.example', 'A'), want: NXDOMAIN },
    { name: 'an empty non-terminal is NODATA', asked: ask('below.z.example', 'A'), want: NODATA },
    {
      name: 'an alias is followed',
      asked: ask('alias.z.example', 'A'),
      want: { answers: ['alias.z.example 60 CNAME a.z.example', 'a.z.example 60 A c0000201'] },
    },
    {
      name: 'an alias that is asked for is not followed',
      asked: ask('alias.z.example', 'CNAME'),
      want: { answers: ['alias.z.example 60 CNAME a.z.example'], result: ANSWERED },
    },
    {
      name: 'an alias to nothing is NXDOMAIN with the alias',
      asked: ask('deadend.z.example', 'A'),
      want: {
        rcode: 'NXDOMAIN',
        answers: ['deadend.z.example 60 CNAME missing.z.example'],
        authorities: [SOA_OF_Z],
      },
    },
    {
      name: 'an alias to an empty non-terminal is NODATA with the alias',
      asked: ask('nodata.z.example', 'A'),
      want: {
        rcode: 'NOERROR',
        answers: ['nodata.z.example 60 CNAME empty.below.z.example'],
        authorities: [SOA_OF_Z],
      },
    },
    {
      name: 'a ring of aliases ends when it comes round',
      asked: ask('Ring1.z.example', 'A'),
      want: {
        rcode: 'NOERROR',
        result: ANSWERED,
        answers: [
          'Ring1.z.example 60 CNAME ring2.z.example',
          'ring2.z.example 60 CNAME ring1.z.example',
        ],
      },
    },
    {
      name: 'an alias of itself ends',
      asked: ask('self.z.example', 'A'),
      want: { answers: ['self.z.example 60 CNAME self.z.example'], result: ANSWERED },
    },
    {
      name: 'aliases lead into other local zones',
      asked: ask('x.wildalias.z.example', 'A'),
      want: {
        result: ANSWERED,
        answers: [
          'x.wildalias.z.example 60 CNAME in.other.example',
          'in.other.example 60 A c0000205',
        ],
      },
    },
    {
      name: 'aliases do not lead into a private zone from outside',
      asked: ask('toprivate.z.example', 'A'),
      want: {
        result: CHAIN_LEAVES,
        answers: ['toprivate.z.example 60 CNAME a.hidden.example'],
      },
    },
    {
      name: 'aliases inside of a private zone are followed',
      asked: ask('self.hidden.example', 'A'),
      want: { result: ANSWERED, answers: [expect.anything(), 'a.hidden.example 60 A c0000206'] },
    },
    {
      name: 'a DNAME leads into another local zone',
      asked: ask('In.here.z.example', 'A'),
      want: {
        answers: [
          'here.z.example 60 DNAME other.example',
          'In.here.z.example 60 CNAME in.other.example',
          'In.other.example 60 A c0000205',
        ],
      },
    },
    { name: 'the DNAME itself is a name', asked: ask('here.z.example', 'A'), want: NODATA },
    {
      name: 'ANY gets one RRset (RFC 8482)',
      asked: ask('a.z.example', 'ANY'),
      want: { answers: ['a.z.example 60 A c0000201'] },
    },
    {
      name: 'ANY does not follow an alias',
      asked: ask('alias.z.example', 'ANY'),
      want: { answers: ['alias.z.example 60 CNAME a.z.example'], result: ANSWERED },
    },
    {
      name: 'ANY of an empty non-terminal is NODATA',
      asked: ask('below.z.example', 'ANY'),
      want: NODATA,
    },
    {
      name: 'signatures along a chain with DO',
      asked: ask('signedalias.z.example', 'A', { dnssecOk: true }),
      want: {
        answers: [
          'signedalias.z.example 60 CNAME signed.z.example',
          expect.stringContaining('signedalias.z.example 60 RRSIG 0005'),
          'signed.z.example 60 A c0000204',
          expect.stringContaining('signed.z.example 60 RRSIG 0001'),
        ],
      },
    },
    {
      name: 'the signature of a DNAME with DO; what it makes has none',
      asked: ask('in.here.z.example', 'A', { dnssecOk: true }),
      want: {
        answers: [
          'here.z.example 60 DNAME other.example',
          expect.stringContaining('here.z.example 60 RRSIG 0027'),
          'in.here.z.example 60 CNAME in.other.example',
          'in.other.example 60 A c0000205',
        ],
      },
    },
    {
      name: 'no signature without DO',
      asked: ask('signed.z.example', 'A'),
      want: { answers: ['signed.z.example 60 A c0000204'] },
    },
    {
      name: 'a zone inside of another answers its own names',
      asked: ask('deep.in.z.example', 'A'),
      want: { answers: ['deep.in.z.example 60 A c0000207'] },
    },
    {
      name: 'a zone inside of another that is listed after it',
      asked: ask('late.in.z.example', 'A'),
      want: { answers: ['late.in.z.example 60 A c0000209'] },
    },
    {
      name: 'and not what the zone around it holds there',
      asked: ask('hidden.deep.in.z.example', 'A'),
      want: { rcode: 'NXDOMAIN', authorities: [expect.stringMatching(/^deep\.in\.z\.example /)] },
    },
    {
      name: 'a name above a zone inside of another exists (RFC 8020)',
      asked: ask('in.z.example', 'A'),
      want: NODATA,
    },
    {
      name: 'in an empty zone nothing exists',
      asked: ask('x.gone', 'A'),
      want: { rcode: 'NXDOMAIN', authorities: [expect.stringMatching(/^gone 30 SOA /)] },
    },
    {
      name: 'but what lies above another zone',
      asked: ask('gone', 'A'),
      want: { rcode: 'NOERROR', authorities: [expect.stringMatching(/^gone 30 SOA /)] },
    },
  ];
  for (const { name, asked, want } of rows) {
    it(name, () => {
      const response = answerOf(zones, asked);
      expect(response).toMatchObject({ aa: true, tc: false, hasOpt: true, ...want });
    });
  }

  it('a query without OPT gets none', () => {
    expect(answerOf(zones, ask('a.z.example', 'A', { udpSize: 0 }))?.hasOpt).toBe(false);
  });

  it('a chain that leaves tells the name it came to', () => {
    for (const name of ['hop', 'away']) {
      const response = answerOf(zones, ask(`${name}.z.example`, 'A'));
      expect(response?.result).toBe(CHAIN_LEAVES);
      const target = zones.target.octets.subarray(0, zones.target.length);
      expect(nameToText(target)).toBe('www.elsewhere.test');
      expect(zones.find(zones.target)).toBe(-1);
    }
  });

  it('a DNAME that leaves tells the name that it made', () => {
    const response = answerOf(zones, ask('X.y.moved.z.example', 'A'));
    expect(response?.answers).toEqual([
      'moved.z.example 60 DNAME elsewhere.test',
      'X.y.moved.z.example 60 CNAME x.y.elsewhere.test',
    ]);
    expect(response?.result).toBe(CHAIN_LEAVES);
    expect(nameToText(zones.target.octets)).toBe('x.y.elsewhere.test');
  });

  it('a long chain ends after 16 aliases', () => {
    const response = answerOf(zones, ask('n0.z.example', 'A'));
    expect(response?.answers).toHaveLength(16);
    expect(response?.result).toBe(ANSWERED);
  });
});

describe('which zone a name is in', () => {
  const rows: { name: string; asked: string; want: string }[] = [
    { name: 'the apex', asked: 'z.example', want: 'zone z.example (z.example.zone)' },
    {
      name: 'below it, in any case',
      asked: 'A.b.Z.Example',
      want: 'zone z.example (z.example.zone)',
    },
    {
      name: 'the longest apex',
      asked: 'a.deep.in.z.example',
      want: 'zone deep.in.z.example (deep.in.z.example.zone)',
    },
    { name: 'a longer forward rule takes its names out', asked: 'corp.z.example', want: '' },
    { name: 'and those below it', asked: 'x.corp.z.example', want: '' },
    { name: 'the parent of an apex is not in it', asked: 'example', want: '' },
    { name: 'a suffix without a label boundary', asked: 'az.example', want: '' },
    { name: 'the root', asked: '.', want: '' },
    { name: 'dots inside of a label', asked: 'a\\.z.example', want: '' },
  ];
  for (const { name, asked, want } of rows) {
    it(name, () => {
      const wire = nameToWire(asked);
      const target = new WireName();
      readName(wire, 0, wire.length, target);
      expect(zones.text(zones.find(target))).toBe(want);
    });
  }

  it('flags of a zone', () => {
    const of = (name: string): boolean[] => {
      const wire = new WireName();
      readName(nameToWire(name), 0, 255, wire);
      const zone = zones.find(wire);
      return [zones.isPrivate(zone), zones.isBuiltin(zone)];
    };
    expect(of('z.example')).toEqual([false, false]);
    expect(of('hidden.example')).toEqual([true, false]);
    expect(of('gone')).toEqual([false, true]);
  });

  it('a name is compared by its octets, not only by its hash', () => {
    const memory = compileZones([served('z.example', 'a A 192.0.2.1')], []);
    const saidWith = (changed: (octet: number, at: number) => boolean): string | undefined => {
      const octets = memory.octets.map((octet, at) => (changed(octet, at) ? octet + 1 : octet));
      return answerOf(new Zones({ ...memory, octets }), ask('a.z.example', 'A'))?.rcode;
    };
    expect(saidWith(() => false)).toBe('NOERROR');
    expect(saidWith((_, at) => memory.octets[at - 1] === 1 && memory.octets[at] === 97)).toBe(
      'NXDOMAIN',
    );
    expect(saidWith((octet) => octet === 120 /* 'x' */)).toBeUndefined();
  });

  it('without any zone no name is in one', () => {
    const none = new Zones(compileZones([], []));
    expect(answerOf(none, ask('a.z.example', 'A'))).toBeNull();
  });
});

describe('answers that do not fit', () => {
  it('200 addresses over UDP are TC without a record, over TCP they are all there', () => {
    const cut = answerOf(zones, ask('big.z.example', 'A'));
    expect(cut).toMatchObject({ tc: true, aa: true, answers: [], authorities: [], hasOpt: true });
    const whole = answerOf(zones, ask('big.z.example', 'A', { udpSize: 0 }));
    expect(whole).toMatchObject({ tc: false, aa: true });
    expect(whole?.answers).toHaveLength(200);
  });

  it('no response is ever over its limit or badly formed, at any size and any room', () => {
    let truncated = 0;
    const names = ['n0', 'big', 'alias', 'x.moved', 'x.here', 'b', 'signedalias', 'a', 'ring1'];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.constantFrom('A', 'ANY', 'CNAME', 'RRSIG', 'TXT'),
        fc.integer({ min: 64, max: 1400 }),
        fc.integer({ min: 0, max: 1400 }),
        fc.boolean(),
        (name, type, room, udpSize, dnssecOk) => {
          const query = queryOf({ name: `${name}.z.example`, type, udpSize, dnssecOk });
          query.outStart = 100;
          query.outRoom = room;
          query.out.fill(0xee);
          zones.answer(query, zones.find(query.name));
          expect(query.outLength).toBeLessThanOrEqual(room);
          const end = query.outStart + query.outLength;
          expect(query.out[99]).toBe(0xee);
          expect(query.out[query.outStart + room]).toBe(0xee);
          const response = decodeResponse(query.out.subarray(query.outStart, end));
          if (response.tc) truncated++;
          expect(response.hasOpt).toBe(udpSize > 0);
        },
      ),
      { seed: 1035, numRuns: 2000 },
    );
    expect(truncated).toBeGreaterThan(200);
  });
});

import { describe, expect, it } from 'vitest';
import { Query } from '../../src/query.ts';
import { PARSE_DROP, PARSE_FORMERR, PARSE_OK, PARSE_OPCODE, parse } from '../../src/wire/parse.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';

interface Message {
  readonly flags?: number;
  /** QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT; one question and the records given when left out. */
  readonly counts?: readonly [number, number, number, number];
  /** Hex of the question; www.example.com A IN when left out. */
  readonly question?: string;
  /** Hex of each record in the additional section. */
  readonly records?: readonly string[];
  readonly trailing?: string;
}

const QUESTION = `${Buffer.from(nameToWire('www.example.com')).toString('hex')}00010001`;

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

function u16(...values: readonly number[]): Buffer {
  const octets = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) octets.writeUInt16BE(value, i * 2);
  return octets;
}

function build(message: Message): Buffer {
  const records = message.records ?? [];
  return Buffer.concat([
    u16(0x1234, message.flags ?? 0x0100),
    u16(...(message.counts ?? [1, 0, 0, records.length])),
    hex(message.question ?? QUESTION),
    ...records.map(hex),
    hex(message.trailing ?? ''),
  ]);
}

interface OptShape {
  readonly owner?: string;
  readonly size?: number;
  readonly version?: number;
  readonly flags?: number;
  /** Hex of the options. */
  readonly options?: string;
  /** RDLENGTH when it shall not be that of the options. */
  readonly rdlength?: number;
}

function opt(shape: OptShape = {}): string {
  const options = hex(shape.options ?? '');
  return Buffer.concat([
    hex(shape.owner ?? '00'),
    u16(41, shape.size ?? 1232),
    Buffer.from([0, shape.version ?? 0]),
    u16(shape.flags ?? 0, shape.rdlength ?? options.length),
    options,
  ]).toString('hex');
}

/** An option with `octets` of content. */
function option(code: number, octets: string): string {
  const content = hex(octets);
  return Buffer.concat([u16(code, content.length), content]).toString('hex');
}

/** Parses with other octets before and behind, as in a slab. */
function run(octets: Uint8Array): { readonly result: number; readonly query: Query } {
  const query = new Query();
  const slab = new Uint8Array(100 + octets.length + 100).fill(0xa5);
  slab.set(octets, 100);
  query.octets = slab;
  query.start = 100;
  query.end = 100 + octets.length;
  return { result: parse(query), query };
}

const A_RECORD = `c00c 0001 0001 0000003c 0004 c0000201`;

describe('whether a message is a query', () => {
  const rows: readonly (readonly [string, Message, number])[] = [
    ['one question is a query', {}, PARSE_OK],
    ['a response is dropped', { flags: 0x8180 }, PARSE_DROP],
    ['a response of another opcode is dropped too', { flags: 0xa800 }, PARSE_DROP],
    ['NOTIFY is told apart, its body not read', { flags: 0x2000, question: '' }, PARSE_OPCODE],
    ['UPDATE is told apart', { flags: 0x2800 }, PARSE_OPCODE],
    ['STATUS is told apart', { flags: 0x1000 }, PARSE_OPCODE],
    ['opcode 15 is told apart', { flags: 0x7800 }, PARSE_OPCODE],
    ['AA, TC, RA, Z, AD, CD and an rcode in a query are ignored', { flags: 0x07ff }, PARSE_OK],
    ['no question is FORMERR', { counts: [0, 0, 0, 0], question: '' }, PARSE_FORMERR],
    ['two questions are FORMERR', { counts: [2, 0, 0, 0], trailing: QUESTION }, PARSE_FORMERR],
    ['65535 questions are FORMERR', { counts: [65535, 0, 0, 0] }, PARSE_FORMERR],
    ['65535 answers that are not there are FORMERR', { counts: [1, 65535, 0, 0] }, PARSE_FORMERR],
    ['65535 of each are FORMERR', { counts: [1, 65535, 65535, 65535] }, PARSE_FORMERR],
    ['one record that is not there is FORMERR', { counts: [1, 0, 0, 1] }, PARSE_FORMERR],
    ['a question without its class is FORMERR', { question: '016100 0001 00' }, PARSE_FORMERR],
    ['a name without end is FORMERR', { question: '0161' }, PARSE_FORMERR],
    ['a compressed question is FORMERR', { question: 'c00c 0001 0001' }, PARSE_FORMERR],
    ['a question of type OPT is FORMERR', { question: '00 0029 0001' }, PARSE_FORMERR],
    ['a question for the root is fine', { question: '00 0002 0001' }, PARSE_OK],
    ['octets after the last record are ignored', { trailing: 'deadbeef' }, PARSE_OK],
    ['records that are no OPT are ignored', { records: [A_RECORD] }, PARSE_OK],
    ['answers in a query are ignored', { counts: [1, 1, 0, 0], trailing: A_RECORD }, PARSE_OK],
    ['a record past the end is FORMERR', { records: [A_RECORD.slice(0, -2)] }, PARSE_FORMERR],
  ];
  for (const [rule, message, want] of rows) {
    it(rule, () => expect(run(build(message)).result).toBe(want));
  }

  for (let length = 0; length < 12; length++) {
    it(`${length} octets are dropped`, () => {
      expect(run(build({}).subarray(0, length)).result).toBe(PARSE_DROP);
    });
  }

  it('a message that ends anywhere before its end is FORMERR', () => {
    const whole = build({ records: [opt({ options: option(10, '0011223344556677') })] });
    for (let length = 12; length < whole.length; length++) {
      expect(run(whole.subarray(0, length)).result).toBe(PARSE_FORMERR);
    }
    expect(run(whole).result).toBe(PARSE_OK);
  });
});

describe('EDNS', () => {
  const cookie = (octets: number): string => option(10, '11'.repeat(octets));
  const ecs = (family: number, prefix: number, octets: number): string =>
    option(
      8,
      `${u16(family).toString('hex')}${Buffer.from([prefix, 0]).toString('hex')}${'0a'.repeat(octets)}`,
    );
  const rows: readonly (readonly [string, readonly string[], number])[] = [
    ['an OPT is read', [opt()], PARSE_OK],
    ['an OPT behind another record is read', [A_RECORD, opt()], PARSE_OK],
    ['two OPTs are FORMERR', [opt(), opt()], PARSE_FORMERR],
    ['an OPT owned by a name is FORMERR', [opt({ owner: '016100' })], PARSE_FORMERR],
    ['an OPT owned by a pointer to the root is FORMERR', [opt({ owner: 'c01c' })], PARSE_FORMERR],
    ['a higher version is parsed: BADVERS is for later', [opt({ version: 1 })], PARSE_OK],
    [
      'unknown options are skipped',
      [opt({ options: option(65001, '00') + option(4, '') })],
      PARSE_OK,
    ],
    [
      'an option past the end is FORMERR',
      [opt({ options: '000a 0009 1122334455667788' })],
      PARSE_FORMERR,
    ],
    ['half an option head is FORMERR', [opt({ options: '000a 00' })], PARSE_FORMERR],
    ['RDLENGTH past the end is FORMERR', [opt({ rdlength: 1 })], PARSE_FORMERR],
    ['a client cookie has 8 octets', [opt({ options: cookie(8) })], PARSE_OK],
    ['a cookie of 7 is FORMERR', [opt({ options: cookie(7) })], PARSE_FORMERR],
    ['a cookie of 9 is FORMERR', [opt({ options: cookie(9) })], PARSE_FORMERR],
    ['a cookie of 15 is FORMERR', [opt({ options: cookie(15) })], PARSE_FORMERR],
    ['a server cookie makes it 16 to 40', [opt({ options: cookie(16) + cookie(40) })], PARSE_OK],
    ['a cookie of 41 is FORMERR', [opt({ options: cookie(41) })], PARSE_FORMERR],
    ['an empty cookie is FORMERR', [opt({ options: cookie(0) })], PARSE_FORMERR],
    ['ECS 0.0.0.0/0 has no address octets', [opt({ options: ecs(1, 0, 0) })], PARSE_OK],
    ['ECS /24 has three', [opt({ options: ecs(1, 24, 3) })], PARSE_OK],
    ['ECS /25 has four', [opt({ options: ecs(1, 25, 4) })], PARSE_OK],
    ['ECS with an octet too few is FORMERR', [opt({ options: ecs(1, 25, 3) })], PARSE_FORMERR],
    ['ECS with an octet too many is FORMERR', [opt({ options: ecs(1, 24, 4) })], PARSE_FORMERR],
    ['ECS /33 of IPv4 is FORMERR', [opt({ options: ecs(1, 33, 5) })], PARSE_FORMERR],
    ['ECS /128 of IPv6 is fine', [opt({ options: ecs(2, 128, 16) })], PARSE_OK],
    ['ECS /129 of IPv6 is FORMERR', [opt({ options: ecs(2, 129, 17) })], PARSE_FORMERR],
    ['ECS of an unknown family is skipped', [opt({ options: ecs(3, 200, 2) })], PARSE_OK],
    ['ECS cut before its prefix is FORMERR', [opt({ options: option(8, '0001') })], PARSE_FORMERR],
    ['128 options are walked', [opt({ options: option(65001, '').repeat(128) })], PARSE_OK],
    [
      'what comes after them is not looked at',
      [opt({ options: `${option(65001, '').repeat(128)}ff` })],
      PARSE_OK,
    ],
  ];
  for (const [rule, records, want] of rows) {
    it(rule, () => expect(run(build({ records })).result).toBe(want));
  }

  it('an OPT in the answer section is FORMERR', () => {
    expect(run(build({ counts: [1, 1, 0, 0], trailing: opt() })).result).toBe(PARSE_FORMERR);
  });

  it('an OPT in the authority section is FORMERR', () => {
    expect(run(build({ counts: [1, 0, 1, 0], trailing: opt() })).result).toBe(PARSE_FORMERR);
  });

  const sizes: readonly (readonly [number, number])[] = [
    [0, 512],
    [511, 512],
    [513, 513],
    [1232, 1232],
    [4096, 1232],
    [65535, 1232],
  ];
  for (const [size, want] of sizes) {
    it(`a payload size of ${size} means ${want}`, () => {
      expect(run(build({ records: [opt({ size })] })).query.udpSize).toBe(want);
    });
  }
});

describe('what a query says', () => {
  it('is all read', () => {
    const question = `${Buffer.from(nameToWire('WwW.Example')).toString('hex')} 0041 0001`;
    const records = [opt({ flags: 0x8000, size: 1400, options: option(11, '') })];
    const { query } = run(build({ flags: 0x0130, question, records }));
    expect(nameToText(query.name.octets)).toBe('www.example');
    expect([query.id, query.flags, query.qtype, query.qclass]).toEqual([0x1234, 0x0130, 65, 1]);
    expect([query.hasEdns, query.dnssecOk, query.wantsKeepalive]).toEqual([1, 1, 1]);
    expect(query.questionEnd).toBe(100 + 12 + 13 + 4);
  });

  it('leaves nothing of the message before', () => {
    const query = new Query();
    for (const octets of [
      build({ records: [opt({ flags: 0x8000, options: option(11, '') })] }),
      build({}),
    ]) {
      query.octets = octets;
      query.start = 0;
      query.end = octets.length;
      expect(parse(query)).toBe(PARSE_OK);
    }
    expect([query.hasEdns, query.dnssecOk, query.wantsKeepalive, query.udpSize]).toEqual([
      0, 0, 0, 512,
    ]);
  });

  it('an option ends inside its OPT, to the octet, whatever its code', () => {
    for (const code of [3, 8, 10, 11, 12, 65001]) {
      // A cookie of 8 octets, an ECS without an address: content that is well formed.
      const content = code === 8 ? '00010000' : '00'.repeat(8);
      const whole = option(code, content);
      expect(run(build({ records: [opt({ options: whole })] })).result).toBe(PARSE_OK);
      for (let over = 1; over < 16; over++) {
        // Octets behind the record are there, so that only its own end can be what is missed.
        const rdlength = whole.length / 2 - over;
        if (rdlength <= 0) continue;
        const record = opt({ options: whole.slice(0, rdlength * 2) });
        const octets = build({ records: [record], trailing: whole.slice(rdlength * 2) });
        expect(run(octets).result, `option ${code}, ${over} octets over`).toBe(PARSE_FORMERR);
      }
    }
  });

  it('a body that cannot be read leaves no question to echo', () => {
    const { query } = run(build({ question: 'c00c 0001 0001' }));
    expect(query.questionEnd).toBe(100 + 12);
  });
});

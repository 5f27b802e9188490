/** Messages as no client should send them, names of every kind, opcodes, classes and types. */

import assert from 'node:assert/strict';
import { buildQuery, headerOctets, optOctets, questionOctets } from '../support/message.ts';
import {
  A,
  address,
  CNAME,
  FORMERR,
  NOERROR,
  NOTIMP,
  QNAME,
  RD,
  record,
  response,
  text,
  u16,
  wire,
} from '../support/records.ts';
import type { Check } from './check.ts';
import type { Subject } from './subject.ts';

type Build = (subject: Subject) => Buffer;

/** A header with counts, and what follows it. */
function message(counts: readonly [number, number, number, number], ...body: Uint8Array[]): Buffer {
  return Buffer.concat([headerOctets(0, RD, counts), ...body]);
}

const question = (subject: Subject): Buffer => questionOctets({ name: subject.name('bad') });
const LONG = Buffer.from([...Array.from({ length: 51 }, () => [4, 97, 97, 97, 97]).flat(), 0]);
const END = u16(A, 1);
const OVERLONG = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 3, 0, 9]);

/** Each gets FORMERR, and nothing of it goes upstream. */
const MALFORMED: readonly (readonly [string, string, Build])[] = [
  ['RFC 9619', 'no question', () => message([0, 0, 0, 0])],
  ['RFC 9619', 'two questions', (s) => message([2, 0, 0, 0], question(s), question(s))],
  ['RFC 9267 6', 'counts that it cannot hold', (s) => message([1, 65535, 0, 0], question(s))],
  ['RFC 9267 6', '65,535 questions', (s) => message([65535, 0, 0, 0], question(s))],
  ['RFC 9267 4', 'a label past the end', () => message([1, 0, 0, 0], Buffer.from([9, 97, 98]))],
  ['RFC 9267 5', 'a name without its root', () => message([1, 0, 0, 0], Buffer.from([1, 97]))],
  [
    'RFC 1035 4.1.2',
    'a question cut in its class',
    (s) => buildQuery({ name: s.name() }).subarray(0, -1),
  ],
  ['RFC 9267 2', 'a pointer for a question', () => message([1, 0, 0, 0], QNAME, END)],
  ['RFC 9267 2', 'a pointer forward', () => message([1, 0, 0, 0], Buffer.from([0xc0, 0x40]), END)],
  [
    'RFC 6891 5',
    'a label of type 0x40',
    () => message([1, 0, 0, 0], Buffer.from([0x41, 97, 0]), END),
  ],
  [
    'RFC 1035 4.1.4',
    'a label of type 0x80',
    () => message([1, 0, 0, 0], Buffer.from([0x81, 97, 0]), END),
  ],
  ['RFC 1035 2.3.4', 'a name of 256 octets', () => message([1, 0, 0, 0], LONG, END)],
  [
    'RFC 6891 6.1.1',
    'two OPT records',
    (s) => message([1, 0, 0, 2], question(s), optOctets({}), optOctets({})),
  ],
  [
    'RFC 6891 6.1.2',
    'an OPT owned by a name',
    (s) => message([1, 0, 0, 1], question(s), Buffer.from([1, 97]), optOctets({})),
  ],
  ['RFC 6891 6.1.2', 'an option past its end', (s) => message([1, 0, 0, 1], question(s), OVERLONG)],
];

const malformed: Check[] = MALFORMED.map(([rfc, what, build]) => ({
  rfc,
  rule: `${what} gets FORMERR`,
  async run(subject) {
    const reached = await subject.reaching(async () => {
      const octets = await subject.exchange(build(subject));
      assert.ok(octets !== null && octets.length >= 12, 'no response');
      assert.equal(octets.readUInt16BE(2) & 15, FORMERR);
    });
    assert.equal(reached.length, 0, 'it went upstream');
  },
}));

/** Each is answered with one of `rcodes`, and never goes upstream. */
function staysHere(rfc: string, rule: string, build: Build, rcodes?: readonly number[]): Check {
  return {
    rfc,
    rule,
    async run(subject) {
      const reached = await subject.reaching(async () => {
        const octets = await subject.exchange(build(subject));
        assert.ok(octets !== null, 'no response');
        const rcode = octets.readUInt16BE(2) & 15;
        if (rcodes !== undefined) assert.ok(rcodes.includes(rcode), `rcode ${rcode}`);
      });
      assert.equal(reached.length, 0, 'it went upstream');
    },
  };
}

const OPCODES = [
  ['IQUERY', 1],
  ['STATUS', 2],
  ['3', 3],
  ['NOTIFY', 4],
  ['UPDATE', 5],
  ['DSO', 6],
  ['15', 15],
] as const;

const opcodes: Check[] = OPCODES.map(([name, opcode]) =>
  staysHere(
    'RFC 8906 3.1.4',
    `opcode ${name} is not implemented and not forwarded`,
    (subject) => buildQuery({ name: subject.name('op'), flags: RD | (opcode << 11) }),
    // NOTIFY and UPDATE may also be refused, and be about a zone that is not served (RFC 1996, 2136).
    opcode === 4 || opcode === 5 ? [NOTIMP, 5, 9] : [NOTIMP],
  ),
);

const CLASSES = [
  ['CH', 3],
  ['HS', 4],
  ['NONE', 254],
  ['ANY', 255],
  ['0', 0],
] as const;

const classes: Check[] = CLASSES.map(([name, qclass]) =>
  staysHere('RFC 5625 4.3', `class ${name} is answered and not forwarded`, (subject) =>
    buildQuery({ name: subject.name('class'), qclass }),
  ),
);

const TOLD = ['version.bind', 'hostname.bind', 'id.server', 'authors.bind', 'version.server'];
const leaks: Check[] = TOLD.map((name) => ({
  rfc: 'RFC 4892',
  rule: `${name} tells nothing`,
  async run(subject) {
    const got = await subject.ask({ name, type: 'TXT', qclass: 3 });
    assert.deepEqual(got.answers, []);
  },
}));

const TYPES = [
  ['RFC 5936', 'AXFR', 'TYPE252'],
  ['RFC 1995', 'IXFR', 'TYPE251'],
  ['RFC 8906 3.1.2', 'TSIG', 'TYPE250'],
  ['RFC 6891 6.1.1', 'OPT', 'TYPE41'],
] as const;

const types: Check[] = TYPES.map(([rfc, name, type]) =>
  staysHere(rfc, `a question for type ${name} is answered and not forwarded`, (subject) =>
    buildQuery({ name: subject.name('meta'), type }),
  ),
);

const names: Check[] = [
  {
    rfc: 'RFC 1035 2.3.4',
    rule: 'a label of 63 octets works',
    async run(subject) {
      const name = `${'l'.repeat(63)}.${subject.name()}`;
      assert.equal((await subject.ask({ name })).answers.length, 1);
    },
  },
  {
    rfc: 'RFC 1035 2.3.4',
    rule: 'a name of 255 octets works',
    async run(subject) {
      const base = subject.name();
      const room = 253 - base.length - 1;
      const label = 'x'.repeat(room % 64 === 0 ? 31 : room % 64);
      const rest = Array.from({ length: Math.floor(room / 64) }, () => 'y'.repeat(63));
      const name = [...rest, label, base].join('.').slice(-253);
      assert.equal((await subject.ask({ name })).answers.length, 1, `${name.length} characters`);
    },
  },
  ...[0, 32, 46, 92, 0x80, 0xff].map((octet) => ({
    rfc: 'RFC 2181 11',
    rule: `octet ${octet} in a label survives the way there and back`,
    async run(subject: Subject) {
      const base = wire(subject.name('octet'));
      const qname = Buffer.concat([Buffer.from([3, 97, octet, 98]), base]);
      const sent = Buffer.concat([headerOctets(0, RD, [1, 0, 0, 0]), qname, u16(A, 1)]);
      const reached = await subject.reaching(async () => {
        const got = await subject.send(sent);
        assert.equal(got.rcode, NOERROR);
        assert.deepEqual(got.question, Buffer.concat([qname, u16(A, 1)]));
      });
      const there = reached[0]?.question.subarray(0, 4);
      assert.equal(there?.readUInt8(2), octet);
    },
  })),
  {
    rfc: 'RFC 3597 2',
    rule: 'a type that nobody knows is forwarded, its data intact',
    async run(subject) {
      const data = Buffer.from([0xc0, 12, 0, 255, 192, 12]);
      const name = subject.name('unknown', (asked) =>
        asked.reply(response(asked, { answers: [record(QNAME, 65280, data)] })),
      );
      for (const from of ['upstream', 'store']) {
        const got = await subject.ask({ name, type: 'TYPE65280' });
        assert.equal(got.answers[0]?.rdata, data.toString('hex'), from);
      }
    },
  },
  {
    rfc: 'RFC 8482',
    rule: 'ANY gets a small answer',
    over: 'udp',
    async run(subject) {
      const name = subject.name('any', (asked) =>
        asked.reply(response(asked, { answers: Array.from({ length: 4 }, () => text(200)) })),
      );
      const got = await subject.ask({ name, type: 'ANY', edns: { size: 1232 } });
      assert.ok(got.octets.length < 300, `${got.octets.length} octets`);
    },
  },
  {
    rfc: 'RFC 4343 3',
    rule: 'names are the same whatever their case, in the store too',
    async run(subject) {
      const name = subject.name('folded');
      await subject.ask({ name });
      await subject.ask({ name: name.toUpperCase() });
      assert.equal(subject.asked(name).length, 1);
    },
  },
  {
    rfc: 'RFC 4343 3',
    rule: 'only ASCII letters fold: octets 0xC9 and 0xE9 differ',
    async run(subject) {
      const base = wire(subject.name('latin'));
      const reached = await subject.reaching(async () => {
        for (const octet of [0xc9, 0xe9]) {
          const qname = Buffer.concat([Buffer.from([1, octet]), base]);
          await subject.send(Buffer.concat([headerOctets(0, RD, [1, 0, 0, 0]), qname, u16(A, 1)]));
        }
      });
      assert.equal(reached.length, 2);
    },
  },
  {
    rfc: 'RFC 5625 4.4',
    rule: 'octets after the message are not relayed',
    async run(subject) {
      const name = subject.name('tail');
      await subject.exchange(Buffer.concat([buildQuery({ name }), Buffer.from('a secret tail')]));
      for (const { message: octets } of subject.asked(name)) {
        assert.ok(!octets.includes('secret'), 'the tail went upstream');
      }
    },
  },
  {
    rfc: 'RFC 5625 4.4',
    rule: 'records in the answer section of a query are not relayed',
    async run(subject) {
      const name = subject.name('extra');
      const extra = record(QNAME, CNAME, wire('secret.test'));
      await subject.exchange(message([1, 1, 0, 0], questionOctets({ name }), extra));
      for (const { message: octets } of subject.asked(name)) {
        assert.ok(!octets.includes('secret'), 'the record went upstream');
      }
    },
  },
  {
    rfc: 'RFC 2181 5.5',
    rule: 'the order of a chain is kept: the alias before its target',
    async run(subject) {
      const name = subject.name('chain', (asked) => {
        const hop = wire(`hop.${asked.name.toLowerCase()}`);
        const answers = [record(QNAME, CNAME, hop), record(hop, A, Buffer.from([8, 8, 8, 8]))];
        asked.reply(response(asked, { answers }));
      });
      for (const from of ['upstream', 'store']) {
        const got = await subject.ask({ name });
        const order = got.answers.map(({ type }) => type);
        assert.deepEqual(order, ['CNAME', 'A'], from);
      }
    },
  },
  {
    rfc: 'RFC 1035 4.1.3',
    rule: 'every record of a set of 20 comes back',
    async run(subject) {
      const name = subject.name('set', (asked) =>
        asked.reply(response(asked, { answers: Array.from({ length: 20 }, (_, i) => address(i)) })),
      );
      assert.equal((await subject.ask({ name, edns: {} })).answers.length, 20);
      assert.equal((await subject.ask({ name, edns: {} })).answers.length, 20);
    },
  },
];

export const QUERIES: readonly Check[] = [
  ...malformed,
  ...opcodes,
  ...classes,
  ...leaks,
  ...types,
  ...names,
];

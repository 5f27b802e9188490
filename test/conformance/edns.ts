/** EDNS (RFC 6891) and what travels in it, sizes and truncation. */

import assert from 'node:assert/strict';
import {
  buildQuery,
  type EdnsShape,
  headerOctets,
  optOctets,
  questionOctets,
} from '../support/message.ts';
import {
  A,
  AD,
  address,
  BADVERS,
  CD,
  COOKIE,
  ECS,
  EDE,
  FORMERR,
  KEEPALIVE,
  NOERROR,
  NSID,
  PADDING,
  QNAME,
  QR,
  RA,
  RD,
  RRSIG,
  record,
  response,
  TC,
  text,
  u16,
} from '../support/records.ts';
import type { Asked } from '../upstream/fake-server.ts';
import type { Check } from './check.ts';
import type { Subject } from './subject.ts';

/** Octets of a record of text(200). */
const TEXTS = (count: number) => Array.from({ length: count }, (_, i) => text(200, 65 + i));

/** A name that has `count` texts of 200 octets. */
function big(subject: Subject, count: number): string {
  return subject.name('big', (asked) => asked.reply(response(asked, { answers: TEXTS(count) })));
}

/** From the upstream, and from the store. */
async function twice(
  subject: Subject,
  edns: EdnsShape | undefined,
  look: (got: Awaited<ReturnType<Subject['ask']>>, from: string) => void,
): Promise<void> {
  const name = subject.name('edns');
  for (const from of ['upstream', 'store']) {
    look(await subject.ask(edns === undefined ? { name } : { name, edns }), from);
  }
}

function option(code: number, data: Uint8Array): EdnsShape {
  return { options: [{ code, data }] };
}

const presence: Check[] = [
  {
    rfc: 'RFC 6891 7',
    rule: 'no OPT in the query, none in the response',
    run: (subject) => twice(subject, undefined, (got, from) => assert.equal(got.opt, null, from)),
  },
  {
    rfc: 'RFC 6891 6.1.1',
    rule: 'an OPT in the query, one in the response',
    run: (subject) => twice(subject, {}, (got, from) => assert.ok(got.opt !== null, from)),
  },
  {
    rfc: 'RFC 6891 6.1.3',
    rule: 'the response is of version 0',
    run: (subject) => twice(subject, {}, (got) => assert.equal(got.opt?.version, 0)),
  },
  ...[1, 255].map((version) => ({
    rfc: 'RFC 6891 6.1.3',
    rule: `version ${version} gets BADVERS, and not forwarded`,
    async run(subject: Subject) {
      const name = subject.name('badvers');
      const got = await subject.ask({ name, edns: { version } });
      assert.equal(got.rcode, BADVERS);
      assert.equal(got.opt?.version, 0);
      assert.equal(subject.asked(name).length, 0);
    },
  })),
  {
    rfc: 'RFC 6891 6.1.4',
    rule: 'flags that nobody knows are not echoed',
    async run(subject) {
      const name = subject.name('zflags');
      const opt = optOctets({});
      opt.writeUInt16BE(0x7fff, 7);
      const sent = Buffer.concat([
        headerOctets(0, RD, [1, 0, 0, 1]),
        questionOctets({ name }),
        opt,
      ]);
      const octets = (await subject.send(sent)).octets;
      const at = octets.lastIndexOf(Buffer.from([0, 0, 41]));
      assert.equal(octets.readUInt16BE(at + 7) & 0x7fff, 0);
    },
  },
  {
    rfc: 'RFC 3225 3',
    rule: 'DO is copied when set',
    run: (subject) =>
      twice(subject, { dnssecOk: true }, (got, from) =>
        assert.equal(got.opt?.dnssecOk, true, from),
      ),
  },
  {
    rfc: 'RFC 3225 3',
    rule: 'DO is clear when it was',
    run: (subject) =>
      twice(subject, {}, (got, from) => assert.equal(got.opt?.dnssecOk, false, from)),
  },
];

/** Options of a client: the answer is as without, and they are not told upstream. */
const OPTIONS: readonly (readonly [string, string, EdnsShape])[] = [
  ['RFC 6891 6.1.2', 'an unknown option', option(65001, Buffer.from('tell-nobody'))],
  ['RFC 7871 11.1', 'a client subnet', option(ECS, Buffer.from([0, 1, 24, 0, 8, 8, 8]))],
  ['RFC 7830 3', 'padding', option(PADDING, Buffer.alloc(200, 0x61))],
  ['RFC 5001 2.1', 'NSID', option(NSID, Buffer.alloc(0))],
  ['RFC 7873 5.2', 'a client cookie', option(COOKIE, Buffer.from('cookie!!'))],
  ['RFC 7901', 'CHAIN', option(13, Buffer.from([0]))],
  ['RFC 8914', 'an extended error of the client', option(EDE, u16(1))],
];

const options: Check[] = OPTIONS.flatMap(([rfc, what, edns]) => [
  {
    rfc,
    rule: `${what} does not keep the answer away`,
    run: (subject: Subject) =>
      twice(subject, edns, (got) => assert.deepEqual([got.rcode, got.answers.length], [0, 1])),
  },
  {
    rfc: 'RFC 5625 4.4',
    rule: `${what} is not relayed upstream`,
    async run(subject: Subject) {
      const name = subject.name('option');
      await subject.ask({ name, edns });
      const sent = optionsOf(subject.asked(name));
      // A server may have a cookie of its own for its upstream.
      const wanted = edns.options?.[0];
      const same = sent.filter(
        ({ code, data }) => code === wanted?.code && data.equals(Buffer.from(wanted.data)),
      );
      assert.deepEqual(same, []);
    },
  },
]);

/** Options of the OPT records that the upstream saw. */
function optionsOf(asked: readonly Asked[]): { code: number; data: Buffer }[] {
  const found: { code: number; data: Buffer }[] = [];
  for (const { message, question } of asked) {
    let at = 12 + question.length + 11;
    while (at + 4 <= message.length) {
      const size = message.readUInt16BE(at + 2);
      found.push({ code: message.readUInt16BE(at), data: message.subarray(at + 4, at + 4 + size) });
      at += 4 + size;
    }
  }
  return found;
}

const malformedCookies: Check[] = [1, 7, 9, 15, 41].map((size) => ({
  rfc: 'RFC 7873 5.2.2',
  rule: `a cookie of ${size} octets gets FORMERR`,
  async run(subject: Subject) {
    const edns = option(COOKIE, Buffer.alloc(size, 1));
    assert.equal((await subject.ask({ name: subject.name('crumb'), edns })).rcode, FORMERR);
  },
}));

/** An answer whose OPT is full of what must not be relayed. */
function chatty(asked: Asked): Buffer {
  const told = [
    { code: NSID, data: Buffer.from('inside-17') },
    { code: COOKIE, data: Buffer.alloc(24, 1) },
    { code: 65001, data: Buffer.from('relay me') },
  ];
  return response(asked, { answers: [address(1)], additionals: [optOctets({ options: told })] });
}

const relayed: Check[] = [
  {
    rfc: 'RFC 5001 2.1',
    rule: 'NSID of the upstream is not passed on',
    async run(subject) {
      const name = subject.name('nsid', (asked) => asked.reply(chatty(asked)));
      const edns = option(NSID, Buffer.alloc(0));
      for (const from of ['upstream', 'store']) {
        const { octets } = await subject.ask({ name, edns });
        assert.ok(!octets.includes('inside-17'), from);
      }
    },
  },
  {
    rfc: 'RFC 6891 6.1.1',
    rule: 'options are hop by hop: unknown ones of the upstream are not passed on',
    async run(subject) {
      const name = subject.name('hop', (asked) => asked.reply(chatty(asked)));
      const got = await subject.ask({ name, edns: {} });
      assert.ok(!got.octets.includes('relay me'));
      assert.equal(got.answers.length, 1);
    },
  },
  {
    rfc: 'RFC 8914 3',
    rule: 'an extended error of the upstream is passed on or left out, never garbled',
    async run(subject) {
      const said = { code: EDE, data: Buffer.concat([u16(6), Buffer.from('bogus')]) };
      const name = subject.name('ede', (asked) =>
        asked.reply(response(asked, { rcode: 2, additionals: [optOctets({ options: [said] })] })),
      );
      const got = await subject.ask({ name, edns: {} });
      assert.equal(got.rcode, 2);
      const { ede } = got;
      assert.ok(ede === null || [6, 22, 23, 0].includes(ede), `EDE ${ede}`);
    },
  },
  {
    rfc: 'RFC 7828 3.3',
    rule: 'keepalive is not answered over UDP',
    over: 'udp',
    run: (subject) =>
      twice(subject, option(KEEPALIVE, Buffer.alloc(0)), (got) =>
        assert.ok(!got.opt?.options.some(({ code }) => code === KEEPALIVE)),
      ),
  },
  {
    rfc: 'RFC 7828 3.3.2',
    rule: 'keepalive is answered over TCP when asked for',
    over: 'tcp',
    run: (subject) =>
      twice(subject, option(KEEPALIVE, Buffer.alloc(0)), (got) =>
        assert.ok(got.opt?.options.some(({ code }) => code === KEEPALIVE)),
      ),
  },
  {
    rfc: 'RFC 6891 6.1.2',
    rule: 'a hundred options do no harm',
    run: (subject) =>
      twice(
        subject,
        { options: Array.from({ length: 100 }, (_, i) => ({ code: 1000 + i, data: u16(i) })) },
        (got) => assert.equal(got.answers.length, 1),
      ),
  },
];

/** Size that the client says, or none; the limit that holds. */
const SIZES: readonly (readonly [number | null, number])[] = [
  [null, 512],
  [0, 512],
  [511, 512],
  [512, 512],
  [600, 600],
  [1000, 1000],
  [4096, 1452],
  [65535, 1452],
];

const sizes: Check[] = SIZES.map(([size, limit]) => ({
  rfc: limit === 1452 ? 'RFC 9715 3.1' : size === null ? 'RFC 1035 4.2.1' : 'RFC 6891 6.2.5',
  rule: `${size === null ? 'without EDNS' : `with a size of ${size}`} at most ${limit} octets over UDP`,
  over: 'udp',
  async run(subject: Subject) {
    for (const count of [1, 2, 3, 4, 5, 6, 7, 12]) {
      const shape = { name: big(subject, count), type: 'TXT' };
      for (const from of ['upstream', 'store']) {
        const got = await subject.ask(size === null ? shape : { ...shape, edns: { size } });
        assert.ok(got.octets.length <= limit, `${got.octets.length} octets from the ${from}`);
        const isCut = (got.flags & TC) !== 0;
        assert.ok(
          isCut || got.answers.length === count,
          `${got.answers.length} of ${count}, no TC`,
        );
      }
    }
  },
}));

const truncation: Check[] = [
  {
    rfc: 'RFC 2181 9',
    rule: 'TC never leaves half a record behind',
    over: 'udp',
    async run(subject) {
      for (let count = 2; count < 9; count++) {
        // Reading the message to its last octet fails where a record is cut.
        const got = await subject.ask({ name: big(subject, count), type: 'TXT' });
        for (const { rdata } of got.answers) assert.equal(rdata.length, 402);
      }
    },
  },
  {
    rfc: 'RFC 7766 5',
    rule: 'the whole answer comes over TCP whatever the size in EDNS',
    over: 'tcp',
    async run(subject) {
      const got = await subject.ask({ name: big(subject, 12), type: 'TXT', edns: { size: 512 } });
      assert.deepEqual([got.answers.length, got.flags & TC], [12, 0]);
    },
  },
  {
    rfc: 'RFC 7766 5',
    rule: 'an answer of 60,000 octets comes over TCP',
    over: 'tcp',
    async run(subject) {
      const name = subject.name('huge', (asked) => {
        if (asked.connection === null) asked.reply(response(asked, { flags: QR | RD | RA | TC }));
        else
          asked.reply(response(asked, { answers: Array.from({ length: 250 }, () => text(220)) }));
      });
      assert.equal((await subject.ask({ name, type: 'TXT', edns: {} })).answers.length, 250);
    },
  },
];

/** What a forwarder without a validator owes to validators behind it. */
const SIGNATURE = Buffer.concat([
  u16(A, 0x0802, 0, 300, 0, 0, 0, 0, 7),
  Buffer.from([0]),
  Buffer.alloc(64, 9),
]);

function signed(asked: Asked): void {
  const flagsAt = 12 + asked.question.length + 7;
  const hasOpt = asked.message.length > flagsAt + 1;
  const isWanted = hasOpt && (asked.message.readUInt16BE(flagsAt) & 0x8000) !== 0;
  const answers = isWanted ? [address(1), record(QNAME, RRSIG, SIGNATURE)] : [address(1)];
  asked.reply(response(asked, { answers, flags: QR | RD | RA | AD }));
}

const signatures = (got: { answers: readonly { type: string }[] }): number =>
  got.answers.filter(({ type }) => type === 'RRSIG').length;

const dnssec: Check[] = [
  {
    rfc: 'RFC 4035 3.2.1',
    rule: 'signatures come with DO, from the upstream and the store',
    async run(subject) {
      const name = subject.name('signed', signed);
      for (const from of ['upstream', 'store']) {
        assert.equal(signatures(await subject.ask({ name, edns: { dnssecOk: true } })), 1, from);
      }
    },
  },
  {
    rfc: 'RFC 4035 3.2.1',
    rule: 'no signatures without DO out of a store that DO filled',
    async run(subject) {
      const name = subject.name('signed', signed);
      await subject.ask({ name, edns: { dnssecOk: true } });
      assert.equal(signatures(await subject.ask({ name, edns: {} })), 0);
      assert.equal(signatures(await subject.ask({ name })), 0);
    },
  },
  {
    rfc: 'RFC 4035 3.2.1',
    rule: 'signatures with DO out of a store that was filled without',
    async run(subject) {
      const name = subject.name('signed', signed);
      await subject.ask({ name });
      assert.equal(signatures(await subject.ask({ name, edns: { dnssecOk: true } })), 1);
    },
  },
  {
    rfc: 'RFC 4035 3.2.2',
    rule: 'CD goes upstream',
    async run(subject) {
      const name = subject.name('cd');
      await subject.ask({ name, flags: RD | CD, edns: { dnssecOk: true } });
      assert.ok(subject.asked(name).some(({ message }) => message.readUInt16BE(2) & CD));
    },
  },
  {
    rfc: 'RFC 4035 4.7',
    rule: 'what was fetched with CD is not given out without',
    async run(subject) {
      // A bogus answer: the upstream gives it to CD=1 only.
      const name = subject.name('bogus', (asked) => {
        const isUnchecked = (asked.message.readUInt16BE(2) & CD) !== 0;
        asked.reply(response(asked, isUnchecked ? { answers: [address(66)] } : { rcode: 2 }));
      });
      const first = await subject.ask({ name, flags: RD | CD });
      assert.equal(first.rcode, NOERROR);
      assert.equal((await subject.ask({ name })).answers.length, 0);
    },
  },
  {
    rfc: 'RFC 6840 5.8',
    rule: 'AD is not set for who did not ask for it',
    async run(subject) {
      const name = subject.name('ad', signed);
      for (const from of ['upstream', 'store']) {
        assert.equal((await subject.ask({ name })).flags & AD, 0, from);
      }
    },
  },
];

export const EDNS: readonly Check[] = [
  ...presence,
  ...options,
  ...malformedCookies,
  ...relayed,
  ...sizes,
  ...truncation,
  ...dnssec,
  {
    rfc: 'RFC 6891 7',
    rule: 'a query with EDNS does not hurt one without that comes behind',
    async run(subject) {
      const name = subject.name('mixed');
      await subject.exchange(buildQuery({ name, edns: { size: 4096, dnssecOk: true } }));
      assert.equal((await subject.ask({ name })).opt, null);
    },
  },
];

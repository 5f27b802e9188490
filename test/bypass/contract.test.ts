/**
 * What every response owes, whatever was asked and wherever the answer comes from: the header, the
 * question, EDNS, and sizes. Each from the upstream, from the store, and for a denial.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/client.ts';
import {
  CD,
  type EdnsShape,
  headerOctets,
  type Message,
  optOctets,
  RD,
} from '../support/message.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Asked, answerTo } from '../upstream/fake-server.ts';
import {
  BLOCKED,
  FORMERR,
  NOERROR,
  NXDOMAIN,
  plain,
  queryFor,
  Rig,
  record,
  u16,
  wire,
} from './rig.ts';

const [A, TXT, SOA] = [1, 16, 6];
const QNAME = Buffer.from([0xc0, 12]);
const [QR, AA, TC, RA, AD] = [0x8000, 0x0400, 0x0200, 0x0080, 0x0020];
const [NSID, ECS, COOKIE, KEEPALIVE, PADDING, EDE] = [3, 8, 10, 11, 12, 15];
const UDP_SIZE = 1232;

function query(name: Uint8Array, type: number, flags: number, edns: EdnsShape | null): Buffer {
  const opt = edns === null ? Buffer.alloc(0) : optOctets(edns);
  const header = headerOctets(0, flags, [1, 0, 0, edns === null ? 0 : 1]);
  return Buffer.concat([header, name, u16(type, 1), opt]);
}

/** Answers that a name asks for by its first label. */
function answer(asked: Asked): void {
  const [label = ''] = asked.name.toLowerCase().split('.');
  const count = Number(/^t(\d+)/.exec(label)?.[1] ?? 0);
  if (count > 0) {
    const rdata = Buffer.concat([Buffer.from([30]), Buffer.alloc(30, 65)]);
    const answers = Array.from({ length: count }, () => record(QNAME, TXT, rdata));
    asked.reply(answerTo(asked, { answers }));
  } else if (label.startsWith('cut') && asked.connection === null) {
    asked.reply(answerTo(asked, { flags: QR | TC | RD | RA, answers: [address(1)] }));
  } else if (label.startsWith('cut')) {
    asked.reply(answerTo(asked, { answers: [address(1), address(2), address(3)] }));
  } else if (label.startsWith('noedns') && asked.message.readUInt16BE(10) !== 0) {
    asked.reply(Buffer.concat([u16(asked.id, 0x8181, 1, 0, 0, 0), asked.question]));
  } else if (label.startsWith('chatty')) {
    asked.reply(chatty(asked));
  } else {
    // Every bit that a response may not copy is set.
    asked.reply(
      answerTo(asked, { flags: 0x85f0 | (label.startsWith('ad') ? AD : 0), answers: [address(1)] }),
    );
  }
}

const address = (last: number): Buffer => record(QNAME, A, Buffer.from([8, 8, 8, last]));

/** An answer with an OPT full of what must not be relayed, and a long EDE text. */
function chatty(asked: Asked): Buffer {
  const options = [
    { code: NSID, data: Buffer.from('resolver-17.inside') },
    { code: ECS, data: Buffer.from([0, 1, 24, 24, 10, 0, 0]) },
    { code: COOKIE, data: Buffer.alloc(24, 1) },
    { code: EDE, data: Buffer.concat([u16(6), Buffer.alloc(900, 66)]) },
    { code: 65001, data: Buffer.from('relay me') },
    { code: PADDING, data: Buffer.alloc(100) },
  ];
  const opt = optOctets({ size: 4096, options });
  const header = u16(asked.id, 0x8180, 1, 1, 0, 1);
  return Buffer.concat([header, asked.question, address(1), opt]);
}

describe.each(BACKENDS)('responses through %s sockets', (backend) => {
  let rig: Rig;
  let names = 0;

  beforeAll(async () => {
    rig = await Rig.start(backend, answer);
  });

  afterAll(async () => rig?.stop());

  /** The response from the upstream, from the store, and that of a denied name. */
  async function three(
    transport: 'udp' | 'tcp',
    ask: (name: Buffer) => Buffer,
  ): Promise<readonly (readonly [Message, Buffer])[]> {
    const fresh = plain(`MiXeD${++names}.aLLowed.TEST`);
    const denied = plain(`MiXeD${names}.eViL.TEST`);
    const messages = [ask(fresh), ask(fresh), ask(denied)];
    const got: [Message, Buffer][] = [];
    for (const octets of messages) got.push([await rig.send('strict', transport, octets), octets]);
    return got;
  }

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it.each([RD, 0, RD | CD, 0x07ff & ~0x0f, 0x07ff])(
      'flags %i: RD and CD are copied, RA is set, the question is echoed',
      async (flags) => {
        const all = await three(transport, (name) => query(name, A, flags, {}));
        for (const [index, [got, sent]] of all.entries()) {
          const rcode = index === 2 ? NXDOMAIN : NOERROR;
          const wanted = QR | RA | (flags & (RD | CD)) | (index === 2 ? AA : 0) | rcode;
          // AD was asked for by AD; the upstream of this test sets it always.
          expect(got.flags & ~AD).toBe(wanted);
          if ((flags & AD) === 0) expect(got.flags & AD).toBe(0);
          expect(got.question.equals(sent.subarray(12, 12 + got.question.length))).toBe(true);
        }
      },
    );

    it('OPT out exactly when OPT in, with our size, and nothing volunteered', async () => {
      for (const [got] of await three(transport, (name) => query(name, A, RD, null))) {
        expect(got.opt).toBeNull();
      }
      for (const dnssecOk of [true, false]) {
        const edns = { size: 4096, dnssecOk };
        const all = await three(transport, (name) => query(name, A, RD, edns));
        for (const [index, [got]] of all.entries()) {
          expect([got.opt?.size, got.opt?.version, got.opt?.dnssecOk]).toEqual([
            UDP_SIZE,
            0,
            dnssecOk,
          ]);
          expect(got.opt?.options.map(({ code }) => code)).toEqual(index === 2 ? [EDE] : []);
        }
      }
    });

    it.each<readonly [string, readonly { code: number; data: Buffer }[]]>([
      ['NSID', [{ code: NSID, data: Buffer.alloc(0) }]],
      ['ZONEVERSION', [{ code: 19, data: Buffer.alloc(0) }]],
      ['a client subnet', [{ code: ECS, data: Buffer.from([0, 1, 24, 0, 8, 8, 8]) }]],
      ['padding', [{ code: PADDING, data: Buffer.alloc(300) }]],
      ['an unknown option', [{ code: 65001, data: Buffer.from('?') }]],
      [
        'a hundred options',
        Array.from({ length: 100 }, (_, i) => ({ code: 1000 + i, data: u16(i) })),
      ],
      ['an EDE of the client', [{ code: EDE, data: u16(1) }]],
    ])('%s is ignored and not echoed', async (_, options) => {
      const all = await three(transport, (name) => query(name, A, RD, { options }));
      for (const [index, [got]] of all.entries()) {
        expect(got.rcode).toBe(index === 2 ? NXDOMAIN : NOERROR);
        expect(got.opt?.options.map(({ code }) => code)).toEqual(index === 2 ? [EDE] : []);
        expect(got.ede).toBe(index === 2 ? BLOCKED : null);
      }
    });

    it.each([0, 1, 7, 9, 15, 41, 60])('a cookie of %i octets is malformed', async (size) => {
      const edns = { options: [{ code: COOKIE, data: Buffer.alloc(size) }] };
      for (const [got] of await three(transport, (name) => query(name, A, RD, edns))) {
        expect([got.rcode, got.answers]).toEqual([FORMERR, []]);
      }
    });

    it('keepalive is answered over TCP only, and only when asked for', async () => {
      const edns = { options: [{ code: KEEPALIVE, data: Buffer.alloc(0) }] };
      for (const [got] of await three(transport, (name) => query(name, A, RD, edns))) {
        const codes = got.opt?.options.map(({ code }) => code) ?? [];
        expect(codes.includes(KEEPALIVE)).toBe(transport === 'tcp');
      }
    });

    it('what the upstream says about itself is not relayed; its EDE is bounded', async () => {
      const name = plain(`chatty${++names}.allowed.test`);
      for (let i = 0; i < 2; i++) {
        const got = await rig.send('strict', transport, queryFor(name, A));
        expect(got.answers).toHaveLength(1);
        expect(got.opt?.options.filter(({ code }) => code !== EDE)).toEqual([]);
        expect(got.octets.length).toBeLessThan(400);
        expect(got.octets.toString('latin1')).not.toMatch(/resolver-17|relay me/);
      }
      const without = await rig.send('strict', transport, query(name, A, RD, null));
      expect([without.opt, without.answers.length]).toEqual([null, 1]);
    });

    it('the denial of the longest name fits the smallest client, with its SOA and why', async () => {
      const labels = ['d'.repeat(63), 'e'.repeat(63), 'f'.repeat(63), 'g'.repeat(61)];
      for (const edns of [null, { size: 0 }, { size: 512 }]) {
        const got = await rig.send('strict', transport, query(wire(labels), A, RD, edns));
        expect([got.rcode, got.flags & TC, got.authorities.length]).toEqual([NXDOMAIN, 0, 1]);
        expect(got.authorities[0]?.type).toBe('SOA');
        expect(got.ede).toBe(edns === null ? null : BLOCKED);
        if (transport === 'udp') expect(got.octets.length).toBeLessThanOrEqual(512);
      }
    });
  });

  it('whatever size a client takes, it gets the whole set or TC and none of it', async () => {
    let whole = 0;
    let cut = 0;
    for (const count of [1, 8, 10, 11, 12, 20, 27, 28, 29, 40]) {
      const name = plain(`t${count}.allowed.test`);
      const overTcp = await rig.send('strict', 'tcp', query(name, TXT, RD, { size: 512 }));
      expect([overTcp.answers.length, overTcp.flags & TC]).toEqual([count, 0]);
      for (const size of [null, 0, 511, 512, 513, 600, 1000, 1231, 1232, 1233, 4096, 65535]) {
        const edns = size === null ? null : { size };
        const got = await rig.send('strict', 'udp', query(name, TXT, RD, edns));
        const limit = Math.min(Math.max(size ?? 512, 512), UDP_SIZE);
        expect(got.octets.length).toBeLessThanOrEqual(limit);
        const isCut = (got.flags & TC) !== 0;
        expect(got.answers.length).toBe(isCut ? 0 : count);
        const length = overTcp.octets.length - (size === null ? 11 : 0);
        expect(isCut).toBe(length > limit);
        if (isCut) cut++;
        else whole++;
      }
    }
    expect(Math.min(whole, cut)).toBeGreaterThan(20);
  });

  it('a truncated answer of the upstream is completed over TCP, and never kept as whole', async () => {
    const query = queryFor(plain('cut.allowed.test'), A);
    const isWhole = (got: Message): void =>
      expect([got.rcode, got.answers.length, got.flags & TC]).toEqual([NOERROR, 3, 0]);
    const first = await rig.leaked(async () => isWhole(await rig.send('strict', 'udp', query)));
    expect(first.length).toBeGreaterThan(1);
    const more = await rig.leaked(async () => {
      for (const transport of TRANSPORTS) isWhole(await rig.send('strict', transport, query));
    });
    expect(more).toEqual([]);
  });

  it('a server that says FORMERR to EDNS is asked once more without', async () => {
    const got = await rig.send('strict', 'udp', queryFor(plain('noedns.allowed.test'), A));
    expect([got.rcode, got.answers.length, got.opt?.size]).toEqual([NOERROR, 1, UDP_SIZE]);
    const asked = rig.upstream.asked.filter(({ name }) => name.toLowerCase().startsWith('noedns'));
    const additionals = asked.map(({ message }) => message.readUInt16BE(10));
    expect([...new Set(additionals)]).toEqual([1, 0]);
  });

  it('UDP and TCP answers agree octet for octet but for ids', async () => {
    for (const name of ['t5.allowed.test', 'same.allowed.test', 'x.evil.test', '.', 'localhost']) {
      const octets = query(plain(name), TXT, RD, { dnssecOk: true });
      await rig.send('strict', 'udp', octets);
      const [udp, tcp] = [
        await rig.send('strict', 'udp', octets),
        await rig.send('strict', 'tcp', octets),
      ];
      expect(withoutTtls(tcp)).toEqual(withoutTtls(udp));
    }
  });

  it('a denial says for how long it holds, alike for all', async () => {
    for (const type of [A, SOA, 2, 43, 255]) {
      const got = await rig.send('strict', 'udp', queryFor(plain('x.evil.test'), type));
      expect([got.rcode, got.flags & AA, got.authorities.length]).toEqual([NXDOMAIN, AA, 1]);
      const soa = got.authorities[0];
      expect([soa?.type, soa?.ttl, Number.parseInt(soa?.rdata.slice(-8) ?? '', 16)]).toEqual([
        'SOA',
        30,
        30,
      ]);
    }
  });
});

/** A second may pass between two answers. */
function withoutTtls({ flags, question, answers, authorities, opt }: Message): unknown {
  const records = [...answers, ...authorities].map(({ owner, type, rdata }) => [
    owner,
    type,
    rdata,
  ]);
  return [flags, question.toString('hex'), records, opt];
}

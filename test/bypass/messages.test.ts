/**
 * Ways round a filter by the shape of a message: whatever else a query carries, and whoever it
 * claims to come from, a denied name is not answered and nothing leaves for the upstream.
 */

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framed, TcpClient, TRANSPORTS, UdpClient } from '../support/client.ts';
import { CD, headerOctets, optOctets, RD, readMessage } from '../support/message.ts';
import { BACKENDS } from '../support/valve.ts';
import { addressRecord, answerTo } from '../upstream/fake-server.ts';
import {
  BLOCKED,
  FORMERR,
  FROM,
  NOERROR,
  NOTIMP,
  NXDOMAIN,
  plain,
  queryFor,
  REFUSED,
  Rig,
  record,
  u16,
} from './rig.ts';

const BADVERS = 16;
const SECRET = 'secret-of-a-workload';
const DENIED = plain(`${SECRET}.evil.test`);
const ALLOWED = plain('www.allowed.test');
const IN_A = u16(1, 1);
const opt = optOctets({});
const denied = Buffer.concat([DENIED, IN_A]);
const allowed = Buffer.concat([ALLOWED, IN_A]);

type Counts = readonly [number, number, number, number];

function message(flags: number, counts: Counts, ...body: readonly Uint8Array[]): Buffer {
  return Buffer.concat([headerOctets(0, flags, counts), ...body]);
}

function withOptions(code: number, data: Uint8Array): Buffer {
  const edns = optOctets({ options: [{ code, data }] });
  return message(RD, [1, 0, 0, 1], denied, edns);
}

const one: Counts = [1, 0, 0, 0];
const openAddress = Buffer.from([127, 0, 0, 3]);
const misowned = Buffer.concat([Buffer.from([1, 120]), opt]);
const txt = record(DENIED, 16, Buffer.from('\x04data'));
const update = (opcode: number): number => opcode << 11;

/** Name, message, rcode. None of them may be answered, and none may cause a query upstream. */
const ROWS: readonly (readonly [string, Buffer, number])[] = [
  ['an allowed question, then a denied one', message(RD, [2, 0, 0, 0], allowed, denied), FORMERR],
  ['a denied question, then an allowed one', message(RD, [2, 0, 0, 0], denied, allowed), FORMERR],
  ['the allowed question twice', message(RD, [2, 0, 0, 0], allowed, allowed), FORMERR],
  ['a second question that is not counted', message(RD, one, denied, allowed), NXDOMAIN],
  ['no question, but its octets', message(RD, [0, 0, 0, 0], denied), FORMERR],
  ['no question, and an OPT', message(RD, [0, 0, 0, 1], opt), FORMERR],
  ['65,535 questions', message(RD, [65535, 0, 0, 0], denied), FORMERR],
  ['65,535 answers', message(RD, [1, 65535, 0, 0], allowed), FORMERR],
  ['the question as an answer record', message(RD, [0, 1, 0, 0], txt), FORMERR],
  [
    'an allowed name as an answer to the denied one',
    message(RD, [1, 1, 0, 0], denied, record(ALLOWED, 1, Buffer.from([1, 2, 3, 4]))),
    NXDOMAIN,
  ],
  [
    'an alias to an allowed name, sent along',
    message(RD, [1, 1, 0, 0], denied, record(DENIED, 5, ALLOWED)),
    NXDOMAIN,
  ],
  [
    'a question that points to a name behind it',
    message(RD, [1, 0, 1, 0], Buffer.from([0xc0, 18]), IN_A, txt),
    FORMERR,
  ],
  [
    'a label, then a pointer to itself',
    message(RD, one, Buffer.from([1, 97, 0xc0, 12]), IN_A),
    FORMERR,
  ],
  ['a pointer into the header', message(RD, one, Buffer.from([0xc0, 4]), IN_A), FORMERR],
  ['a label of type 0x40', message(RD, one, Buffer.from([0x41, 97]), denied), FORMERR],
  ['a bit-string label', message(RD, one, Buffer.from([0x41, 8, 97]), denied), FORMERR],
  ['UPDATE of an allowed zone', message(update(5), [1, 0, 1, 0], allowed, txt), NOTIMP],
  [
    'UPDATE with a denied prerequisite',
    message(update(5), [1, 1, 0, 0], allowed, record(DENIED, 255, Buffer.alloc(0))),
    NOTIMP,
  ],
  ['NOTIFY', message(update(4), [1, 1, 0, 0], denied, txt), NOTIMP],
  ['NOTIFY of an allowed name', message(update(4), one, allowed), NOTIMP],
  ['IQUERY', message(update(1), [0, 1, 0, 0], txt), NOTIMP],
  ['STATUS', message(update(2), one, denied), NOTIMP],
  ['DSO', message(update(6), [0, 0, 0, 0]), NOTIMP],
  ['an opcode that is not assigned', message(update(15) | RD, one, allowed), NOTIMP],
  ...[0, 2, 3, 4, 254, 255, 65280].flatMap((qclass) =>
    [DENIED, ALLOWED].map(
      (name) =>
        [
          `class ${qclass}, ${name === DENIED ? 'denied' : 'allowed'}`,
          message(RD, one, name, u16(1, qclass)),
          REFUSED,
        ] as const,
    ),
  ),
  ...[128, 249, 250, 251, 252, 253, 254].map(
    (type) => [`meta type ${type}`, message(RD, one, ALLOWED, u16(type, 1)), REFUSED] as const,
  ),
  ['type OPT in the question', message(RD, one, ALLOWED, u16(41, 1)), FORMERR],
  ['an OPT under another owner', message(RD, [1, 0, 0, 1], allowed, misowned), FORMERR],
  ['two OPTs', message(RD, [1, 0, 0, 2], allowed, opt, opt), FORMERR],
  ['an OPT as an answer', message(RD, [1, 1, 0, 0], allowed, opt), FORMERR],
  ['an OPT as an authority', message(RD, [1, 0, 1, 0], allowed, opt), FORMERR],
  [
    'an OPT that ends inside an option',
    message(RD, [1, 0, 0, 1], allowed, opt.subarray(0, 9), u16(6, 8, 99, 0)),
    FORMERR,
  ],
  ['EDNS version 1', message(RD, [1, 0, 0, 1], allowed, optOctets({ version: 1 })), BADVERS],
  ['CD', message(RD | CD, one, denied), NXDOMAIN],
  ['RD clear', message(0, one, denied), NXDOMAIN],
  ['AA, TC, RA, Z, AD and an rcode', message(0x07ff, one, denied), NXDOMAIN],
  ['DO', message(RD, [1, 0, 0, 1], denied, optOctets({ dnssecOk: true })), NXDOMAIN],
  ['a UDP size of 0', message(RD, [1, 0, 0, 1], denied, optOctets({ size: 0 })), NXDOMAIN],
  [
    'a client subnet of the open workload',
    withOptions(8, Buffer.concat([u16(1), Buffer.from([32, 0]), openAddress])),
    NXDOMAIN,
  ],
  ['a device of the open workload (20292)', withOptions(20292, openAddress), NXDOMAIN],
  ['a hardware address (65001)', withOptions(65001, Buffer.from('001122')), NXDOMAIN],
  ['a device id (26946)', withOptions(26946, openAddress), NXDOMAIN],
  ['a client tag (16)', withOptions(16, u16(7)), NXDOMAIN],
  [
    'XPF, which says that the open workload asks',
    message(
      RD,
      [1, 0, 0, 1],
      denied,
      record(
        Buffer.from([0]),
        65422,
        Buffer.concat([Buffer.from([4, 17]), openAddress, openAddress, u16(53, 53)]),
      ),
    ),
    NXDOMAIN,
  ],
  ['TSIG', message(RD, [1, 0, 0, 1], denied, record(DENIED, 250, Buffer.alloc(26))), NXDOMAIN],
  ['trailing octets', message(RD, one, denied, Buffer.from(SECRET)), NXDOMAIN],
];

const PROXY_2 = Buffer.concat([
  Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
  Buffer.from([0x21, 0x12]),
  u16(12),
  openAddress,
  Buffer.from([127, 0, 0, 1]),
  u16(4000, 53),
]);
const PROXY_1 = Buffer.from('PROXY TCP4 127.0.0.3 127.0.0.1 4000 53\r\n', 'latin1');

describe.each(BACKENDS)('messages through %s sockets', (backend) => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.start(backend, (asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
    );
  });

  afterAll(async () => rig?.stop());

  async function isStopped(octets: Buffer, rcode: number): Promise<void> {
    const leaked = await rig.leaked(async () => {
      for (const transport of TRANSPORTS) {
        const got = await rig.send('strict', transport, octets);
        expect([got.rcode, got.answers]).toEqual([rcode, []]);
        expect(got.flags & 0x0640).toBe(rcode === NXDOMAIN ? 0x0400 : 0);
      }
    });
    expect(leaked).toEqual([]);
  }

  describe('from a cold store', () => {
    it.each(ROWS)('%s', async (_, octets, rcode) => isStopped(octets, rcode));
  });

  describe('from a store that others filled', () => {
    beforeAll(async () => {
      for (const type of [1, 16, 255]) {
        await rig.send('open', 'udp', queryFor(DENIED, type));
        await rig.send('strict', 'udp', queryFor(ALLOWED, type));
      }
    });

    it.each(ROWS)('%s', async (_, octets, rcode) => isStopped(octets, rcode));
  });

  describe('after a reload', () => {
    beforeAll(async () => {
      await rig.reload('open');
      for (const transport of TRANSPORTS) {
        expect((await rig.send('strict', transport, queryFor(DENIED, 1))).rcode).toBe(NOERROR);
      }
      await rig.reload('enforce');
    });

    it.each(ROWS)('%s', async (_, octets, rcode) => isStopped(octets, rcode));
  });

  it.each([
    ['1', PROXY_1],
    ['2', PROXY_2],
  ])('a PROXY header of version %s from a stranger makes nobody else of him', async (_, header) => {
    const leaked = await rig.leaked(async () => {
      const udp = await UdpClient.open(rig.valve, FROM.strict);
      udp.send(Buffer.concat([header, queryFor(DENIED, 1)]));
      const fence = readMessage((await udp.exchange(queryFor(plain('localhost'), 1))) as Buffer);
      expect(fence.rcode).toBe(NOERROR);
      for (const octets of udp.unasked) expect(octets.readUInt16BE(6)).toBe(0);
      udp.close();
      const tcp = await TcpClient.open(rig.valve, FROM.strict);
      tcp.socket.end(Buffer.concat([header, framed(queryFor(DENIED, 1))]));
      expect(await tcp.expect(0)).toBeNull();
      expect(tcp.unasked).toEqual([]);
      tcp.close();
    });
    expect(leaked).toEqual([]);
  });

  it('allowed and denied names mixed on one connection: each gets what is its own', async () => {
    const client = await TcpClient.open(rig.valve, FROM.strict);
    const ids = Array.from({ length: 300 }, (_, index) => index + 1);
    const waiting = ids.map((id) => client.expect(id));
    const frames = ids.map((id) => {
      const name = id % 2 === 0 ? `m${id}.allowed.test` : `m${id}-${SECRET}.test`;
      const query = queryFor(plain(name), 1);
      query.writeUInt16BE(id, 0);
      return framed(query);
    });
    const leaked = await rig.leaked(async () => {
      client.socket.write(Buffer.concat(frames));
      for (const [index, octets] of (await Promise.all(waiting)).entries()) {
        const got = readMessage(octets as Buffer);
        const isAllowed = (index + 1) % 2 === 0;
        expect([got.rcode, got.ede]).toEqual(isAllowed ? [NOERROR, null] : [NXDOMAIN, BLOCKED]);
      }
    });
    // Each once, or once more where the machine was too busy to answer in time.
    const names = leaked.map((hex) => nameIn(Buffer.from(hex, 'hex')));
    expect(new Set(names).size).toBe(150);
    expect(leaked.filter((hex) => isSecret(Buffer.from(hex, 'hex')))).toEqual([]);
    client.close();
  });

  it('queries that follow a half-closed stream of another workload are decided alone', async () => {
    for (const from of [FROM.open, FROM.strict, FROM.open, FROM.strict]) {
      const socket = connect({ ...endpoint(), localAddress: from });
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.end(framed(queryFor(plain('shared.evil.test'), 1)));
      await new Promise((resolve) => socket.on('close', resolve));
      const got = readMessage(Buffer.concat(chunks).subarray(2));
      expect(got.rcode).toBe(from === FROM.open ? NOERROR : NXDOMAIN);
    }
  });

  it('nothing that rode along with an allowed question reaches the upstream', async () => {
    const ride: readonly Buffer[] = [
      message(RD, one, plain('r1.allowed.test'), IN_A, Buffer.from(SECRET)),
      message(RD, [1, 1, 1, 1], plain('r2.allowed.test'), IN_A, txt, txt, txt),
      message(RD, [1, 0, 0, 2], plain('r3.allowed.test'), IN_A, txt, opt),
      message(
        RD,
        [1, 0, 0, 1],
        Buffer.concat([plain('r4.allowed.test'), IN_A]),
        optOctets({
          options: [8, 10, 12, 3, 11, 5, 65001].map((code) => ({ code, data: optionData(code) })),
        }),
      ),
      message(0x07ff & ~0x0f, one, plain('r5.allowed.test'), IN_A),
      message(RD | 5, one, plain('r6.allowed.test'), IN_A),
    ];
    const leaked = await rig.leaked(async () => {
      for (const octets of ride) expect((await rig.send('strict', 'udp', octets)).rcode).toBe(0);
    });
    expect(leaked).toHaveLength(ride.length);
    for (const [index, hex] of leaked.entries()) {
      const octets = Buffer.from(hex, 'hex');
      const flags = index === 4 ? RD | CD : RD;
      expect(octets.subarray(2, 12).toString('hex')).toBe(
        headerOctets(0, flags, [1, 0, 0, 1]).toString('hex', 2),
      );
      expect(octets.length).toBe(12 + 17 + 4 + 11);
      expect(octets.subarray(-15).toString('hex')).toBe(
        Buffer.concat([IN_A, optOctets({})]).toString('hex'),
      );
    }
  });

  function endpoint(): { host: string; port: number } {
    return { host: rig.valve.address, port: rig.valve.port };
  }
});

/** A well-formed value for an option that is looked at; the secret for all others. */
function optionData(code: number): Buffer {
  if (code === 8) return Buffer.from([0, 1, 24, 0, 203, 0, 113]);
  return code === 10 ? Buffer.from(SECRET.slice(0, 8)) : Buffer.from(SECRET);
}

/** The wire name of a message's question, in one case. */
function nameIn(octets: Buffer): string {
  let at = 12;
  while (octets.readUInt8(at) !== 0) at += 1 + octets.readUInt8(at);
  return octets.toString('latin1', 12, at).toLowerCase();
}

function isSecret(octets: Buffer): boolean {
  return octets.toString('latin1').toLowerCase().includes(SECRET);
}

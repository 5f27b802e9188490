/**
 * Ways round a filter by the shape of a message that take more than one message to try; the others
 * are in matrix.test.ts.
 */

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framed, TcpClient, UdpClient } from '../support/client.ts';
import { CD, headerOctets, optOctets, RD, readMessage } from '../support/message.ts';
import { BACKENDS } from '../support/valve.ts';
import { addressRecord, answerTo } from '../upstream/fake-server.ts';
import { BLOCKED, FROM, NOERROR, NXDOMAIN, plain, queryFor, Rig, u16 } from './rig.ts';
import { DENIED, IN_A, message, one, openAddress, opt, SECRET, txt } from './ways-messages.ts';

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
      // Our own cookie (RFC 7873), unless the upstream was silent before; never the client's.
      const cookie = octets.subarray(12 + 17 + 4 + 11 + 4);
      const options = cookie.length === 0 ? [] : [{ code: 10, data: cookie }];
      expect(octets.subarray(12 + 17).toString('hex')).toBe(
        Buffer.concat([IN_A, optOctets({ options })]).toString('hex'),
      );
      expect([0, 8]).toContain(cookie.length);
      expect(cookie).not.toEqual(optionData(10));
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

/**
 * Streams as no honest client uses them: never read, never finished, flooded. Whoever does that
 * harms nobody else, and memory stays bounded.
 */

import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framed, TcpClient } from '../support/client.ts';
import { readMessage } from '../support/message.ts';
import { BACKENDS } from '../support/valve.ts';
import { answerTo } from '../upstream/fake-server.ts';
import { FROM, NOERROR, NXDOMAIN, plain, queryFor, Rig, record } from './rig.ts';

const [A, TXT] = [1, 16];
const QNAME = Buffer.from([0xc0, 12]);
const TC = 0x0200;
/** 200 records of 256 octets: what TCP carries and a greedy client asks for again and again. */
const BIG = Array.from({ length: 200 }, (_, index) =>
  record(QNAME, TXT, Buffer.concat([Buffer.from([255, index]), Buffer.alloc(254, 65)])),
);

describe.each(BACKENDS)('streams beside %s sockets', (backend) => {
  let rig: Rig;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    rig = await Rig.start(backend, (asked) => {
      const isBig = asked.name.toLowerCase().startsWith('big');
      if (isBig && asked.connection === null) asked.reply(answerTo(asked, { flags: 0x8180 | TC }));
      else if (isBig) asked.reply(answerTo(asked, { answers: BIG }));
      else asked.reply(answerTo(asked, { answers: [record(QNAME, A, Buffer.alloc(4, 8))] }));
    });
  });

  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await rig?.stop();
  });

  async function open(from: string): Promise<Socket> {
    const socket = connect({ host: rig.valve.address, port: rig.valve.port, localAddress: from });
    sockets.push(socket);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  }

  /** Resident memory of the valve in MB. */
  function residentMb(): number {
    const status = readFileSync(`/proc/${rig.valve.program.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  async function othersAreServed(): Promise<void> {
    const client = await TcpClient.open(rig.valve, FROM.strict);
    expect((await client.ask({ name: 'fine.allowed.test' })).rcode).toBe(NOERROR);
    expect((await client.ask({ name: 'evil.test' })).rcode).toBe(NXDOMAIN);
    client.close();
    const got = await rig.send('strict', 'udp', queryFor(plain('fine.allowed.test'), A));
    expect(got.rcode).toBe(NOERROR);
  }

  it('clients that ask for big answers and read none of them cost bounded memory', async () => {
    const query = queryFor(plain('big.allowed.test'), TXT);
    const got = await rig.send('strict', 'tcp', query);
    expect(got.answers).toHaveLength(BIG.length);
    const before = residentMb();
    const burst = Buffer.concat(Array.from({ length: 4000 }, () => framed(query)));
    for (let i = 0; i < 8; i++) {
      const socket = await open(FROM.strict);
      socket.pause();
      socket.write(burst);
    }
    let most = 0;
    for (let look = 0; look < 10; look++) {
      await othersAreServed();
      most = Math.max(most, residentMb());
    }
    // 8 clients with 256 kB each and one answer more, and what the collector has not got to.
    expect(most - before).toBeLessThan(100);
  });

  it('all of twenty thousand pipelined queries are answered to who reads', async () => {
    const client = await TcpClient.open(rig.valve, FROM.strict);
    const ids = Array.from({ length: 20_000 }, (_, id) => id);
    const last = client.expect(19_999);
    const frames = ids.map((id) => {
      const query = queryFor(plain(id % 2 === 0 ? 'fine.allowed.test' : 'evil.test'), A);
      query.writeUInt16BE(id, 0);
      return framed(query);
    });
    client.socket.write(Buffer.concat(frames));
    expect(await last).not.toBeNull();
    await othersAreServed();
    expect(client.order).toHaveLength(20_000);
    for (const octets of client.unasked) {
      const { id, rcode } = readMessage(octets);
      expect(rcode).toBe(id % 2 === 0 ? NOERROR : NXDOMAIN);
    }
    client.close();
  });

  it('a client that reads late gets everything that it asked for', async () => {
    const client = await TcpClient.open(rig.valve, FROM.strict);
    client.socket.pause();
    const query = queryFor(plain('big.allowed.test'), TXT);
    const ids = Array.from({ length: 300 }, (_, id) => id + 1);
    const all = ids.map((id) => client.expect(id, 20_000));
    for (const id of ids) {
      query.writeUInt16BE(id, 0);
      client.socket.write(framed(Buffer.from(query)));
    }
    client.socket.end();
    await othersAreServed();
    client.socket.resume();
    for (const octets of await Promise.all(all)) {
      expect(readMessage(octets as Buffer).answers).toHaveLength(BIG.length);
    }
    client.close();
  });

  it('six hundred new names at once on a half-closed stream, cut in odd pieces', async () => {
    const client = await TcpClient.open(rig.valve, FROM.strict);
    const ids = Array.from({ length: 600 }, (_, id) => id + 1);
    const all = ids.map((id) => client.expect(id, 20_000));
    const frames = ids.map((id) => {
      const query = queryFor(plain(`p${id}.allowed.test`), A);
      query.writeUInt16BE(id, 0);
      return framed(query);
    });
    const octets = Buffer.concat(frames);
    for (let at = 0; at < octets.length; at += 1237) {
      const piece = octets.subarray(at, at + 1237);
      await new Promise((resolve) => client.socket.write(piece, resolve));
    }
    client.socket.end();
    for (const [index, response] of (await Promise.all(all)).entries()) {
      const got = readMessage(response as Buffer);
      expect([got.id, got.rcode, got.answers.length]).toEqual([index + 1, NOERROR, 1]);
    }
    client.close();
  });

  it('a thousand idle and half-finished streams keep nobody out', async () => {
    for (let i = 0; i < 1000; i++) {
      const socket = await open(FROM.open);
      if (i % 3 === 1) socket.write(Buffer.from([0]));
      if (i % 3 === 2) socket.write(framed(queryFor(plain('x.test'), A)).subarray(0, 20));
    }
    await othersAreServed();
  });

  it.each([
    ['frames of no length', Buffer.alloc(400)],
    ['frames shorter than a header', framed(Buffer.alloc(11))],
    ['noise', Buffer.alloc(70_000, 0x17)],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a TLS hello', Buffer.from('16030100c8010000c403', 'hex')],
  ])('%s harm nobody', async (_, octets) => {
    const socket = await open(FROM.strict);
    socket.end(octets);
    await othersAreServed();
  });
});

/** DNS cookies of clients (RFC 7873, 9018): by hand, and by the clients of Knot and BIND. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOnce, openClient, TRANSPORTS, type Transport } from '../support/client.ts';
import {
  buildQuery,
  headerOctets,
  type Message,
  optOctets,
  RD,
  readMessage,
} from '../support/message.ts';
import { lacks, run } from '../support/processes.ts';
import { COOKIE } from '../support/records.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const [NOERROR, FORMERR, NXDOMAIN, BADVERS, BADCOOKIE] = [0, 1, 3, 16, 23];
const TC = 0x0200;
const CLIENT = '127.0.0.2';
const MINE = Buffer.from('8 octets');
const PROGRAMS = ['kdig', 'dig'];

function config(upstream: FakeServer, cookies: string): string {
  return `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
cookies: ${cookies}
workloads: { client: { sources: [${CLIENT}/32, 127.0.0.3/32], allow: [.up.test] } }
`;
}

/** The data of the response's COOKIE options. */
function cookiesOf({ opt }: Message): Buffer[] {
  return (opt?.options ?? []).filter(({ code }) => code === COOKIE).map(({ data }) => data);
}

function crumbs(...cookies: readonly Uint8Array[]) {
  return { options: cookies.map((data) => ({ code: COOKIE, data })) };
}

function withoutQuestion(...cookies: readonly Uint8Array[]): Buffer {
  return Buffer.concat([headerOctets(0, RD, [0, 0, 0, 1]), optOctets(crumbs(...cookies))]);
}

let names = 0;
const fresh = (): string => `n${++names}.up.test`;

describe.each(BACKENDS)('through %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;

  beforeAll(async () => {
    upstream = await FakeServer.start();
    upstream.handler = (asked) => asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));
    valve = await Valve.start({ backend, workers: 2, config: config(upstream, '{}') });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  const ask = (transport: Transport, name: string, ...cookies: readonly Uint8Array[]) =>
    askOnce(transport, valve, CLIENT, { name, edns: crumbs(...cookies) });

  async function send(transport: Transport, message: Uint8Array): Promise<Message> {
    const client = await openClient(transport, valve, CLIENT);
    const octets = await client.exchange(message);
    client.close();
    if (octets === null) throw new Error('no response');
    return readMessage(octets);
  }

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it('a client cookie comes back whole: from upstream, store and denial', async () => {
      const name = fresh();
      for (const [asked, rcode] of [
        [name, NOERROR],
        [name, NOERROR],
        ['other.test', NXDOMAIN],
      ] as const) {
        const got = await ask(transport, asked, MINE);
        const [cookie = Buffer.alloc(0), ...more] = cookiesOf(got);
        expect([got.rcode, cookie.length, more.length]).toEqual([rcode, 24, 0]);
        expect(cookie.subarray(0, 8)).toEqual(MINE);
        expect(cookie.subarray(8, 12)).toEqual(Buffer.from([1, 0, 0, 0]));
      }
    });

    it('a valid one is sent again as it is, by every worker', async () => {
      const [cookie = MINE] = cookiesOf(await ask(transport, fresh(), MINE));
      // Each of these leaves from a port of its own, so both workers are asked.
      for (let i = 0; i < 12; i++) {
        expect(cookiesOf(await ask(transport, fresh(), cookie))).toEqual([cookie]);
      }
    });

    it('one of another address is answered with a fresh one', async () => {
      const [cookie = MINE] = cookiesOf(await ask(transport, fresh(), MINE));
      const edns = crumbs(cookie);
      const got = await askOnce(transport, valve, '127.0.0.3', { name: fresh(), edns });
      expect([got.rcode, got.answers.length]).toEqual([NOERROR, 1]);
      expect(cookiesOf(got)).not.toEqual([cookie]);
      expect(cookiesOf(got)[0]?.subarray(0, 8)).toEqual(MINE);
    });

    it.each([16, 24, 40])('a server cookie that makes it %i octets is answered', async (size) => {
      const given = Buffer.concat([MINE, Buffer.alloc(size - 8, 7)]);
      const got = await ask(transport, fresh(), given);
      expect([got.rcode, cookiesOf(got)[0]?.length]).toEqual([NOERROR, 24]);
    });

    it('of several cookies only the first counts', async () => {
      const got = await ask(transport, fresh(), MINE, Buffer.alloc(3), Buffer.alloc(8, 9));
      expect(got.rcode).toBe(NOERROR);
      expect(cookiesOf(got).map((cookie) => cookie.subarray(0, 8))).toEqual([MINE]);
    });

    it('without a cookie there is none in the response', async () => {
      const got = await askOnce(transport, valve, CLIENT, { name: fresh(), edns: {} });
      expect(cookiesOf(got)).toEqual([]);
    });

    it('version 1 of EDNS gets BADVERS and no cookie', async () => {
      const edns = { ...crumbs(MINE), version: 1 };
      const got = await askOnce(transport, valve, CLIENT, { name: fresh(), edns });
      expect([got.rcode, cookiesOf(got)]).toEqual([BADVERS, []]);
    });

    it('a query of a cookie alone is answered with one (5.4)', async () => {
      const got = await send(transport, withoutQuestion(MINE));
      const [cookie = MINE] = cookiesOf(got);
      expect([got.rcode, got.question.length, cookie.length]).toEqual([NOERROR, 0, 24]);
      const again = await send(transport, withoutQuestion(cookie));
      expect([again.rcode, cookiesOf(again)]).toEqual([NOERROR, [cookie]]);
    });

    it('and with BADCOOKIE where its server cookie is not valid (5.4)', async () => {
      const got = await send(transport, withoutQuestion(Buffer.concat([MINE, Buffer.alloc(16)])));
      expect([got.rcode, cookiesOf(got)[0]?.length]).toEqual([BADCOOKIE, 24]);
    });

    it('no question and no cookie is FORMERR, and a malformed one too', async () => {
      for (const message of [withoutQuestion(), withoutQuestion(Buffer.alloc(9))]) {
        expect((await send(transport, message)).rcode).toBe(FORMERR);
      }
    });
  });

  it('a response with a cookie is not longer than the client takes', async () => {
    for (let last = 20; last < 40; last++) {
      const name = fresh();
      upstream.handler = (asked) => {
        const answers = Array.from({ length: last }, (_, i) => addressRecord(i));
        asked.reply(answerTo(asked, { answers }));
      };
      const edns = { ...crumbs(MINE), size: 512 };
      for (const from of ['upstream', 'store']) {
        const got = await askOnce('udp', valve, CLIENT, { name, edns });
        expect(got.octets.length, `${last} from the ${from}`).toBeLessThanOrEqual(512);
        expect(cookiesOf(got)[0]?.length).toBe(24);
      }
    }
    upstream.handler = (asked) => asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));
  });

  describe('required of those who offer one', () => {
    let strict: Valve;
    beforeAll(async () => {
      strict = await Valve.start({ backend, config: config(upstream, '{ required: offered }') });
    });
    afterAll(() => strict?.stop());

    it('over UDP nothing but BADCOOKIE before a valid one, and nothing goes upstream', async () => {
      const name = fresh();
      const first = await askOnce('udp', strict, CLIENT, { name, edns: crumbs(MINE) });
      expect([first.rcode, first.answers.length]).toEqual([BADCOOKIE, 0]);
      expect(upstream.asked.filter((asked) => asked.name.toLowerCase() === name)).toEqual([]);
      const [cookie = MINE] = cookiesOf(first);
      const then = await askOnce('udp', strict, CLIENT, { name, edns: crumbs(cookie) });
      expect([then.rcode, then.answers.length]).toEqual([NOERROR, 1]);
    });

    it('over TCP, and without a cookie, answers come as ever', async () => {
      for (const [transport, edns] of [
        ['tcp', crumbs(MINE)],
        ['udp', {}],
      ] as const) {
        const got = await askOnce(transport, strict, CLIENT, { name: fresh(), edns });
        expect([got.rcode, got.answers.length]).toEqual([NOERROR, 1]);
      }
    });

    it.skipIf(lacks(...PROGRAMS))('kdig and dig ask again by themselves', async () => {
      for (const program of PROGRAMS) {
        const args = ['@127.0.0.1', '-p', `${strict.port}`, '-b', CLIENT, '+cookie', fresh(), 'A'];
        const { said } = await run(program, args);
        expect(said, program).toContain('192.0.2.1');
        expect(said, program).not.toMatch(/unexpected|mismatch|[Mm]alformed/);
      }
    });
  });

  describe('required of all', () => {
    let strict: Valve;
    beforeAll(async () => {
      strict = await Valve.start({ backend, config: config(upstream, '{ required: all }') });
    });
    afterAll(() => strict?.stop());

    it('over UDP a client without one gets TC, and its answer over TCP', async () => {
      for (const edns of [undefined, {}]) {
        const name = fresh();
        const shape = edns === undefined ? { name } : { name, edns };
        const got = await askOnce('udp', strict, CLIENT, shape);
        expect([got.rcode, got.flags & TC, got.answers.length]).toEqual([NOERROR, TC, 0]);
        expect(upstream.asked.filter((asked) => asked.name.toLowerCase() === name)).toEqual([]);
        expect((await askOnce('tcp', strict, CLIENT, shape)).answers.length).toBe(1);
      }
      const { counters } = await strict.status();
      expect(counters).toMatchObject({ unproven: 2, bad_cookie: 0 });
    });
  });

  describe('not answered', () => {
    let deaf: Valve;
    beforeAll(async () => {
      deaf = await Valve.start({ backend, config: config(upstream, '{ answer: false }') });
    });
    afterAll(() => deaf?.stop());

    it('a cookie is ignored, and a query of nothing else is FORMERR', async () => {
      const got = await askOnce('udp', deaf, CLIENT, { name: fresh(), edns: crumbs(MINE) });
      expect([got.rcode, cookiesOf(got)]).toEqual([NOERROR, []]);
      const alone = await openClient('udp', deaf, CLIENT);
      const octets = await alone.exchange(withoutQuestion(MINE));
      alone.close();
      expect((octets?.readUInt16BE(2) ?? 0) & 15).toBe(FORMERR);
    });
  });

  it.skipIf(lacks(...PROGRAMS))('kdig and dig find the cookie good', async () => {
    const to = ['@127.0.0.1', '-p', `${valve.port}`, '-b', CLIENT, '+cookie'];
    const byDig = await run('dig', [...to, fresh(), 'A']);
    expect(byDig.said).toMatch(/COOKIE: [0-9a-f]{48} \(good\)/);
    for (const more of [[], ['+tcp']]) {
      const byKdig = await run('kdig', [...to, ...more, fresh(), 'A']);
      expect(byKdig.said).toMatch(/COOKIE: [0-9a-f]{48}/i);
      expect(byKdig.said).toContain('192.0.2.1');
    }
  });

  it('a message of many cookies costs no more than its octets', async () => {
    const many = Array.from({ length: 100 }, () => MINE);
    expect(cookiesOf(await ask('tcp', fresh(), ...many)).length).toBe(1);
    expect(buildQuery({ name: 'x.test', edns: crumbs(...many) }).length).toBeGreaterThan(1200);
  });
});

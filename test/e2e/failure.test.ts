/** Upstreams that are silent, gone, back again, or were never there. */

import { createSocket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, openClient, TRANSPORTS, type Transport } from '../support/client.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import { freePort, until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const [SERVFAIL, NXDOMAIN] = [2, 3];
/** Clients give up at about this time: an answer that comes later is none. */
const PATIENCE_MS = 6000;
const NOBODY_ANSWERS = [22, 23];
const CACHED_ERROR = 13;
const CLIENT = '127.0.0.2';
const EDNS = { size: 1232 };
const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
ns A 192.0.2.53
www A 192.0.2.80
`;

function config(upstreams: string): string {
  return `${upstreams}
zones: [{ name: local.example, file: local.zone }]
workloads:
  client: { sources: [${CLIENT}/32], mode: enforce, allow: [.allowed.example] }
`;
}

async function ask(client: Client, name: string): Promise<Message> {
  const octets = await client.exchange(buildQuery({ name, edns: EDNS }), PATIENCE_MS);
  if (octets === null) throw new Error(`nothing in time for ${name}`);
  return readMessage(octets);
}

/** What needs no upstream is answered as ever. */
async function answersWhatItCan(client: Client): Promise<void> {
  const local = await ask(client, 'www.local.example');
  expect(local.answers.map(({ rdata }) => rdata)).toEqual(['c0000250']);
  expect((await ask(client, 'gone.local.example')).rcode).toBe(NXDOMAIN);
  const denied = await ask(client, 'denied.example');
  expect([denied.rcode, denied.ede]).toEqual([NXDOMAIN, 15]);
}

describe.each(BACKENDS)('trouble upstream of %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;
  const clients = new Map<Transport, Client>();

  const answer = (asked: Asked): void =>
    asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));

  beforeAll(async () => {
    upstream = await FakeServer.start();
    valve = await Valve.start({
      backend,
      files: { 'local.zone': ZONE },
      config: config(`upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake, example: fake }`),
    });
    for (const transport of TRANSPORTS) {
      clients.set(transport, await openClient(transport, valve, CLIENT));
    }
  });

  afterAll(async () => {
    for (const client of clients.values()) client.close();
    await valve?.stop();
    upstream?.stop();
  });

  async function each(act: (client: Client, way: Transport) => Promise<void>): Promise<void> {
    await Promise.all([...clients].map(([way, client]) => act(client, way)));
  }

  it('silence becomes SERVFAIL that says why, while the rest is answered at once', async () => {
    await each(async (client, transport) => {
      const silent = ask(client, `${transport}.allowed.example`);
      await answersWhatItCan(client);
      expect(client.order.length).toBe(3);
      const response = await silent;
      expect(response.rcode).toBe(SERVFAIL);
      expect(NOBODY_ANSWERS).toContain(response.ede);
    });
    // RFC 9520 2.1.1: at most three tries per question and server.
    for (const transport of TRANSPORTS) {
      const tries = upstream.asked.filter(({ name }) => name.toLowerCase().startsWith(transport));
      expect(tries.length).toBeLessThanOrEqual(3);
    }
  });

  it('the failure is remembered: asking again asks nobody', async () => {
    const before = upstream.asked.length;
    await each(async (client, transport) => {
      const again = await ask(client, `${transport}.allowed.example`);
      expect([again.rcode, again.ede]).toEqual([SERVFAIL, CACHED_ERROR]);
    });
    expect(upstream.asked.length).toBe(before);
  });

  it('everything works again when the upstream is back, also what had failed', async () => {
    upstream.handler = answer;
    await each(async (client, transport) => {
      for (const name of [`new${transport}.allowed.example`, `${transport}.allowed.example`]) {
        await until(`an answer for ${name}`, async () => {
          const response = await ask(client, name);
          return response.answers.length === 1 ? true : null;
        });
      }
    });
  });
});

describe.each(BACKENDS)('no upstream behind %s sockets', (backend) => {
  it('a port where nobody listens: SERVFAIL that says why; back when somebody does', async () => {
    const port = await freePort();
    const valve = await Valve.start({
      backend,
      files: { 'local.zone': ZONE },
      config: config(`upstreams: { gone: { servers: ["127.0.0.1:${port}"] } }
forward: { ".": gone, example: gone }`),
    });
    const later = createSocket('udp4');
    for (const transport of TRANSPORTS) {
      const client = await openClient(transport, valve, CLIENT);
      const response = await ask(client, `${transport}.allowed.example`);
      expect(response.rcode).toBe(SERVFAIL);
      expect(NOBODY_ANSWERS).toContain(response.ede);
      await answersWhatItCan(client);
      client.close();
    }
    later.on('message', (message, peer) => {
      const opt = message.indexOf(Buffer.from([0, 0, 41]));
      const reply = Buffer.concat([message.subarray(0, opt), addressRecord(1)]);
      reply.writeUInt16BE(0x8180, 2);
      reply.writeUInt16BE(1, 6);
      reply.writeUInt16BE(0, 10);
      later.send(reply, peer.port, peer.address);
    });
    await new Promise<void>((resolve) => later.bind(port, '127.0.0.1', resolve));
    const client = await openClient('udp', valve, CLIENT);
    await until('an answer', async () => {
      const response = await ask(client, 'udp.allowed.example');
      return response.answers.length === 1 ? true : null;
    });
    client.close();
    later.close();
    await valve.stop();
  });

  it('a machine without resolvers: it starts, says so, and answers what it can', async () => {
    const valve = await Valve.start({
      backend,
      resolvConf: '# nothing here\n',
      files: { 'local.zone': ZONE },
      config: config('upstreams: { default: { servers: system } }'),
    });
    expect(valve.program.said).toContain('no server is known for this upstream');
    for (const transport of TRANSPORTS) {
      const client = await openClient(transport, valve, CLIENT);
      await answersWhatItCan(client);
      const response = await ask(client, `${transport}.allowed.example`);
      expect(response.rcode).toBe(SERVFAIL);
      expect(NOBODY_ANSWERS).toContain(response.ede);
      client.close();
    }
    expect(await valve.stop()).toBe(0);
  });
});

/** Streams: queries in any pieces, answers in any order, and what a bad message may cost. */

import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framed, TcpClient } from '../support/client.ts';
import { buildQuery, headerOctets, readMessage } from '../support/message.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
const FORMERR = 1;

describe.each(BACKENDS)('TCP beside %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;
  /** Questions for names that begin with `slow`, kept until a test answers them. */
  const held: Asked[] = [];
  const released = new Set<string>();

  const answer = (asked: Asked): void =>
    asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) => {
      const [label = ''] = asked.name.toLowerCase().split('.');
      if (label.startsWith('slow') && !released.has(label)) held.push(asked);
      else answer(asked);
    });
    valve = await Valve.start({
      backend,
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { example: fake }
workloads: { client: { sources: [${CLIENT}/32], mode: enforce, allow: ["*.allowed.example"] } }
`,
    });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  async function withClient(act: (client: TcpClient) => Promise<void>): Promise<void> {
    const client = await TcpClient.open(valve, CLIENT);
    try {
      await act(client);
    } finally {
      client.close();
    }
  }

  /** Resolves when the upstream holds the question. */
  async function isHeld(label: string): Promise<void> {
    for (let seen = upstream.asked.length; heldFor(label).length === 0; seen++) {
      await upstream.received(seen + 1);
    }
  }

  /** Answers it, and what the valve may have tried again or still tries. */
  function release(label: string): void {
    released.add(label);
    for (const asked of heldFor(label)) answer(asked);
  }

  function heldFor(label: string): Asked[] {
    return held.filter(({ name }) => name.toLowerCase().startsWith(`${label}.`));
  }

  it('two hundred pipelined queries in one write all get their own answer', async () => {
    await withClient(async (client) => {
      const queries = Array.from({ length: 200 }, (_, id) => ({
        id,
        name: id % 3 === 0 ? `denied${id}.example` : `p${id}.allowed.example`,
      }));
      const responses = queries.map(({ id }) => client.expect(id));
      client.socket.write(Buffer.concat(queries.map((shape) => framed(buildQuery(shape)))));
      for (const [id, octets] of (await Promise.all(responses)).entries()) {
        const response = readMessage(octets as Buffer);
        expect(response.question.toString('latin1').toLowerCase()).toContain(
          id % 3 === 0 ? `denied${id}` : `p${id}`,
        );
        expect(response.rcode).toBe(id % 3 === 0 ? 3 : 0);
        expect(response.answers).toHaveLength(id % 3 === 0 ? 0 : 1);
      }
      expect(client.unasked).toEqual([]);
    });
  });

  it('two queries that arrive octet by octet', async () => {
    await withClient(async (client) => {
      const first = buildQuery({ id: 1, name: 'drip.allowed.example' });
      const second = buildQuery({ id: 2, name: 'drip.denied.example' });
      const responses = [client.expect(1), client.expect(2)];
      for (const octet of Buffer.concat([framed(first), framed(second)])) {
        await new Promise((resolve) => client.socket.write(Buffer.from([octet]), resolve));
      }
      const [allowed, denied] = await Promise.all(responses);
      expect(readMessage(allowed as Buffer).rcode).toBe(0);
      expect(readMessage(denied as Buffer).rcode).toBe(3);
    });
  });

  it('a half-closed client still gets what it waits for, then the end', async () => {
    await withClient(async (client) => {
      const label = `slowhalf${backend}`;
      const response = client.expect(7);
      client.socket.end(framed(buildQuery({ id: 7, name: `${label}.allowed.example` })));
      await isHeld(label);
      expect(client.isClosed).toBe(false);
      release(label);
      expect(readMessage((await response) as Buffer).answers).toHaveLength(1);
      if (!client.isClosed) await once(client.socket, 'end');
    });
  });

  it('a half-closed client without anything to wait for is let go', async () => {
    await withClient(async (client) => {
      const response = client.expect(8);
      client.socket.end(framed(buildQuery({ id: 8, name: 'x.denied.example' })));
      expect(readMessage((await response) as Buffer).rcode).toBe(3);
      if (!client.isClosed) await once(client.socket, 'end');
    });
  });

  it('FORMERR does not cost the connection', async () => {
    await withClient(async (client) => {
      for (let i = 0; i < 5; i++) {
        const broken = Buffer.concat([
          headerOctets(0, 0x0100, [1, 0, 0, 0]),
          Buffer.from([63, 97]),
        ]);
        const response = await client.exchange(broken);
        expect(readMessage(response as Buffer).rcode).toBe(FORMERR);
        expect((await client.ask({ name: `f${i}.allowed.example` })).rcode).toBe(0);
      }
    });
  });

  it('a slow name does not hold up the ones behind it', async () => {
    await withClient(async (client) => {
      const label = `slowname${backend}`;
      await client.ask({ name: 'warm.allowed.example' });
      const slow = client.expect(301);
      const quick = [302, 303, 304].map((id) => client.expect(id));
      client.socket.write(
        Buffer.concat([
          framed(buildQuery({ id: 301, name: `${label}.allowed.example` })),
          framed(buildQuery({ id: 302, name: 'warm.allowed.example' })),
          framed(buildQuery({ id: 303, name: 'x.denied.example' })),
          framed(buildQuery({ id: 304, name: `fresh${backend}.allowed.example` })),
        ]),
      );
      for (const octets of await Promise.all(quick)) expect(octets).not.toBeNull();
      await isHeld(label);
      release(label);
      expect(readMessage((await slow) as Buffer).rcode).toBe(0);
      expect(client.order.at(-1)).toBe(301);
    });
  });

  it('a client that leaves does not take the others with it', async () => {
    const label = `slowleaver${backend}`;
    const shape = { name: `${label}.allowed.example` };
    await withClient(async (stays) => {
      const leaver = await TcpClient.open(valve, CLIENT);
      void leaver.exchange(buildQuery(shape));
      await isHeld(label);
      const response = stays.ask(shape);
      leaver.socket.resetAndDestroy();
      await stays.ask({ name: 'x.denied.example' });
      release(label);
      expect((await response).answers).toHaveLength(1);
    });
  });
});

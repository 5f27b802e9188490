/** From which address an answer comes, and who a client is by its own: IPv4, IPv6, and mapped. */

import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { askOnce, TRANSPORTS, UdpClient } from '../support/client.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');
if (!hasIpv6) process.stderr.write('IPv6 is off on this machine: its cases are skipped\n');

const REFUSED = 5;
const WORKLOADS = `workloads:
  two: { sources: [127.0.0.2/32], mode: enforce, allow: [two.example] }
  three: { sources: ["::ffff:127.0.0.3/128"], mode: enforce, allow: [three.example] }
  six: { sources: ["::1/128"], mode: enforce, allow: [six.example] }
`;

describe.each(BACKENDS)('addresses through %s sockets', (backend) => {
  let upstream: FakeServer | null = null;
  let valve: Valve | null = null;

  async function start(listen: readonly string[]): Promise<Valve> {
    upstream = await FakeServer.start((asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
    );
    valve = await Valve.start({
      backend,
      listen,
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { example: fake }
${WORKLOADS}`,
    });
    return valve;
  }

  afterEach(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  it('a wildcard bind answers from the address that was asked, at once and later', async (test) => {
    test.skip(backend === 'dgram', 'node:dgram does not tell which address was asked');
    const { port } = await start(['0.0.0.0']);
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.77']) {
      const client = await UdpClient.open({ address, port }, '127.0.0.2');
      for (const name of ['two.example', 'two.example', 'denied.example', 'localhost']) {
        await client.ask({ name });
        expect(client.lastFrom, name).toBe(address);
      }
      client.close();
    }
  });

  it.each(TRANSPORTS)('IPv4 sources are told apart over %s', async (transport) => {
    const { port } = await start(['0.0.0.0']);
    const to = { address: '127.0.0.1', port };
    const rcodes = async (from: string): Promise<number[]> => {
      const names = ['two.example', 'three.example', 'six.example'];
      const asked = names.map((name) => askOnce(transport, to, from, { name }));
      return (await Promise.all(asked)).map(({ rcode }) => rcode);
    };
    expect(await rcodes('127.0.0.2')).toEqual([0, 3, 3]);
    expect(await rcodes('127.0.0.3')).toEqual([3, 0, 3]);
    expect(await rcodes('127.0.0.4')).toEqual([REFUSED, REFUSED, REFUSED]);
  });

  it.skipIf(!hasIpv6).each(TRANSPORTS)('IPv6 works like IPv4 over %s', async (transport) => {
    const { port } = await start(['[::]', '0.0.0.0']);
    const six = { address: '::1', port };
    for (const edns of [undefined, { dnssecOk: true }]) {
      const shape = edns === undefined ? {} : { edns };
      const allowed = await askOnce(transport, six, '::1', { name: 'six.example', ...shape });
      expect([allowed.rcode, allowed.answers.length]).toEqual([0, 1]);
      const denied = await askOnce(transport, six, '::1', { name: 'two.example', ...shape });
      expect([denied.rcode, denied.ede]).toEqual([3, edns === undefined ? null : 15]);
    }
    const four = { address: '127.0.0.1', port };
    expect((await askOnce(transport, four, '127.0.0.2', { name: 'two.example' })).rcode).toBe(0);
    expect((await askOnce(transport, four, '127.0.0.2', { name: 'six.example' })).rcode).toBe(3);
  });
});

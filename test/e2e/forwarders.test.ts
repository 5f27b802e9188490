/**
 * Forwarders that pass queries on with a PROXY header: by clients that play them, octet by octet,
 * and by haproxy and dnsdist.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOnce, framed, TcpClient, TRANSPORTS, UdpClient } from '../support/client.ts';
import { buildQuery, type EdnsShape, type Message, readMessage } from '../support/message.ts';
import { freePort, lacks, makeFolder, Program, removeFolder, until } from '../support/processes.ts';
import { proxyHeader } from '../support/proxy.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const FORWARDER = '127.0.0.9';
const STRANGER = '127.0.0.2';
const [FORMERR, NXDOMAIN, NOTIMP, REFUSED] = [1, 3, 4, 5];
const PROHIBITED = 18;

const policy = (port: number): string => `
upstreams: { fake: { servers: ["127.0.0.1:${port}"] } }
forward: { ".": fake }
trusted_forwarders: [{ sources: [${FORWARDER}, "2001:db8:ffff::1"], identity: proxy }]
workloads:
  red: { sources: [10.1.0.0/16, "2001:db8:1::/64", 127.0.0.3], allow: ["*.red.test"] }
  blue: { sources: [10.2.0.0/16, 127.0.0.4], allow: ["*.blue.test"] }
  edge: { sources: [${FORWARDER}], allow: ["*.edge.test"] }
  other: { sources: [${STRANGER}], allow: ["*.other.test"] }
`;

const header = (source: string): Buffer =>
  source.includes(':')
    ? proxyHeader({ family: 0x22, source, destination: '2001:db8::53' })
    : proxyHeader({ family: 0x12, source });

describe.each(BACKENDS)('PROXY headers beside %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;
  let names = 0;

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
    );
    valve = await Valve.start({ backend, config: policy(upstream.port) });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  /** A query for a name that nobody has asked for. */
  const query = (zone: string, id = 0, edns: EdnsShape = {}): Buffer =>
    buildQuery({ id, name: `n${names++}.${zone}.test`, edns });

  async function overUdp(before: Uint8Array, zone: string, from = FORWARDER): Promise<Message> {
    const client = await UdpClient.open(valve, from);
    try {
      const response = client.expect(7);
      client.send(Buffer.concat([before, query(zone, 7)]));
      const octets = await response;
      if (octets === null) throw new Error('no response');
      return readMessage(octets);
    } finally {
      client.close();
    }
  }

  /** Null when the connection ends without a response. */
  async function overTcp(
    before: Uint8Array,
    zone: string,
    from = FORWARDER,
  ): Promise<Message | null> {
    const client = await TcpClient.open(valve, from);
    try {
      const response = client.expect(7);
      // Half-closed: who waits for the rest of a frame waits in vain, and lets go.
      client.socket.end(Buffer.concat([before, framed(query(zone, 7))]));
      const octets = await response;
      return octets === null ? null : readMessage(octets);
    } finally {
      client.close();
    }
  }

  it.each([
    ['a workload of IPv4', '10.1.0.7', 'red', 'blue'],
    ['another one', '10.2.0.7', 'blue', 'red'],
    ['a workload of IPv6', '2001:db8:1::7', 'red', 'blue'],
  ])('the source in the header is who asks: %s', async (_, source, allowed, denied) => {
    expect((await overUdp(header(source), allowed)).answers).toHaveLength(1);
    expect((await overUdp(header(source), denied)).rcode).toBe(NXDOMAIN);
    expect((await overUdp(header(source), 'edge')).rcode).toBe(NXDOMAIN);
    expect((await overTcp(header(source), allowed))?.answers).toHaveLength(1);
    expect((await overTcp(header(source), denied))?.rcode).toBe(NXDOMAIN);
    expect((await overTcp(header(source), 'edge'))?.rcode).toBe(NXDOMAIN);
  });

  it('a source that no workload claims is unmapped', async () => {
    expect((await overUdp(header('192.0.2.77'), 'red')).rcode).toBe(REFUSED);
    expect((await overTcp(header('192.0.2.77'), 'red'))?.rcode).toBe(REFUSED);
  });

  it('the second answer comes from the store, by the policy of its own source', async () => {
    const octets = query('red', 7);
    const client = await UdpClient.open(valve, FORWARDER);
    for (const [source, rcode] of [
      ['10.1.0.7', 0],
      ['10.1.0.8', 0],
      ['10.2.0.7', NXDOMAIN],
    ] as const) {
      const response = client.expect(7);
      client.send(Buffer.concat([header(source), octets]));
      expect([source, readMessage((await response) as Buffer).rcode]).toEqual([source, rcode]);
    }
    client.close();
  });

  it('LOCAL is the forwarder itself', async () => {
    const local = proxyHeader({ command: 0x20, family: 0 });
    expect((await overUdp(local, 'edge')).answers).toHaveLength(1);
    expect((await overUdp(local, 'red')).rcode).toBe(NXDOMAIN);
    expect((await overTcp(local, 'edge'))?.answers).toHaveLength(1);
  });

  it('without a header a forwarder is nobody, not even itself', async () => {
    const before = upstream.asked.length;
    for (const zone of ['edge', 'red']) {
      const refused = await overUdp(new Uint8Array(0), zone);
      expect([refused.rcode, refused.ede]).toEqual([REFUSED, PROHIBITED]);
      expect(await overTcp(new Uint8Array(0), zone)).toBeNull();
    }
    expect(upstream.asked.length).toBe(before);
  });

  it('nor may it say by a client subnet what it did not say in a header', async () => {
    const subnet = { code: 8, data: Uint8Array.of(0, 1, 32, 0, 10, 1, 0, 7) };
    const client = await UdpClient.open(valve, FORWARDER);
    const response = client.expect(7);
    client.send(query('red', 7, { options: [subnet] }));
    const { rcode, ede } = readMessage((await response) as Buffer);
    expect([rcode, ede]).toEqual([REFUSED, PROHIBITED]);
    client.close();
  });

  it.each([
    ['of a family without addresses', proxyHeader({ family: 0 })],
    ['whose length holds no address', proxyHeader({ family: 0x11, source: '10.1.0.7', length: 4 })],
    ['of version 1', Buffer.from('PROXY TCP4 10.1.0.7 127.0.0.1 4000 53\r\n', 'latin1')],
    ['behind another', Buffer.concat([header('10.1.0.7'), header('10.2.0.7')])],
  ])('a header %s makes nobody of the query', async (_, octets) => {
    const before = upstream.asked.length;
    const client = await UdpClient.open(valve, FORWARDER);
    client.send(Buffer.concat([octets, query('red')]));
    client.send(Buffer.concat([octets, query('blue')]));
    const fence = client.expect(9);
    client.send(Buffer.concat([header('10.1.0.7'), query('blue', 9)]));
    expect(readMessage((await fence) as Buffer).rcode).toBe(NXDOMAIN);
    for (const got of client.unasked) expect([FORMERR, NOTIMP, REFUSED]).toContain(got[3]! & 15);
    client.close();
    const response = await overTcp(octets, 'red');
    expect(response === null || response.rcode === FORMERR).toBe(true);
    expect(upstream.asked.length).toBe(before);
  });

  it.each(TRANSPORTS)(
    'a header from a stranger is what it was: malformed, over %s',
    async (way) => {
      const before = upstream.asked.length;
      for (const source of ['10.1.0.7', FORWARDER, STRANGER]) {
        for (const zone of ['red', 'edge', 'other']) {
          if (way === 'tcp') {
            expect(await overTcp(header(source), zone, STRANGER)).toBeNull();
          } else {
            const client = await UdpClient.open(valve, STRANGER);
            client.send(Buffer.concat([header(source), query(zone)]));
            const fence = await client.ask({ name: 'localhost' });
            expect(fence.rcode).toBe(0);
            for (const octets of client.unasked) expect(octets.readUInt16BE(6)).toBe(0);
            client.close();
          }
        }
      }
      expect(upstream.asked.length).toBe(before);
    },
  );

  it('over TCP the header may come octet by octet, and once for many queries', async () => {
    const client = await TcpClient.open(valve, FORWARDER);
    const more = Buffer.alloc(300, 4);
    const start = proxyHeader({ family: 0x11, source: '10.1.0.7', more });
    const first = client.expect(1);
    for (const octet of Buffer.concat([start, framed(query('red', 1))])) {
      await new Promise((resolve) => client.socket.write(Buffer.from([octet]), resolve));
    }
    expect(readMessage((await first) as Buffer).answers).toHaveLength(1);
    const responses = [2, 3, 4].map((id) => client.expect(id));
    client.socket.write(
      Buffer.concat([2, 3, 4].map((id) => framed(query(id === 3 ? 'blue' : 'red', id)))),
    );
    const rcodes = (await Promise.all(responses)).map((one) => readMessage(one as Buffer).rcode);
    expect(rcodes).toEqual([0, NXDOMAIN, 0]);
    client.close();
  });

  it('many sources through one socket: each answer is for the query that it is of', async () => {
    const client = await UdpClient.open(valve, FORWARDER);
    const ids = Array.from({ length: 200 }, (_, id) => id + 1);
    const responses = ids.map((id) => client.expect(id));
    for (const id of ids) {
      const source = id % 2 === 0 ? `10.1.0.${id}` : `10.2.0.${id}`;
      client.send(Buffer.concat([header(source), query('red', id)]));
    }
    const got = await Promise.all(responses);
    const rcodes = got.map((octets) => readMessage(octets as Buffer).rcode);
    expect(rcodes).toEqual(ids.map((id) => (id % 2 === 0 ? 0 : NXDOMAIN)));
    client.close();
  });

  it('a reload takes the trust away, and the history knows the sources', async () => {
    await until('the history knows of them', async () => {
      const { said } = await valve.command('history', 'red', '--json');
      return said.includes('red.test') ? true : null;
    });
    valve.configure(policy(upstream.port).replace(/trusted_forwarders.*\n/, ''));
    expect((await valve.command('reload')).status).toBe(0);
    const octets = Buffer.concat([header('10.1.0.7'), query('red')]);
    const client = await UdpClient.open(valve, FORWARDER);
    client.send(octets);
    expect((await client.ask({ name: 'n.edge.test' })).rcode).toBe(0);
    for (const got of client.unasked) expect(got[3]! & 15).toBe(NOTIMP);
    client.close();
    valve.configure(policy(upstream.port));
    expect((await valve.command('reload')).status).toBe(0);
  });

  describe.skipIf(lacks('haproxy'))('haproxy', () => {
    it('send-proxy-v2 over TCP: the clients of haproxy are the workloads', async () => {
      const folder = makeFolder();
      const port = await freePort();
      const file = join(folder, 'haproxy.cfg');
      writeFileSync(
        file,
        `defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend dns
  bind 127.0.0.1:${port}
  default_backend valve
backend valve
  source ${FORWARDER}
  server valve 127.0.0.1:${valve.port} send-proxy-v2 proxy-v2-options crc32c,unique-id
`,
      );
      const program = new Program('haproxy', ['-db', '-f', file]);
      const to = { address: '127.0.0.1', port };
      const ask = (from: string, zone: string) =>
        askOnce('tcp', to, from, { name: `h${names++}.${zone}.test` });
      await until('haproxy answers', () => ask('127.0.0.3', 'red').catch(() => null));
      expect((await ask('127.0.0.3', 'red')).answers).toHaveLength(1);
      expect((await ask('127.0.0.3', 'blue')).rcode).toBe(NXDOMAIN);
      expect((await ask('127.0.0.4', 'blue')).answers).toHaveLength(1);
      expect((await ask('127.0.0.5', 'blue')).rcode).toBe(REFUSED);
      await program.stop();
      removeFolder(folder);
    });
  });

  describe.skipIf(lacks('dnsdist'))('dnsdist', () => {
    it('useProxyProtocol over UDP and TCP: the clients of dnsdist are the workloads', async () => {
      const folder = makeFolder();
      const port = await freePort();
      const file = join(folder, 'dnsdist.lua');
      writeFileSync(
        file,
        `setLocal("127.0.0.1:${port}")
setACL({"127.0.0.0/8"})
setSecurityPollSuffix("")
newServer({address="127.0.0.1:${valve.port}", source="${FORWARDER}", useProxyProtocol=true})
`,
      );
      const program = new Program('dnsdist', ['--supervised', '-C', file]);
      const to = { address: '127.0.0.1', port };
      const ask = (way: 'udp' | 'tcp', from: string, zone: string) =>
        askOnce(way, to, from, { name: `d${names++}.${zone}.test` });
      await until('dnsdist answers', async () => {
        if (!program.isRunning) throw new Error(program.said);
        return ask('tcp', '127.0.0.3', 'red').catch(() => null);
      });
      for (const way of TRANSPORTS) {
        expect((await ask(way, '127.0.0.3', 'red')).answers).toHaveLength(1);
        expect((await ask(way, '127.0.0.3', 'blue')).rcode).toBe(NXDOMAIN);
        expect((await ask(way, '127.0.0.4', 'blue')).answers).toHaveLength(1);
        expect((await ask(way, '127.0.0.5', 'blue')).rcode).toBe(REFUSED);
      }
      await program.stop();
      removeFolder(folder);
    });
  });
});

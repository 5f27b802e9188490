/** DNS over TLS and over HTTPS: kdig and curl, clients of Node, and those who do it wrong. */

import { readFileSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../alerts/pki.ts';
import { framed, UdpClient } from '../support/client.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import { freePort, lacks, run, until } from '../support/processes.ts';
import { proxyHeader } from '../support/proxy.ts';
import { TlsRelay } from '../support/tls-relay.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
const FORWARDER = '127.0.0.9';
const [NXDOMAIN, REFUSED] = [3, 5];
const PADDING = 12;
const MEDIA = 'application/dns-message';

const pki = new Authority();
const pair = pki.issue('dns', 'DNS:dns.test,IP:127.0.0.1');
const renewed = pki.issue('renewed', 'DNS:dns.test,IP:127.0.0.1');
const ca = readFileSync(pki.ca);
let names = 0;

afterAll(() => pki.remove());

describe.each(BACKENDS)('encrypted listeners beside %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;
  let tlsPort: number;
  let httpsPort: number;
  let config: string;

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) => {
      if (!asked.name.toLowerCase().startsWith('held')) {
        asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));
      }
    });
    [tlsPort, httpsPort] = [await freePort(), await freePort()];
    writeFileSync(`${pki.folder}/live.pem`, readFileSync(pair.cert));
    writeFileSync(`${pki.folder}/live.key`, readFileSync(pair.key));
    const files = `cert: "file:${pki.folder}/live.pem", key: "file:${pki.folder}/live.key"`;
    const plain = await freePort();
    config = `listen:
  - "127.0.0.1:${plain}"
  - { address: "127.0.0.1:${tlsPort}", tls: { ${files}, name: dns.test } }
  - { address: "127.0.0.1:${httpsPort}", https: { ${files}, name: dns.test } }
upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
trusted_forwarders: [{ sources: [${FORWARDER}], identity: proxy }]
workloads:
  red: { sources: [${CLIENT}, 10.1.0.0/16], allow: ["*.red.test"] }
`;
    valve = await Valve.start({ backend, config, ownListen: true, port: plain });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  function tcpTo(port: number, from = CLIENT): Socket {
    return connectTcp({ host: '127.0.0.1', port, localAddress: from });
  }

  async function dot(from = CLIENT, before?: Buffer, port = tlsPort): Promise<Stream> {
    const raw = tcpTo(port, from);
    if (before !== undefined) raw.write(before);
    const socket = connectTls({ socket: raw, ca, servername: 'dns.test', ALPNProtocols: ['dot'] });
    const stream = new Stream(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before it was secure')));
    });
    return stream;
  }

  async function doh(from = CLIENT, before?: Buffer): Promise<ClientHttp2Session> {
    const raw = tcpTo(httpsPort, from);
    if (before !== undefined) raw.write(before);
    const socket = connectTls({ socket: raw, ca, servername: 'dns.test', ALPNProtocols: ['h2'] });
    const session = connectHttp2('https://dns.test', { createConnection: () => socket });
    session.on('error', () => {});
    return session;
  }

  const query = (zone: string, id = 0): Buffer =>
    buildQuery({ id, name: `n${names++}.${zone}.test`, edns: {} });

  async function asks(): Promise<Message> {
    const client = await UdpClient.open(valve, CLIENT);
    const response = await client.ask({ name: `n${names++}.red.test` });
    client.close();
    return response;
  }

  describe('over TLS', () => {
    it('queries are decided by the source, pipelined, and answered out of order', async () => {
      const stream = await dot();
      stream.send(
        ...[framed(buildQuery({ id: 1, name: `held${names++}.red.test` }))],
        ...[framed(query('red', 2)), framed(query('blue', 3)), framed(query('red', 4))],
      );
      const got = await stream.messages(3);
      expect(got.map(({ id }) => id).toSorted()).toEqual([2, 3, 4]);
      expect(got.find(({ id }) => id === 3)?.rcode).toBe(NXDOMAIN);
      expect(got.find(({ id }) => id === 2)?.answers).toHaveLength(1);
      stream.socket.destroy();
    });

    it('RFC 7766 8: length and answer leave in one record', async () => {
      const relay = await new TlsRelay(tlsPort, CLIENT).start();
      const stream = await dot('127.0.0.1', undefined, relay.port);
      const ask = async (id: number, zone: string): Promise<void> => {
        stream.send(framed(query(zone, id)));
        await stream.messages(id);
      };
      await ask(1, 'red');
      const before = relay.fromServer.count;
      for (let id = 2; id <= 6; id++) await ask(id, id % 2 === 0 ? 'red' : 'blue');
      expect(relay.fromServer.count - before).toBe(5);
      stream.socket.destroy();
      relay.stop();
    });

    it('a query octet by octet, each in its own record', async () => {
      const stream = await dot();
      for (const octet of framed(query('red', 5))) {
        await new Promise((resolve) => stream.socket.write(Buffer.from([octet]), resolve));
      }
      expect((await stream.messages(1))[0]?.answers).toHaveLength(1);
      stream.socket.destroy();
    });

    it.each(['red', 'blue'])(
      'a padded query for %s gets blocks of 468, another does not',
      async (zone) => {
        const stream = await dot();
        const options = [{ code: PADDING, data: new Uint8Array(100) }];
        const name = `n${names++}.${zone}.test`;
        stream.send(framed(buildQuery({ id: 1, name, edns: { options } })));
        const [padded] = await stream.messages(1);
        expect(padded?.octets.length).toBe(468);
        expect(padded?.opt?.options.at(-1)?.code).toBe(PADDING);
        stream.send(framed(buildQuery({ id: 2, name, edns: {} })));
        const plain = (await stream.messages(2))[1];
        expect(plain?.octets.length).toBeLessThan(300);
        expect(plain?.opt?.options.map(({ code }) => code)).not.toContain(PADDING);
        stream.socket.destroy();
      },
    );

    it('what is not DNS at all ends the connection', async () => {
      const stream = await dot();
      stream.send(Buffer.from([0, 3, 1, 2, 3]));
      await stream.end();
    });

    it('a client that speaks another protocol over TLS is not let in', async () => {
      const socket = connectTls({
        port: tlsPort,
        ca,
        servername: 'dns.test',
        ALPNProtocols: ['h2'],
      });
      await expect(
        new Promise((resolve, reject) => {
          socket.once('error', reject);
          socket.once('secureConnect', resolve);
        }),
      ).rejects.toThrow();
      socket.destroy();
    });

    it('a trusted forwarder puts the PROXY header before the handshake', async () => {
      const header = proxyHeader({ family: 0x11, source: '10.1.0.7' });
      const stream = await dot(FORWARDER, header);
      stream.send(framed(query('red', 1)), framed(query('blue', 2)));
      const got = await stream.messages(2);
      expect(got.find(({ id }) => id === 1)?.answers).toHaveLength(1);
      expect(got.find(({ id }) => id === 2)?.rcode).toBe(NXDOMAIN);
      stream.socket.destroy();
      await expect(dot(FORWARDER)).rejects.toThrow();
      await expect(dot(CLIENT, header)).rejects.toThrow();
    });
  });

  describe('over HTTPS', () => {
    it('GET and POST, with the lowest TTL as age', async () => {
      const session = await doh();
      const get = await request(session, { ':path': url(query('red')) });
      expect(get.status).toBe(200);
      expect(get.headers['content-type']).toBe(MEDIA);
      expect(get.headers['cache-control']).toBe('max-age=60');
      expect(readMessage(get.body).answers).toHaveLength(1);
      const post = await request(session, POST, query('blue'));
      expect(post.headers['cache-control']).toBe('max-age=30');
      expect(readMessage(post.body).rcode).toBe(NXDOMAIN);
      session.destroy();
    });

    it('many at once on one connection, one of them unanswered for long', async () => {
      const session = await doh();
      const held = request(session, POST, buildQuery({ name: `held${names++}.red.test` }));
      const zones = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 'red' : 'blue'));
      const got = await Promise.all(zones.map((zone) => request(session, POST, query(zone))));
      expect(got.map(({ body }) => readMessage(body).rcode)).toEqual(
        zones.map((zone) => (zone === 'red' ? 0 : NXDOMAIN)),
      );
      session.destroy();
      await held.catch(() => {});
    });

    it('a padded query gets blocks of 468, and no keepalive', async () => {
      const session = await doh();
      const options = [PADDING, 11].map((code) => ({ code, data: new Uint8Array(0) }));
      const { body } = await request(
        session,
        POST,
        buildQuery({ name: `n${names++}.red.test`, edns: { options } }),
      );
      expect(body.length).toBe(468);
      expect(readMessage(body).opt?.options.map(({ code }) => code)).toEqual([PADDING]);
      session.destroy();
    });

    it.each([
      ['another path', { ':path': '/' }, undefined, 404],
      ['no message', { ':path': '/dns-query' }, undefined, 400],
      ['an empty message', { ':path': '/dns-query?dns=' }, undefined, 400],
      ['base64 that is not for URLs', { ':path': '/dns-query?dns=AA+/' }, undefined, 400],
      ['padded base64', { ':path': '/dns-query?dns=AAAA==' }, undefined, 400],
      ['two messages', { ':path': '/dns-query?dns=AAAA&dns=AAAA' }, undefined, 400],
      ['octets that are no message', { ':path': '/dns-query?dns=AAAA' }, undefined, 400],
      ['another method', { ':method': 'PUT', ':path': '/dns-query' }, Buffer.alloc(9), 405],
      [
        'another media type',
        { ...base('POST'), 'content-type': 'text/plain' },
        Buffer.alloc(9),
        415,
      ],
      ['no media type', base('POST'), Buffer.alloc(9), 415],
      [
        'more than a message',
        { ...base('POST'), 'content-type': MEDIA },
        Buffer.alloc(70_000),
        413,
      ],
      [
        'more than a message, and says so',
        { ...base('POST'), 'content-type': MEDIA, 'content-length': '70000' },
        Buffer.alloc(70_000),
        413,
      ],
    ] as const)('%s', async (_, headers, body, status) => {
      const session = await doh();
      expect((await request(session, headers, body)).status).toBe(status);
      expect((await request(session, POST, query('red'))).status).toBe(200);
      session.destroy();
    });

    it('a trusted forwarder puts the PROXY header before the handshake', async () => {
      const session = await doh(FORWARDER, proxyHeader({ family: 0x11, source: '10.1.0.7' }));
      const got = await request(session, POST, query('red'));
      expect(readMessage(got.body).answers).toHaveLength(1);
      session.destroy();
      const other = await doh(FORWARDER, proxyHeader({ family: 0x11, source: '192.0.2.1' }));
      expect(readMessage((await request(other, POST, query('red'))).body).rcode).toBe(REFUSED);
      other.destroy();
    });

    it('HTTP/1.1 is not spoken', async () => {
      const socket = connectTls({ port: httpsPort, ca, servername: 'dns.test' });
      socket.on('error', () => {});
      socket.write('GET /dns-query HTTP/1.1\r\nHost: dns.test\r\n\r\n');
      await new Promise((resolve) => socket.once('close', resolve));
    });
  });

  it('half a handshake, no handshake and many of them keep nobody from asking', async () => {
    const hello = await clientHello();
    const sockets = Array.from({ length: 700 }, (_, i) => {
      const socket = tcpTo(i % 2 === 0 ? tlsPort : httpsPort);
      socket.on('error', () => {});
      if (i % 3 === 0) socket.write(hello.subarray(0, 40));
      if (i % 3 === 1) socket.write(Buffer.from([0x16, 3, 1]));
      return socket;
    });
    for (let i = 0; i < 20; i++) expect((await asks()).answers).toHaveLength(1);
    const stream = await dot();
    stream.send(framed(query('red', 1)));
    expect((await stream.messages(1))[0]?.answers).toHaveLength(1);
    stream.socket.destroy();
    // The oldest made room, and the others have five seconds.
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise((resolve) => (socket.closed ? resolve(0) : socket.once('close', resolve))),
      ),
    );
  });

  it('octets that are no TLS record end the connection', async () => {
    const socket = tcpTo(tlsPort);
    socket.on('error', () => {});
    socket.write(framed(query('red')));
    await new Promise((resolve) => socket.once('close', resolve));
  });

  it('_dns.resolver.arpa tells of both listeners, under the name of the certificate', async () => {
    const client = await UdpClient.open(valve, CLIENT);
    const { answers } = await client.ask({ name: '_dns.resolver.arpa', type: 'SVCB' });
    expect(answers).toHaveLength(2);
    const rdata = answers.map((record) => Buffer.from(record.rdata, 'hex').toString('latin1'));
    expect(rdata[0]).toContain('\x03dns\x04test\0');
    expect(rdata[0]).toContain('\x03dot');
    expect(rdata[1]).toContain('/dns-query{?dns}');
    const other = await client.ask({ name: '_dns.resolver.arpa', type: 'A' });
    expect([other.rcode, other.answers]).toEqual([0, []]);
    client.close();
  });

  it('a reload takes a renewed certificate, and refuses one that is no pair with its key', async () => {
    const shown = (): Promise<string> =>
      dot().then((stream) => {
        const { subject } = stream.socket.getPeerCertificate();
        stream.socket.destroy();
        return String(subject.CN);
      });
    expect(await shown()).toBe('dns');
    writeFileSync(`${pki.folder}/live.pem`, readFileSync(renewed.cert));
    const refused = await valve.command('reload');
    expect(refused.status).not.toBe(0);
    expect(refused.said).toContain('certificate and key');
    expect(await shown()).toBe('dns');
    writeFileSync(`${pki.folder}/live.key`, readFileSync(renewed.key));
    expect((await valve.command('reload')).status).toBe(0);
    expect(await shown()).toBe('renewed');
    writeFileSync(`${pki.folder}/live.pem`, readFileSync(pair.cert));
    writeFileSync(`${pki.folder}/live.key`, readFileSync(pair.key));
  });

  it('status names the transports', async () => {
    const { listen, counters } = (await valve.status()) as {
      listen: { transport: string }[];
      counters: Record<string, number>;
    };
    expect(listen.map(({ transport }) => transport)).toEqual(['udp and tcp', 'tls', 'https']);
    expect(counters['queries_tls']).toBeGreaterThan(0);
    expect(counters['queries_https']).toBeGreaterThan(0);
  });

  describe.skipIf(lacks('kdig', 'curl'))('kdig and curl', () => {
    it.each([
      ['+tls', () => tlsPort],
      ['+https', () => httpsPort],
    ])('kdig %s verifies and is answered', async (option, port) => {
      const { said } = await run('kdig', [
        ...['@127.0.0.1', '-p', String(port()), '-b', CLIENT, option, `+tls-ca=${pki.ca}`],
        ...['+tls-hostname=dns.test', '+padding', `k${names++}.red.test`, 'A'],
      ]);
      expect(said).toContain('status: NOERROR');
      expect(said).toContain('192.0.2.1');
      expect(said).toMatch(/PADDING/i);
    });

    it('curl resolves its own names here', async () => {
      const { said } = await run('curl', [
        ...['-sS', '--interface', CLIENT, '--cacert', pki.ca, '--http2', '-D', '-', '-o', '-'],
        ...['--resolve', `dns.test:${httpsPort}:127.0.0.1`],
        `https://dns.test:${httpsPort}${url(query('red'))}`,
      ]);
      expect(said).toContain('HTTP/2 200');
      expect(said).toContain(MEDIA);
    });
  });

  it('it ends while streams are open', async () => {
    const [stream, session] = [await dot(), await doh()];
    session.ping(() => {});
    await until('the session is there', () => (session.connecting ? null : true));
    expect(await valve.program.stop()).toBe(0);
    await stream.end();
  });
});

const base = (method: string) => ({ ':method': method, ':path': '/dns-query' }) as const;
const POST = { ...base('POST'), 'content-type': MEDIA };

function url(message: Buffer): string {
  return `/dns-query?dns=${message.toString('base64url')}`;
}

interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

function request(
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string>>,
  body?: Uint8Array,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const chunks: Buffer[] = [];
    let found: Record<string, unknown> | null = null;
    stream.on('response', (got) => {
      found = { ...got };
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('close', () => {
      if (found === null) return reject(new Error('no response'));
      resolve({ status: Number(found[':status']), headers: found, body: Buffer.concat(chunks) });
    });
    if (body !== undefined) stream.end(body);
  });
}

/** A TLS connection that keeps the messages it got. */
class Stream {
  readonly socket: TLSSocket;
  readonly #got: Message[] = [];
  #partial = Buffer.alloc(0);
  #isOver = false;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
    });
    socket.on('data', (chunk: Buffer) => {
      let octets = Buffer.concat([this.#partial, chunk]);
      while (octets.length >= 2 && octets.length >= 2 + octets.readUInt16BE(0)) {
        const end = 2 + octets.readUInt16BE(0);
        this.#got.push(readMessage(octets.subarray(2, end)));
        octets = octets.subarray(end);
      }
      this.#partial = octets;
    });
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  messages(count: number): Promise<Message[]> {
    return until(`${count} messages`, () => (this.#got.length >= count ? this.#got : null));
  }

  async end(): Promise<void> {
    await until('the end', () => (this.#isOver ? true : null));
  }
}

/** What a client of TLS says first. */
async function clientHello(): Promise<Buffer> {
  const { Duplex } = await import('node:stream');
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _, done) {
        resolve(chunk);
        done();
      },
    });
    connectTls({ socket, servername: 'dns.test' }).on('error', () => {});
  });
}

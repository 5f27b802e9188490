/**
 * Prefetch on the wire: real sockets towards clients and an upstream, and a clock that tests turn.
 * The client has its answer while the upstream still holds the refresh.
 */

import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Clock } from '../../src/clock.ts';
import { COUNTERS, type CounterName } from '../../src/counters.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import type { Memory } from '../../src/memory.ts';
import { openTcp } from '../../src/native/tcp.ts';
import type { Query } from '../../src/query.ts';
import { TLS_CHANNEL } from '../../src/server/channels.ts';
import { EncryptedServer } from '../../src/server/encrypted.ts';
import { Forwarder, type Outlet } from '../../src/server/forwarder.ts';
import { TCP_LIMITS } from '../../src/server/tcp-limits.ts';
import { TcpServer } from '../../src/server/tcp-server.ts';
import { UdpServer } from '../../src/server/udp-server.ts';
import { Tables } from '../../src/tables.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import { Authority } from '../alerts/pki.ts';
import { askOnce } from '../support/client.ts';
import { workerMemory } from '../support/memory.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import { compileFiles } from '../support/replay-valve.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
const NAME = 'www.up.test';
const PATH = '/dns-query';
/** Of the upstream's records. */
const TTL = 60;
const ENCRYPTED = { path: PATH, name: null, cert: { env: 'NONE' }, key: { env: 'NONE' } } as const;

class StillClock extends Clock {
  override update(): void {}
}

const pki = new Authority();
const files = pki.issue('dns', 'DNS:dns.test,IP:127.0.0.1');
const pair = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
const ca = readFileSync(pki.ca);

/** A worker's sockets, without its thread and its timer. */
class Plane implements Outlet {
  readonly clock = new StillClock();
  readonly memory: Memory = workerMemory({
    ring: new RingWriter(createRing(1024)),
    storeOctets: 1 << 20,
    namesPerPair: 64,
  });
  readonly udp = new UdpServer(this.memory, this.clock);
  readonly tcp: TcpServer;
  readonly encrypted: EncryptedServer;
  readonly forwarder: Forwarder;
  port = 0;
  httpsPort = 0;

  constructor(tables: Tables, backend: (typeof BACKENDS)[number]) {
    this.tcp = new TcpServer(this.memory, this.clock, TCP_LIMITS, (options) =>
      openTcp(options, backend),
    );
    const onFault = (error: unknown): void => {
      throw error;
    };
    this.forwarder = new Forwarder(tables, this.memory, {
      clock: this.clock,
      outlet: this,
      onFault,
    });
    this.udp.forwarder = this.forwarder;
    this.tcp.forwarder = this.forwarder;
    this.encrypted = new EncryptedServer(this.memory, this.clock, this.forwarder);
  }

  static async open(upstream: FakeServer, backend: (typeof BACKENDS)[number]): Promise<Plane> {
    const config = `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
workloads: { client: { sources: [${CLIENT}/32], allow: [.up.test] } }
`;
    const { memory, plan } = await compileFiles({ 'main.yaml': config }, 1);
    const plane = new Plane(new Tables(memory), backend);
    const { inflight } = plane.memory;
    const clock = () => plane.clock.nowMs;
    plane.forwarder.upstreams = await Upstreams.open(plan, inflight, plane.forwarder, {
      backend,
      clock,
    });
    const loopback = { address: '127.0.0.1', family: 4, port: 0 } as const;
    await plane.udp.listen(loopback, backend);
    plane.port = plane.udp.ports[0]?.port ?? 0;
    await plane.tcp.listen({ ...loopback, port: plane.port });
    const encrypted = { ...ENCRYPTED, transport: 'https', at: { file: '', line: 1, col: 1 } };
    plane.httpsPort = await plane.encrypted.listen({ ...loopback, encrypted } as never, pair);
    return plane;
  }

  prepare(query: Query, channel: number): boolean {
    if (channel < 0) return this.tcp.prepare(query, -1 - channel);
    if (channel < TLS_CHANNEL) return this.udp.prepare(query, channel);
    return this.encrypted.prepare(query, channel);
  }

  commit(query: Query, channel: number): void {
    if (channel < 0) this.tcp.commit(query, -1 - channel);
    else if (channel < TLS_CHANNEL) this.udp.commit(query, channel);
    else this.encrypted.commit(query, channel);
  }

  flush(): void {
    this.udp.flush();
    this.tcp.flush();
    this.encrypted.flush();
  }

  pass(seconds: number): void {
    this.clock.nowSeconds += seconds;
  }

  counter(name: CounterName): number {
    return this.memory.counters[COUNTERS.indexOf(name)] ?? 0;
  }

  close(): void {
    this.udp.close();
    this.tcp.close();
    this.encrypted.close();
    this.forwarder.upstreams?.close();
  }
}

type Ask = (plane: Plane) => Promise<Message>;

const shape = { name: NAME, edns: {} };
const overUdp: Ask = (plane) =>
  askOnce('udp', { address: '127.0.0.1', port: plane.port }, CLIENT, shape);
const overTcp: Ask = (plane) =>
  askOnce('tcp', { address: '127.0.0.1', port: plane.port }, CLIENT, shape);

async function overHttps(plane: Plane): Promise<Message> {
  const at = { host: '127.0.0.1', port: plane.httpsPort, localAddress: CLIENT };
  const socket = connectTls({ socket: connectTcp(at), ca, ALPNProtocols: ['h2'], host: at.host });
  const session = connectHttp2('https://127.0.0.1', { createConnection: () => socket });
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/dns-message',
    });
    stream.end(buildQuery(shape));
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return readMessage(Buffer.concat(parts));
  } finally {
    session.destroy();
  }
}

const seen = ({ answers }: Message): unknown => answers.map(({ ttl, rdata }) => [ttl, rdata]);

afterAll(() => pki.remove());

describe.each(BACKENDS)('prefetch through %s sockets', (backend) => {
  let upstream: FakeServer;
  let plane: Plane;

  afterEach(() => {
    plane?.close();
    upstream?.stop();
  });

  it.each([
    ['UDP', overUdp],
    ['TCP', overTcp],
    ['HTTPS', overHttps],
  ])('a hit over %s that is due is answered at once, and one question leaves', async (_, ask) => {
    const held: Asked[] = [];
    upstream = await FakeServer.start((asked, nth) => {
      if (nth === 1) asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));
      else held.push(asked);
    });
    plane = await Plane.open(upstream, backend);
    const first = await ask(plane);
    for (let i = 0; i < 2; i++) expect(seen(await ask(plane))).toEqual(seen(first));
    plane.pass(TTL - TTL / 10);
    const [[, data]] = seen(first) as [[number, string]];
    // The upstream answers nothing yet.
    for (let i = 0; i < 3; i++) expect(seen(await ask(plane))).toEqual([[TTL / 10, data]]);
    await upstream.received(2);
    expect([plane.counter('prefetches'), plane.counter('forwarded')]).toEqual([1, 1]);
    expect(upstream.asked.map(({ name }) => name.toLowerCase())).toEqual([NAME, NAME]);
    held[0]?.reply(answerTo(held[0], { answers: [addressRecord(2)] }));
    // It is there once the worker has read it, which each question gives it a turn for.
    let now = await ask(plane);
    for (let i = 0; i < 200 && now.answers[0]?.ttl !== TTL; i++) now = await ask(plane);
    expect(now.answers[0]?.ttl).toBe(TTL);
    expect(now.answers[0]?.rdata).not.toBe(data);
    expect(upstream.asked.length).toBe(2);
    expect(plane.memory.waiters.count).toBe(0);
  });

  it('an upstream that fails leaves the answer as it is', async () => {
    upstream = await FakeServer.start((asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
    );
    plane = await Plane.open(upstream, backend);
    for (let i = 0; i < 3; i++) await overUdp(plane);
    plane.pass(TTL - 1);
    upstream.handler = (asked) => asked.reply(answerTo(asked, { flags: 0x8182 }));
    for (let i = 0; i < 3; i++) {
      const { rcode, answers } = await overUdp(plane);
      expect([rcode, answers[0]?.ttl]).toEqual([0, 1]);
    }
    await upstream.received(2);
    expect(plane.counter('prefetches')).toBe(1);
  });
});

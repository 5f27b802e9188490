/**
 * DNS over HTTPS under clients that send HTTP/2 and mean harm: what they may take is bounded, and
 * others are answered meanwhile. CVE-2019-9512 to 9518, CVE-2023-44487, CVE-2024-27316, and
 * CVE-2025-8671 are ways of servers to take such frames for nothing.
 */

import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../alerts/pki.ts';
import { UdpClient } from '../support/client.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { freePort, until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  field,
  frame,
  HEADERS,
  PING,
  PREFACE,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  setting,
  u32,
  WINDOW_UPDATE,
} from './http2-frames.ts';

const HONEST = '127.0.0.2';
const HOSTILE = '127.0.0.3';
const MEDIA = field('content-type', 'application/dns-message');
const NOTHING = Buffer.alloc(0);
const INITIAL_WINDOW_SIZE = 4;
/** Frames of one write. */
const BURST = 200;
/** Of tcp-limits.ts: sessions, and octets that are held, of one source. */
const [SESSIONS, OCTETS] = [125, 2 << 20];

const pki = new Authority();
const pair = pki.issue('dns', 'DNS:dns.test,IP:127.0.0.1');
const ca = readFileSync(pki.ca);
let upstream: FakeServer;
let valve: Valve;
let port: number;
let names = 0;

beforeAll(async () => {
  upstream = await FakeServer.start((asked) => {
    if (!asked.name.toLowerCase().startsWith('held'))
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));
  });
  port = await freePort();
  const plain = await freePort();
  const files = `cert: "file:${pair.cert}", key: "file:${pair.key}"`;
  const config = `listen:
  - "127.0.0.1:${plain}"
  - { address: "127.0.0.1:${port}", https: { ${files} } }
upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
rate_limit: { queries: 0 }
workloads: { red: { sources: [127.0.0.0/8], allow: ["*.red.test"] } }
`;
  valve = await Valve.start({ config, ownListen: true, port: plain });
});

afterAll(async () => {
  await valve?.stop();
  upstream?.stop();
  pki.remove();
});

function encrypted(from: string): TLSSocket {
  const raw = connectTcp({ host: '127.0.0.1', port, localAddress: from });
  return connectTls({ socket: raw, ca, servername: 'dns.test', ALPNProtocols: ['h2'] });
}

/** Resolves when the connection is encrypted. */
async function attacker(): Promise<TLSSocket> {
  const socket = encrypted(HOSTILE);
  socket.on('error', () => {});
  socket.resume();
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('close', () => reject(new Error('closed before it was secure')));
  });
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, NOTHING)]));
  return socket;
}

function honest(from = HONEST): ClientHttp2Session {
  const socket = encrypted(from);
  const session = connectHttp2('https://dns.test', { createConnection: () => socket });
  session.on('error', () => {});
  return session;
}

const path = (name: string): string =>
  `/dns-query?dns=${buildQuery({ name }).toString('base64url')}`;

/** The answers that a name of its own gets. */
function answered(session: ClientHttp2Session, zone = 'red'): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path(`n${names++}.${zone}.test`) });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => resolve(readMessage(Buffer.concat(chunks)).answers.length));
  });
}

/** Somebody else is answered, over UDP and over HTTPS, on a session of before and on a new one. */
async function othersAreAnswered(before: ClientHttp2Session): Promise<void> {
  const client = await UdpClient.open(valve, HONEST);
  expect((await client.ask({ name: `n${names++}.red.test` })).answers).toHaveLength(1);
  client.close();
  const fresh = honest();
  expect(await Promise.all([before, fresh].map((one) => answered(one)))).toEqual([1, 1]);
  fresh.destroy();
}

async function counter(name: string): Promise<number> {
  const { counters } = (await valve.status()) as { counters: Record<string, number> };
  return counters[name] ?? Number.NaN;
}

/** Writes until the valve closes the connection. */
async function writeUntilClosed(socket: TLSSocket, next: () => Buffer): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  while (!socket.destroyed && !socket.closed) {
    const chunk = Buffer.concat(Array.from({ length: BURST }, next));
    if (!socket.write(chunk)) {
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    } else await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
}

interface Flood {
  readonly name: string;
  /** Written first. */
  readonly start?: Buffer;
  /** Written again and again; its number, from 0 on. */
  readonly next: (i: number) => Buffer;
  /** What the valve says is not read. */
  readonly isDeaf?: true;
}

const stream = (i: number): number => 2 * i + 1;
const whole = END_STREAM | END_HEADERS;
const denied = block('GET', path('n.blue.test'));
const post = block('POST', '/dns-query', MEDIA);
const large = field('x', 'x'.repeat(16_000));

const FLOODS: readonly Flood[] = [
  {
    name: 'a header block that never ends',
    start: frame(HEADERS, END_STREAM, 1, denied),
    next: () => frame(CONTINUATION, 0, 1, field('x', 'y'.repeat(1000))),
  },
  {
    name: 'a header block that never ends, of empty frames',
    start: frame(HEADERS, END_STREAM, 1, denied),
    next: () => frame(CONTINUATION, 0, 1, NOTHING),
  },
  {
    name: 'requests that are reset at once',
    next: (i) =>
      Buffer.concat([
        frame(HEADERS, whole, stream(i), denied),
        frame(RST_STREAM, 0, stream(i), u32(8)),
      ]),
  },
  {
    name: 'unfinished requests that are reset at once',
    next: (i) =>
      Buffer.concat([
        frame(HEADERS, END_HEADERS, stream(i), post),
        frame(RST_STREAM, 0, stream(i), u32(8)),
      ]),
  },
  {
    name: 'requests that the valve is made to reset',
    next: (i) =>
      Buffer.concat([
        frame(HEADERS, END_HEADERS, stream(i), post),
        frame(WINDOW_UPDATE, 0, stream(i), u32(0)),
      ]),
  },
  { name: 'PING', next: () => frame(PING, 0, 0, Buffer.alloc(8)) },
  {
    name: 'PING whose answers are not read',
    next: () => frame(PING, 0, 0, Buffer.alloc(8)),
    isDeaf: true,
  },
  { name: 'SETTINGS', next: () => frame(SETTINGS, 0, 0, NOTHING) },
  {
    name: 'SETTINGS whose answers are not read',
    next: () => frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 1)),
    isDeaf: true,
  },
  { name: 'PRIORITY', next: (i) => frame(PRIORITY, 0, stream(i & 0xffff), Buffer.alloc(5)) },
  { name: 'WINDOW_UPDATE of the least', next: () => frame(WINDOW_UPDATE, 0, 0, u32(1)) },
  {
    name: 'empty DATA',
    start: frame(HEADERS, END_HEADERS, 1, post),
    next: () => frame(DATA, 0, 1, NOTHING),
  },
  { name: 'frames of types that nobody knows', next: () => frame(200, 0, 0, Buffer.alloc(64)) },
  {
    name: 'requests with more in their headers than is taken',
    next: (i) =>
      Buffer.concat([
        frame(HEADERS, END_STREAM, stream(i), Buffer.concat([denied.subarray(0, 2), large])),
        ...Array.from({ length: 6 }, () => frame(CONTINUATION, 0, stream(i), large)),
        frame(CONTINUATION, END_HEADERS, stream(i), NOTHING),
      ]),
  },
  {
    name: 'requests with more header fields than are taken',
    next: (i) => {
      const fields = Array.from({ length: 100 }, () => field('x', 'y'));
      return frame(HEADERS, whole, stream(i), Buffer.concat([denied, ...fields]));
    },
  },
];

describe('a session that floods', () => {
  it.each(FLOODS)('with $name is closed, and others are answered', async (flood) => {
    const before = honest();
    expect(await answered(before)).toBe(1);
    const socket = await attacker();
    if (flood.isDeaf) socket.pause();
    if (flood.start !== undefined) socket.write(flood.start);
    let written = 0;
    const over = writeUntilClosed(socket, () => flood.next(written++));
    await othersAreAnswered(before);
    await over;
    expect(written).toBeGreaterThan(0);
    expect(before.destroyed).toBe(false);
    before.destroy();
    expect(await counter('faults')).toBe(0);
  });
});

describe('a source', () => {
  /** Opens sessions that do the same until the valve closes the first of them. */
  async function openUntilClosed(begin: (socket: TLSSocket) => Promise<void>): Promise<number> {
    const sockets: TLSSocket[] = [];
    let isClosed = false;
    while (!isClosed && sockets.length < SESSIONS) {
      const socket = await attacker();
      sockets.push(socket);
      socket.once('close', () => {
        isClosed = true;
      });
      await begin(socket);
    }
    await until('one of them is closed', () => (isClosed ? true : null));
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  }

  const written = (socket: TLSSocket, octets: Buffer): Promise<void> =>
    new Promise((resolve) => socket.write(octets, () => resolve()));

  it('leaves no more requests unfinished than its share', async () => {
    const before = honest();
    const [closed, streams, body] = [await counter('tcp_source_closed'), 60, 4000];
    const opened = await openUntilClosed((socket) =>
      written(
        socket,
        Buffer.concat(
          Array.from({ length: streams }, (_, i) => [
            frame(HEADERS, END_HEADERS, stream(i), post),
            frame(DATA, 0, stream(i), Buffer.alloc(body)),
          ]).flat(),
        ),
      ),
    );
    expect((opened - 2) * streams * body).toBeLessThan(OCTETS);
    await othersAreAnswered(before);
    expect(await counter('tcp_source_closed')).toBeGreaterThan(closed);
    before.destroy();
  });

  it('leaves no more answers unread than its share', async () => {
    const before = honest();
    const closed = await counter('tcp_source_closed');
    await openUntilClosed((socket) =>
      written(
        socket,
        Buffer.concat([
          frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 0)),
          ...Array.from({ length: 90 }, (_, i) => frame(HEADERS, whole, stream(i), denied)),
        ]),
      ),
    );
    await othersAreAnswered(before);
    expect(await counter('tcp_source_closed')).toBeGreaterThan(closed);
    before.destroy();
  });

  it('has no more sessions than its share, and the one idle longest goes', async () => {
    const before = honest();
    expect(await answered(before)).toBe(1);
    const sessions: ClientHttp2Session[] = [];
    for (let i = 0; i < SESSIONS; i++) {
      sessions.push(honest(HOSTILE));
      await answered(sessions[i]!);
    }
    await answered(sessions[0]!);
    expect(sessions.filter(({ destroyed }) => destroyed)).toEqual([]);
    const last = honest(HOSTILE);
    expect(await answered(last)).toBe(1);
    await until('the oldest is closed', () => (sessions[1]!.destroyed ? true : null));
    expect(sessions.filter(({ destroyed }) => destroyed)).toHaveLength(1);
    await othersAreAnswered(before);
    for (const session of [before, last, ...sessions]) session.destroy();
  });

  it('may ask for as long as it likes', async () => {
    const session = honest(HOSTILE);
    // With their headers more than a session may send that asks for nothing.
    const zone = 'x'.repeat(60);
    for (let round = 0; round < 100; round++) {
      const asked = Array.from({ length: 90 }, () => answered(session, `${zone}.${zone}.blue`));
      expect(new Set(await Promise.all(asked))).toEqual(new Set([0]));
    }
    expect(session.destroyed).toBe(false);
    session.destroy();
  });
});

/** DNS over TLS: only the right server is asked, and what breaks costs one question. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PlannedServer } from '../../src/upstream/plan.ts';
import { pinOf } from '../../src/upstream/tls.ts';
import { Authority } from '../alerts/pki.ts';
import { TlsRelay } from '../support/tls-relay.ts';
import { BREAKAGES } from './breakages.ts';
import { type Asked, addressRecord, answerTo, type Handler } from './fake-server.ts';
import { Rig } from './rig.ts';
import { type KeyPair, NAME, planned, planWith, TlsFake } from './secure-server.ts';
import { closeAll, good, honest, keep, serve, statsOf, withRcode } from './steps.ts';

let authority: Authority;
let stranger: Authority;
let ca = '';
let pair: KeyPair;
const running = new Set<TlsFake>();

const read = ({ cert, key }: KeyPair): KeyPair => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
});

beforeAll(() => {
  authority = new Authority();
  stranger = new Authority();
  ca = readFileSync(authority.ca, 'utf8');
  pair = read(authority.issue('server', `DNS:${NAME}`));
});

afterAll(() => {
  authority.remove();
  stranger.remove();
});

afterEach(async () => {
  closeAll();
  for (const server of running) await server.stop();
  running.clear();
});

async function start(handler: Handler = good, keys = pair, port = 0): Promise<TlsFake> {
  const server = await new TlsFake(keys, handler).start(port);
  running.add(server);
  return server;
}

const open = async (...servers: PlannedServer[]) =>
  keep(await Rig.open(planWith(...servers), 'dgram'));

const hasLabel = (asked: Asked, label: string) => asked.name.toLowerCase().startsWith(label);
const answer = { kind: 'answer', rcode: 0 };

describe('DNS over TLS', () => {
  it('all questions go by one connection, and none over UDP', async () => {
    const server = await start();
    const rig = await open(planned(server, ca));
    for (let i = 0; i < 5; i++) expect(await rig.ask(`a${i}.example.com`)).toMatchObject(answer);
    expect([server.connections, server.datagrams]).toEqual([1, 0]);
    expect([...server.protocols]).toEqual(['dot']);
    expect(statsOf(rig)).toMatchObject({ tcp: 5, sent: 0, answered: 5, sockets: 0 });
    expect(statsOf(rig)).toMatchObject({ transport: 'tls', lastError: null, state: 'closed' });
  });

  it('RFC 7766 8: length and question leave in one record', async () => {
    const server = await start();
    const relay = await new TlsRelay(server.port).start();
    const rig = await open(planned(relay, ca));
    expect(await rig.ask('a.example.com')).toMatchObject(answer);
    const before = relay.fromClient.count;
    for (let i = 0; i < 5; i++) expect(await rig.ask(`a${i}.example.com`)).toMatchObject(answer);
    expect(relay.fromClient.count - before).toBe(5);
    relay.stop();
  });

  it('a server that knows no ALPN is asked all the same', async () => {
    const server = await new TlsFake(pair, good, []).start();
    running.add(server);
    const rig = await open(planned(server, ca));
    expect(await rig.ask('www.example.com')).toMatchObject(answer);
  });

  it('RFC 8467 4.1: queries are padded to blocks of 128, and answers of any size do', async () => {
    const server = await start();
    const rig = await open(planned(server, ca));
    const long = `${'x'.repeat(60)}.${'y'.repeat(60)}.example.com`;
    for (const name of ['a.example.com', long, '']) {
      expect(await rig.ask(name)).toMatchObject(answer);
    }
    expect(server.asked.map(({ message }) => message.length)).toEqual([128, 256, 128]);
    for (const { message, question } of server.asked) {
      const option = message.subarray(12 + question.length + 11);
      expect(option.readUInt16BE(0)).toBe(12);
      expect(option.readUInt16BE(2)).toBe(option.length - 4);
      expect(option.subarray(4).every((octet) => octet === 0)).toBe(true);
    }
  });

  it('plain servers are not sent padding', async () => {
    const plain = await serve((asked) =>
      asked.reply(asked.connection === null ? answerTo(asked, { flags: 0x8380 }) : honest(asked)),
    );
    const { address, port } = plain;
    const rig = await open({ address, port, family: 4 });
    expect(await rig.ask('a.example.com')).toMatchObject(answer);
    // 42 octets, and a cookie of 12.
    expect(plain.asked.map(({ message }) => message.length)).toEqual([54, 54]);
  });

  it('pipelined questions are answered in any order', async () => {
    const held: Asked[] = [];
    const server = await start((asked) => {
      held.push(asked);
      if (held.length === 20) for (const one of held.reverse()) one.reply(honest(one));
    });
    const rig = await open(planned(server, ca));
    const all = Array.from({ length: 20 }, (_, i) => rig.ask(`a${i}.example.com`));
    for (const outcome of await Promise.all(all)) expect(outcome).toMatchObject(answer);
    expect(server.connections).toBe(1);
  });

  it('a server that closes after each answer is asked again, with the ticket it gave', async () => {
    const server = await start((asked) => {
      asked.reply(honest(asked));
      asked.connection?.end();
    });
    const rig = await open(planned(server, ca));
    for (let i = 0; i < 4; i++) expect(await rig.ask(`a${i}.example.com`)).toMatchObject(answer);
    const all = Array.from({ length: 6 }, (_, i) => rig.ask(`b${i}.example.com`));
    for (const outcome of await Promise.all(all)) expect(outcome).toMatchObject(answer);
    expect(server.connections).toBeGreaterThan(4);
    expect(server.resumed).toBeGreaterThan(0);
  });

  it.each(BREAKAGES)('$name costs its question and no other', async (row) => {
    const server = await start((asked) => {
      if (hasLabel(asked, 'bad')) row.break(asked);
      else asked.reply(honest(asked));
    });
    const rig = await open(planned(server, ca));
    const names = ['a.example.com', 'bad.example.com', 'b.example.com', 'c.example.com'];
    const outcomes = await Promise.all(names.map((name) => rig.ask(name)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['answer', 'failure', 'answer', 'answer']);
    expect(await rig.ask('d.example.com')).toMatchObject(answer);
    expect(statsOf(rig).state).toBe('closed');
    expect(server.datagrams).toBe(0);
  });

  it('half a frame that never ends: the others are asked again on a new connection', async () => {
    const server = await start((asked, nth) => {
      if (nth === 1) asked.connection?.write(Buffer.from([0, 200, 1, 2, 3]));
      else if (server.connections > 1) asked.reply(honest(asked));
    });
    const rig = await open(planned(server, ca));
    const first = rig.ask('a.example.com');
    await server.received(1);
    const second = rig.ask('b.example.com');
    await server.received(2);
    rig.pass(2000);
    expect(await second).toMatchObject(answer);
    expect(await first).toMatchObject(answer);
  });

  it('a wrong id is ignored, and the right one that follows is used', async () => {
    const server = await start((asked) => {
      asked.reply(answerTo(asked, { id: asked.id ^ 0x5555, flags: 0x8183 }));
      asked.reply(honest(asked));
    });
    const rig = await open(planned(server, ca));
    expect(await rig.ask('www.example.com')).toMatchObject(answer);
  });

  it('SERVFAIL: the other server is asked', async () => {
    const failing = await start(withRcode(2));
    const whole = await serve(good);
    const { address, port } = whole;
    const rig = await open(planned(failing, ca), { address, port, family: 4 });
    expect(await rig.ask('www.example.com')).toMatchObject(answer);
  });

  it('a server that is silent is asked no more than 3 times, then EDE 22', async () => {
    const server = await start(() => undefined);
    const rig = await open(planned(server, ca));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    rig.pass(2000);
    await server.received(2);
    for (let i = 0; i < 60; i++) rig.pass(50);
    expect(await outcome).toEqual({ kind: 'failure', ede: 22 });
    expect(server.asked.length).toBeLessThanOrEqual(3);
    expect(statsOf(rig).timeouts).toBeGreaterThan(1);
  });
});

interface Refused {
  readonly name: string;
  /** Keys of the server, and what is demanded of them. */
  readonly keys: () => KeyPair;
  readonly demands?: Parameters<typeof planned>[2];
  readonly says: RegExp;
}

const REFUSED: readonly Refused[] = [
  {
    name: 'a certificate for another name',
    keys: () => read(authority.issue('other', 'DNS:other.example')),
    says: /dns\.example/,
  },
  {
    name: 'a certificate for a name below',
    keys: () => read(authority.issue('below', `DNS:*.${NAME}`)),
    says: /dns\.example/,
  },
  {
    name: 'a certificate without the address, when the address is demanded',
    keys: () => read(authority.issue('named', `DNS:${NAME}`)),
    demands: { peer: '127.0.0.1' },
    says: /127\.0\.0\.1/,
  },
  {
    name: 'a certificate with the name as common name only',
    keys: () => read(authority.issue(NAME, '')),
    says: /subjectAltName/,
  },
  {
    name: 'a certificate of an authority that is not ours',
    keys: () => read(stranger.issue('strange', `DNS:${NAME}`)),
    says: /unable to verify|self-signed|signature failure/,
  },
  {
    name: 'a certificate that is over',
    keys: () => read(authority.issue('over', `DNS:${NAME}`, -1)),
    says: /expired/,
  },
  {
    name: 'a key that no pin is',
    keys: () => pair,
    demands: { pins: [Buffer.alloc(32).toString('base64')] },
    says: /no pin/,
  },
];

describe('certificates', () => {
  it.each(REFUSED)('$name is refused, and nothing is asked', async ({ keys, demands, says }) => {
    const server = await start(good, keys());
    const rig = await open(planned(server, ca, demands));
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    const { state, lastError, certificateRefused } = statsOf(rig);
    expect([state, certificateRefused]).toEqual(['open', true]);
    expect(lastError).toMatch(says);
    expect([server.asked.length, server.datagrams]).toEqual([0, 0]);
  });

  it('the authorities of Node do not vouch for ours', async () => {
    const server = await start();
    const rig = await open(planned(server, ca, { ca: null }));
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    expect(statsOf(rig).certificateRefused).toBe(true);
  });

  it('the address, and a pin beside others, are accepted', async () => {
    const keys = read(authority.issue('address', 'IP:127.0.0.1'));
    const der = Buffer.from(keys.cert.replace(/-----[^-]*-----/g, ''), 'base64');
    const pins = [Buffer.alloc(32).toString('base64'), pinOf(der)];
    const server = await start(good, keys);
    const rig = await open(planned(server, ca, { peer: '127.0.0.1', pins }));
    expect(await rig.ask('www.example.com')).toMatchObject(answer);
  });

  it('the other server answers at once while a certificate is refused', async () => {
    const refused = await start(good, read(authority.issue('other', 'DNS:other.example')));
    const whole = await start();
    const rig = await open(planned(refused, ca), planned(whole, ca));
    for (let i = 0; i < 5; i++) expect(await rig.ask(`a${i}.example.com`)).toMatchObject(answer);
    expect([refused.asked.length, whole.asked.length]).toEqual([0, 5]);
    expect(refused.datagrams).toBe(0);
  });
});

describe('a server that was down', () => {
  it('is asked again when it is back, by one connection for all that wait', async () => {
    const before = await start();
    const rig = await open(planned(before, ca));
    expect(await rig.ask('a.example.com')).toMatchObject(answer);
    await before.stop();
    running.delete(before);
    expect(await rig.ask('b.example.com')).toEqual({ kind: 'failure', ede: 23 });
    const after = await start(good, pair, before.port);
    rig.pass(1000);
    const all = Array.from({ length: 10 }, (_, i) => rig.ask(`d${i}.example.com`));
    for (const outcome of await Promise.all(all)) expect(outcome).toMatchObject(answer);
    expect(after.connections).toBe(1);
    expect(statsOf(rig)).toMatchObject({ state: 'closed', lastError: null });
  });

  it('beside another one it gets a probe, and questions only when that was answered', async () => {
    const refused = await start(good, read(authority.issue('other', 'DNS:other.example')));
    const whole = await start();
    const rig = await open(planned(refused, ca), planned(whole, ca));
    for (let i = 0; i < 3; i++) expect(await rig.ask(`a${i}.example.com`)).toMatchObject(answer);
    expect(statsOf(rig).state).toBe('open');
    await refused.stop();
    running.delete(refused);
    const mended = await start(good, pair, refused.port);
    rig.pass(1000);
    expect(await rig.ask('b.example.com')).toMatchObject(answer);
    await mended.received(1);
    expect(mended.asked).toHaveLength(1);
    await rig.ask('c.example.com');
    expect(statsOf(rig)).toMatchObject({ state: 'closed', lastError: null });
  });

  it('is left alone for a moment: questions fail without a connection', async () => {
    let connections = 0;
    const closing = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
    const { port } = closing.address() as { port: number };
    const rig = await open(planned({ port }, ca));
    const failure = { kind: 'failure', ede: 23 };
    for (let i = 0; i < 5; i++) expect(await rig.ask(`a${i}.example.com`)).toEqual(failure);
    expect(connections).toBe(1);
    rig.pass(1000);
    expect(await rig.ask('b.example.com')).toEqual(failure);
    expect(connections).toBe(2);
    await new Promise((resolve) => closing.close(resolve));
  });

  it('one that takes connections and says nothing is given up, and does not hold others', async () => {
    const sockets = new Set<import('node:net').Socket>();
    const mute = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    const whole = await serve(good);
    const rig = await open(planned({ port }, ca), {
      address: whole.address,
      port: whole.port,
      family: 4,
    });
    const outcome = rig.ask('www.example.com');
    rig.pass(2000);
    expect(await outcome).toMatchObject(answer);
    expect(statsOf(rig).lastError).toBe('no connection in time');
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => mute.close(resolve));
  });

  it('an address record of the answer is passed on as it came', async () => {
    const server = await start((asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(77)] })),
    );
    const rig = await open(planned(server, ca));
    const outcome = await rig.ask('www.example.com');
    expect(outcome.kind === 'answer' && outcome.octets.at(-1)).toBe(77);
  });
});

describe('a reload', () => {
  it('keeps connection and questions of a server that stays, at whatever position', async () => {
    const held: Asked[] = [];
    const server = await start((asked) => held.push(asked));
    const other = await start();
    const rig = await open(planned(server, ca));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    await rig.upstreams.reconfigure(planWith(planned(other, ca), planned(server, ca)));
    const [asked] = held;
    asked?.reply(honest(asked));
    expect(await outcome).toMatchObject(answer);
    expect([server.connections, other.asked.length]).toEqual([1, 0]);
  });

  it('that demands another key closes the connection, and asks nothing by it', async () => {
    const server = await start(() => undefined);
    const rig = await open(planned(server, ca));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    const pins = [Buffer.alloc(32).toString('base64')];
    await rig.upstreams.reconfigure(planWith(planned(server, ca, { pins })));
    expect(await outcome).toEqual({ kind: 'failure', ede: 23 });
    expect(statsOf(rig).certificateRefused).toBe(true);
    expect(server.asked).toHaveLength(1);
  });

  it('that takes the server away hands its questions to the others', async () => {
    const server = await start(() => undefined);
    const other = await start();
    const rig = await open(planned(server, ca));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    await rig.upstreams.reconfigure(planWith(planned(other, ca)));
    expect(await outcome).toMatchObject(answer);
  });
});

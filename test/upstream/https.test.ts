/** DNS over HTTPS: one session, and whatever is not an answer is a failure of that try. */

import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../alerts/pki.ts';
import { addressRecord, answerTo } from './fake-server.ts';
import { Rig } from './rig.ts';
import {
  HttpsFake,
  type KeyPair,
  NAME,
  overHttps,
  type Posted,
  type PostHandler,
  planWith,
  respond,
  TlsFake,
} from './secure-server.ts';
import { closeAll, honest, keep, serve, statsOf } from './steps.ts';

let authority: Authority;
let ca = '';
let pair: KeyPair;
const running = new Set<HttpsFake | TlsFake>();

beforeAll(() => {
  authority = new Authority();
  ca = readFileSync(authority.ca, 'utf8');
  const { cert, key } = authority.issue('server', `DNS:${NAME}`);
  pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
});

afterAll(() => authority.remove());

afterEach(async () => {
  closeAll();
  for (const server of running) await server.stop();
  running.clear();
});

const good: PostHandler = (posted) => posted.reply(honest(posted));
const hasLabel = (posted: Posted, label: string) => posted.name.toLowerCase().startsWith(label);
const answer = { kind: 'answer', rcode: 0 };

async function start(handler: PostHandler = good, streams = 100, port = 0): Promise<HttpsFake> {
  const server = await new HttpsFake(pair, handler, streams).start(port);
  running.add(server);
  return server;
}

const open = async (server: { readonly port: number }) =>
  keep(await Rig.open(planWith(overHttps(server, ca)), 'dgram'));

describe('DNS over HTTPS', () => {
  it('RFC 8484 4.1: questions are posted with id 0, on one session, padded', async () => {
    const server = await start();
    const rig = await open(server);
    for (let i = 0; i < 5; i++) expect(await rig.ask(`a${i}.example.com`)).toMatchObject(answer);
    expect(server.sessionCount).toBe(1);
    for (const posted of server.asked as Posted[]) {
      expect([posted.id, posted.message.length]).toEqual([0, 128]);
      expect(posted.headers).toMatchObject({
        ':method': 'POST',
        ':path': '/dns-query',
        ':authority': `${NAME}:${server.port}`,
        'content-type': 'application/dns-message',
        accept: 'application/dns-message',
        'content-length': '128',
      });
      const sent = Object.keys(posted.headers).filter((name) => !name.startsWith(':'));
      expect(sent.sort()).toEqual(['accept', 'content-length', 'content-type']);
    }
    expect(statsOf(rig)).toMatchObject({ tcp: 5, sent: 0, transport: 'https', answered: 5 });
  });

  it('many at once share the session and are answered in any order', async () => {
    const held: Posted[] = [];
    const server = await start((posted) => {
      held.push(posted);
      if (held.length === 20) for (const one of held.reverse()) one.reply(honest(one));
    });
    const rig = await open(server);
    const all = Array.from({ length: 20 }, (_, i) => rig.ask(`a${i}.example.com`));
    for (const [i, outcome] of (await Promise.all(all)).entries()) {
      expect(outcome).toMatchObject(answer);
      const name = outcome.kind === 'answer' ? outcome.octets.toString('latin1', 13, 16) : '';
      expect(name.toLowerCase()).toContain(`a${i}`.slice(0, 2));
    }
    expect(server.sessionCount).toBe(1);
  });

  it('no more streams are open than the server allows, and all are answered', async () => {
    let now = 0;
    let most = 0;
    const server = await start((posted) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        posted.reply(honest(posted));
      });
    }, 3);
    const rig = await open(server);
    expect(await rig.ask('first.example.com')).toMatchObject(answer);
    const all = Array.from({ length: 30 }, (_, i) => rig.ask(`a${i}.example.com`));
    for (const outcome of await Promise.all(all)) expect(outcome).toMatchObject(answer);
    expect(most).toBeLessThanOrEqual(3);
    expect(server.sessionCount).toBe(1);
  });

  it('an answer of 60,000 octets arrives whole', async () => {
    const records = Array.from({ length: 3700 }, (_, i) => addressRecord(i & 255));
    const server = await start((posted) => posted.reply(answerTo(posted, { answers: records })));
    const rig = await open(server);
    const outcome = await rig.ask('www.example.com');
    expect(outcome.kind === 'answer' && outcome.octets.length).toBe(12 + 21 + 3700 * 16);
  });

  it('a media type with a parameter is the media type', async () => {
    const type = { 'content-type': 'Application/DNS-Message; charset=x' };
    const server = await start((posted) => respond(posted.stream, honest(posted), type));
    const rig = await open(server);
    expect(await rig.ask('www.example.com')).toMatchObject(answer);
  });
});

describe('RFC 8484 5.1: what lay in a cache of HTTP', () => {
  /** The TTL of addressRecord. */
  const TTL = 60;

  it.each([
    ['25', TTL - 25],
    ['0', TTL],
    ['60', 0],
    ['61', 0],
    ['99999999999999999999', 0],
    ['25, 3', TTL - 25],
    ['-25', TTL],
    ['1e1', TTL],
    ['soon', TTL],
    ['', TTL],
  ])('Age: %s leaves a TTL of %i', async (age, ttl) => {
    const server = await start((posted) => respond(posted.stream, honest(posted), { age }));
    const rig = await open(server);
    const outcome = await rig.ask('www.example.com');
    const octets = outcome.kind === 'answer' ? outcome.octets : Buffer.alloc(0);
    // The one record is the last: TTL, length and address.
    expect(octets.readUInt32BE(octets.length - 10)).toBe(ttl);
  });
});

/** What a server may do to the question `bad.…`. */
const FAILURES: readonly { name: string; spoil(posted: Posted): void }[] = [
  ...[201, 204, 302, 307, 400, 404, 429, 500, 503].map((status) => ({
    name: `status ${status}`,
    spoil: (posted: Posted) =>
      respond(posted.stream, honest(posted), {
        ':status': status,
        location: `https://${NAME}:1/elsewhere`,
      }),
  })),
  {
    name: 'another content type',
    spoil: (posted) =>
      respond(posted.stream, honest(posted), { 'content-type': 'application/dns-json' }),
  },
  {
    name: 'no content type',
    spoil: ({ stream, ...posted }) => {
      stream.respond({ ':status': 200 });
      stream.end(honest(posted as Posted));
    },
  },
  {
    name: 'an encoding',
    spoil: (posted) => respond(posted.stream, honest(posted), { 'content-encoding': 'gzip' }),
  },
  { name: 'an empty body', spoil: (posted) => respond(posted.stream, Buffer.alloc(0)) },
  { name: 'half a header', spoil: (posted) => respond(posted.stream, Buffer.alloc(11)) },
  { name: 'a body of 64 KiB', spoil: (posted) => respond(posted.stream, Buffer.alloc(65_536)) },
  {
    name: 'a stream that is reset',
    spoil: ({ stream }) => stream.close(2),
  },
  {
    name: 'half a body and a reset',
    spoil: (posted) => {
      posted.stream.respond({ ':status': 200, 'content-type': 'application/dns-message' });
      posted.stream.write(honest(posted).subarray(0, 20), () => posted.stream.close(2));
    },
  },
  {
    name: 'the end of the session',
    spoil: (posted) => posted.session.destroy(),
  },
  {
    name: 'the question of somebody else',
    spoil: (posted) => {
      const question = Buffer.from(posted.question);
      question[1] = 0x7a;
      posted.reply(answerTo(posted, { question }));
    },
  },
  { name: 'QR=0', spoil: (posted) => posted.reply(answerTo(posted, { flags: 0x0180 })) },
  { name: 'TC', spoil: (posted) => posted.reply(answerTo(posted, { flags: 0x8380 })) },
];

describe('what is no answer', () => {
  it.each(FAILURES)('$name costs its question and no other', async ({ spoil }) => {
    const server = await start((posted) => {
      if (hasLabel(posted, 'bad')) spoil(posted);
      else posted.reply(honest(posted));
    });
    const rig = await open(server);
    const names = ['a.example.com', 'bad.example.com', 'b.example.com', 'c.example.com'];
    const outcomes = await Promise.all(names.map((name) => rig.ask(name)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['answer', 'failure', 'answer', 'answer']);
    expect(await rig.ask('d.example.com')).toMatchObject(answer);
    expect(statsOf(rig).state).toBe('closed');
  });

  it('a redirect is not followed, and the other server of the group is asked', async () => {
    const elsewhere = await start();
    const server = await start((posted) =>
      respond(posted.stream, Buffer.alloc(0), {
        ':status': 307,
        location: `https://${NAME}:${elsewhere.port}/dns-query`,
      }),
    );
    const other = await serve((asked) => asked.reply(honest(asked)));
    const { address, port } = other;
    const plan = planWith(overHttps(server, ca), { address, port, family: 4 });
    const rig = keep(await Rig.open(plan, 'dgram'));
    expect(await rig.ask('www.example.com')).toMatchObject(answer);
    expect([server.asked.length, other.asked.length, elsewhere.asked.length]).toEqual([1, 1, 0]);
  });

  it('RFC 9113 8.7: a stream that was refused is asked again', async () => {
    const server = await start((posted, nth) => {
      if (nth === 1) posted.stream.close(7);
      else posted.reply(honest(posted));
    });
    const rig = await open(server);
    expect(await rig.ask('www.example.com')).toMatchObject(answer);
    expect(server.asked).toHaveLength(2);
  });

  it('a server that refuses every stream is asked a few times and no more', async () => {
    const server = await start((posted) => posted.stream.close(7));
    const rig = await open(server);
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    expect(server.asked.length).toBeLessThanOrEqual(3);
  });

  it.each([
    ['only HTTP/1.1', ['http/1.1']],
    ['no ALPN', []],
  ] as const)('a server that speaks %s is not asked', async (_name, protocols) => {
    const server = await new TlsFake(pair, () => undefined, protocols).start();
    running.add(server);
    const rig = await open(server);
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    expect(statsOf(rig).lastError).toMatch(/HTTP\/2|no application protocol/);
    expect([server.asked.length, server.datagrams]).toEqual([0, 0]);
  });

  it('a certificate for another name is refused', async () => {
    const server = await start();
    const plan = planWith(overHttps(server, ca, { peer: 'other.example' }));
    const rig = keep(await Rig.open(plan, 'dgram'));
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    expect(statsOf(rig)).toMatchObject({ certificateRefused: true, state: 'open' });
    expect(server.asked).toHaveLength(0);
  });
});

describe('sessions', () => {
  it('GOAWAY: what was asked is answered, and what comes later goes by a new session', async () => {
    const held: Posted[] = [];
    const server = await start((posted, nth) => {
      if (nth <= 3) held.push(posted);
      else posted.reply(honest(posted));
      if (nth === 3) posted.session.goaway(0, posted.stream.id);
    });
    const rig = await open(server);
    const before = ['a', 'b', 'c'].map((label) => rig.ask(`${label}.example.com`));
    await server.received(3);
    // The server's GOAWAY arrives before the answer to a question that is asked after it.
    let later = rig.ask('d.example.com');
    while (server.sessionCount === 1) {
      await later;
      later = rig.ask('e.example.com');
    }
    expect(await later).toMatchObject(answer);
    for (const posted of held) posted.reply(honest(posted));
    for (const outcome of await Promise.all(before)) expect(outcome).toMatchObject(answer);
    expect(server.sessionCount).toBe(2);
  });

  it('GOAWAY with an error: each question is asked again on a new session', async () => {
    let isFirst = true;
    const server = await start((posted) => {
      if (server.sessionCount > 1) posted.reply(honest(posted));
      else if (isFirst) {
        isFirst = false;
        posted.session.goaway(11);
      }
    });
    const rig = await open(server);
    const all = ['a', 'b', 'c'].map((label) => rig.ask(`${label}.example.com`));
    for (const outcome of await Promise.all(all)) expect(outcome).toMatchObject(answer);
  });

  it('a body that drips is given up at its time, and holds up nobody else', async () => {
    const server = await start((posted) => {
      if (!hasLabel(posted, 'drip')) {
        posted.reply(honest(posted));
        return;
      }
      posted.stream.respond({ ':status': 200, 'content-type': 'application/dns-message' });
      posted.stream.write(honest(posted).subarray(0, 3));
    });
    const rig = await open(server);
    const drip = rig.ask('drip.example.com');
    await server.received(1);
    expect(await rig.ask('a.example.com')).toMatchObject(answer);
    for (const tries of [3, 4]) {
      rig.pass(2000);
      await server.received(tries);
    }
    rig.pass(1000);
    expect(await drip).toEqual({ kind: 'failure', ede: 22 });
    expect(await rig.ask('b.example.com')).toMatchObject(answer);
    expect(server.sessionCount).toBeLessThanOrEqual(3);
  });

  it('a server that was down is asked again when it is back', async () => {
    const before = await start();
    const rig = await open(before);
    expect(await rig.ask('a.example.com')).toMatchObject(answer);
    await before.stop();
    running.delete(before);
    expect(await rig.ask('b.example.com')).toEqual({ kind: 'failure', ede: 23 });
    const after = await start(good, 100, before.port);
    rig.pass(1000);
    const all = Array.from({ length: 10 }, (_, i) => rig.ask(`d${i}.example.com`));
    for (const outcome of await Promise.all(all)) expect(outcome).toMatchObject(answer);
    expect(after.sessionCount).toBe(1);
  });
});

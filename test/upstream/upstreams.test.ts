/** The whole of src/upstream over UDP, against servers that do as the test says. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/native/udp.ts';
import { KEY_CD, KEY_DO, KEY_NO_RD } from '../../src/upstream/inflight.ts';
import { type ServerStats, Upstreams } from '../../src/upstream/upstreams.ts';
import { type Asked, addressRecord, answerTo, FakeServer, type Handler } from './fake-server.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';

const opened: { close?(): void; stop?(): void }[] = [];

async function serve(handler: Handler): Promise<FakeServer> {
  const server = await FakeServer.start(handler);
  opened.push(server);
  return server;
}

function keep(rig: Rig): Rig {
  opened.push(rig);
  return rig;
}

afterEach(() => {
  for (const thing of opened.splice(0)) {
    thing.close?.();
    thing.stop?.();
  }
});

const honest = (asked: Asked) => answerTo(asked, { answers: [addressRecord(1)] });
const good: Handler = (asked) => asked.reply(honest(asked));
const cut = (asked: Asked) => answerTo(asked, { flags: 0x8380 });
const silent: Handler = () => undefined;
const withRcode =
  (rcode: number): Handler =>
  (asked) =>
    asked.reply(answerTo(asked, { flags: 0x8180 | rcode }));

function statsOf(rig: Rig, index = 0): ServerStats {
  const stats = rig.upstreams.stats()[index];
  if (stats === undefined) throw new Error('no such server');
  return stats;
}

function flipCase(question: Buffer): Buffer {
  // Type and class are under 'A', and so are label lengths.
  return Buffer.from(question.map((o) => ((o | 32) >= 97 && (o | 32) <= 122 ? o ^ 32 : o)));
}

function patched(octets: Buffer, fromEnd: number, value: number): Buffer {
  const copy = Buffer.from(octets);
  copy.writeUInt16BE(value, copy.length - fromEnd);
  return copy;
}

/** Messages that are not the answer, and the counter that each must end up in. */
const FORGERIES: readonly {
  name: string;
  make(asked: Asked): Buffer;
  counter: 'strays' | 'mismatches';
}[] = [
  { name: 'another id', make: (a) => answerTo(a, { id: a.id ^ 1 }), counter: 'strays' },
  { name: 'no octets', make: () => Buffer.alloc(0), counter: 'strays' },
  { name: 'half a header', make: (a) => honest(a).subarray(0, 6), counter: 'strays' },
  { name: 'QR=0', make: (a) => answerTo(a, { flags: 0x0180 }), counter: 'mismatches' },
  { name: 'opcode STATUS', make: (a) => answerTo(a, { flags: 0x9180 }), counter: 'mismatches' },
  { name: 'QDCOUNT 0', make: (a) => answerTo(a, { count: 0 }), counter: 'mismatches' },
  { name: 'QDCOUNT 2', make: (a) => answerTo(a, { count: 2 }), counter: 'mismatches' },
  {
    name: 'no question at all',
    make: (a) => answerTo(a, { count: 0, question: Buffer.alloc(0) }),
    counter: 'mismatches',
  },
  {
    name: 'half a question',
    make: (a) => answerTo(a, { question: a.question.subarray(0, 9) }),
    counter: 'mismatches',
  },
  {
    name: 'another name',
    make: (a) => answerTo(a, { question: patched(a.question, 9, 0x7a7a) }),
    counter: 'mismatches',
  },
  {
    name: 'another type',
    make: (a) => answerTo(a, { question: patched(a.question, 4, 28) }),
    counter: 'mismatches',
  },
  {
    name: 'another class',
    make: (a) => answerTo(a, { question: patched(a.question, 2, 3) }),
    counter: 'mismatches',
  },
];

describe.each(BACKENDS)('upstreams on the %s backend', (backend: Backend) => {
  it('an answer to the question is passed on, once', async () => {
    const server = await serve((asked) => {
      asked.reply(honest(asked));
      asked.reply(honest(asked));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    await rig.ask('flushes.example.com');
    expect(rig.events).toBe(2);
    expect(rig.inflight.count).toBe(0);
    expect(rig.upstreams.waiting).toBe(0);
    expect(statsOf(rig)).toMatchObject({ sent: 2, answered: 2, tcp: 0, timeouts: 0 });
  });

  it.each([
    { name: 'RD and our OPT', flags: 0, header: 0x0100, optFlags: 0 },
    { name: 'CD', flags: KEY_CD, header: 0x0110, optFlags: 0 },
    { name: 'DO', flags: KEY_DO, header: 0x0100, optFlags: 0x8000 },
    { name: 'a clear RD', flags: KEY_NO_RD, header: 0, optFlags: 0 },
  ])('what leaves is the question, $name, and nothing else', async (row) => {
    const server = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend));
    await rig.ask('www.example.com', 65, row.flags);
    const { message, question, name } = server.asked[0] as Asked;
    expect(message.readUInt16BE(2)).toBe(row.header);
    expect([4, 6, 8, 10].map((at) => message.readUInt16BE(at))).toEqual([1, 0, 0, 1]);
    expect(name.toLowerCase()).toBe('www.example.com');
    expect(question.readUInt16BE(question.length - 4)).toBe(65);
    const opt = Buffer.from([0, 0, 41, 0x04, 0xd0, 0, 0, row.optFlags >> 8, 0, 0, 0]);
    expect(message.subarray(12 + question.length)).toEqual(opt);
  });

  it.each(FORGERIES)('$name is no answer: counted, and the query goes on waiting', async (row) => {
    const server = await serve((asked) => {
      asked.reply(row.make(asked));
      asked.reply(honest(asked));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = await rig.ask('www.example.com');
    expect(outcome).toMatchObject({ kind: 'answer', rcode: 0 });
    const stats = statsOf(rig);
    expect({ strays: stats.strays, mismatches: stats.mismatches }).toEqual({
      strays: 0,
      mismatches: 0,
      [row.counter]: 1,
    });
    expect(stats).toMatchObject({ sent: 1, tcp: 0, timeouts: 0, state: 'closed' });
  });

  it('a thousand forgeries open no circuit and start no try', async () => {
    const server = await serve((asked) => {
      for (let i = 1; i <= 1000; i++) asked.reply(answerTo(asked, { id: (asked.id + i) & 0xffff }));
      asked.reply(answerTo(asked, { flags: 0x0180 }));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    server.asked[0]?.reply(honest(server.asked[0]));
    expect(await outcome).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig)).toMatchObject({ sent: 1, state: 'closed', timeouts: 0 });
  });

  it('an answer from another port of the server is never heard', async () => {
    const server = await serve(silent);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    const asked = server.asked[0] as Asked;
    await asked.replyFromElsewhere(answerTo(asked, { flags: 0x8183 }));
    asked.reply(honest(asked));
    expect(await outcome).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig)).toMatchObject({ mismatches: 0, strays: 0 });
  });

  it('an answer in another case is asked for again over TCP, from the same server', async () => {
    const server = await serve((asked) => {
      const question = asked.connection === null ? flipCase(asked.question) : asked.question;
      asked.reply(answerTo(asked, { question, answers: [addressRecord(7)] }));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(server.asked.map(({ connection }) => connection !== null)).toEqual([false, true]);
    expect(statsOf(rig)).toMatchObject({ mismatches: 1, tcp: 1, sent: 1 });
  });

  it('a server that folds case over TCP too is believed there', async () => {
    const server = await serve((asked) =>
      asked.reply(answerTo(asked, { question: flipCase(asked.question) })),
    );
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer' });
  });

  it('a lost query is sent again with another id, and another case', async () => {
    const server = await serve((asked, nth) => nth === 2 && asked.reply(honest(asked)));
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    rig.pass(249);
    expect(statsOf(rig).sent).toBe(1);
    rig.pass(1);
    expect(await outcome).toMatchObject({ kind: 'answer' });
    expect(statsOf(rig)).toMatchObject({ sent: 2, timeouts: 1, state: 'closed' });
  });

  it('an answer that comes after the retry left is good, the second one is a stray', async () => {
    const server = await serve((asked, nth) => {
      if (nth !== 2) return;
      server.asked[0]?.reply(honest(server.asked[0]));
      asked.reply(honest(asked));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    rig.pass(250);
    expect(await outcome).toMatchObject({ kind: 'answer' });
    server.handler = good;
    await rig.ask('other.example.com');
    expect(rig.events).toBe(2);
    expect(statsOf(rig).mismatches).toBe(0);
  });

  it('the answer to a flight that ended does not reach the next one in its slot', async () => {
    const server = await serve(silent);
    const rig = keep(await Rig.open(planOf([server]), backend, 1));
    const first = rig.ask('first.example.com');
    await server.received(1);
    for (let i = 0; i < 100; i++) rig.pass(50);
    expect(await first).toEqual({ kind: 'failure', ede: 22 });
    const second = rig.ask('second.example.com');
    await server.received(4);
    server.asked[0]?.reply(answerTo(server.asked[0], { flags: 0x8183 }));
    const last = server.asked[3] as Asked;
    last.reply(honest(last));
    expect(await second).toMatchObject({ kind: 'answer', rcode: 0 });
  });

  it('a silent server gets 3 tries, and the failure comes at 5 s with EDE 22', async () => {
    const server = await serve(silent);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    for (let i = 0; i < 99; i++) rig.pass(50);
    expect(rig.events).toBe(0);
    rig.pass(50);
    expect(await outcome).toEqual({ kind: 'failure', ede: 22 });
    await server.received(3);
    expect(statsOf(rig)).toMatchObject({ sent: 3, timeouts: 3 });
    const ids = new Set(server.asked.map(({ id }) => id));
    expect(ids.size).toBe(3);
  });

  it('no flight lasts longer than 5 s, however slow its server is known to be', async () => {
    const server = await serve((asked) => {
      rig.nowMs += 2000;
      asked.reply(honest(asked));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    for (let i = 0; i < 30; i++) await rig.ask(`a${i}.example.com`);
    server.handler = silent;
    const outcome = rig.ask('www.example.com');
    for (let i = 0; i < 99; i++) rig.pass(50);
    expect(rig.events).toBe(30);
    rig.pass(50);
    expect(await outcome).toEqual({ kind: 'failure', ede: 22 });
    expect(statsOf(rig).sent).toBe(33);
  });

  it('a flight that ends while it is queued does not leave', async () => {
    const server = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const ended = rig.submit('ended.example.com');
    rig.pass(5000);
    expect(await ended).toEqual({ kind: 'failure', ede: 22 });
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer' });
    expect(server.asked.map(({ name }) => name.toLowerCase())).toEqual(['www.example.com']);
  });

  it('the second server answers when the first is silent: one try each', async () => {
    const dead = await serve(silent);
    const alive = await serve(good);
    const rig = keep(await Rig.open(planOf([dead, alive]), backend));
    const outcome = rig.ask('www.example.com');
    await dead.received(1);
    rig.pass(250);
    expect(await outcome).toMatchObject({ kind: 'answer' });
    expect([statsOf(rig, 0).sent, statsOf(rig, 1).sent]).toEqual([1, 1]);
    // From now on the silent one costs nobody time.
    expect(await rig.ask('next.example.com')).toMatchObject({ kind: 'answer' });
    expect([statsOf(rig, 0).sent, statsOf(rig, 1).sent]).toEqual([1, 2]);
  });

  it('all servers silent: 3 tries each, EDE 22', async () => {
    const servers = [await serve(silent), await serve(silent)];
    const rig = keep(await Rig.open(planOf(servers), backend));
    const outcome = rig.ask('www.example.com');
    for (let i = 0; i < 100; i++) rig.pass(50);
    expect(await outcome).toEqual({ kind: 'failure', ede: 22 });
    expect([statsOf(rig, 0).sent, statsOf(rig, 1).sent]).toEqual([3, 3]);
  });

  it('a refused port fails over at once', async () => {
    const gone = await serve(silent);
    gone.stop();
    opened.splice(opened.indexOf(gone), 1);
    const alive = await serve(good);
    const rig = keep(await Rig.open(planOf([gone, alive]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer' });
    expect(statsOf(rig)).toMatchObject({ sent: 1, networkErrors: 1, timeouts: 0 });
  });

  it('only refused ports: EDE 23, without waiting', async () => {
    const gone = await serve(silent);
    gone.stop();
    opened.splice(opened.indexOf(gone), 1);
    const rig = keep(await Rig.open(planOf([gone]), backend));
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    expect(statsOf(rig).state).toBe('closed');
  });

  it('a group that does not exist, or has no servers, fails at once with EDE 23', async () => {
    const rig = keep(await Rig.open(planOf([]), backend));
    expect(await rig.ask('a.example')).toEqual({ kind: 'failure', ede: 23 });
    expect(await rig.ask('a.example', 1, 0, 9)).toEqual({ kind: 'failure', ede: 23 });
  });

  it.each([
    { name: 'SERVFAIL', rcode: 2 },
    { name: 'NOTIMP', rcode: 4 },
    { name: 'REFUSED', rcode: 5 },
  ])('$name from one server: the other one is asked', async ({ rcode }) => {
    const failing = await serve(withRcode(rcode));
    const alive = await serve(good);
    const rig = keep(await Rig.open(planOf([failing, alive]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect([failing.asked.length, alive.asked.length]).toEqual([1, 1]);
  });

  it('SERVFAIL from all servers is passed on as it is, after one try each', async () => {
    const servers = [await serve(withRcode(2)), await serve(withRcode(5))];
    const rig = keep(await Rig.open(planOf(servers), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 5 });
    expect(servers.map(({ asked }) => asked.length)).toEqual([1, 1]);
  });

  it('a late SERVFAIL starts no try while another server is being asked', async () => {
    const late = await serve(silent);
    const asked = await serve(silent);
    const rig = keep(await Rig.open(planOf([late, asked]), backend));
    const outcome = rig.ask('www.example.com');
    await late.received(1);
    rig.pass(250);
    await asked.received(1);
    withRcode(2)(late.asked[0] as Asked, 1);
    while (statsOf(rig).answered === 0) await new Promise((resolve) => setImmediate(resolve));
    good(asked.asked[0] as Asked, 1);
    expect(await outcome).toMatchObject({ kind: 'answer', rcode: 0 });
    expect([statsOf(rig, 0).sent, statsOf(rig, 1).sent]).toEqual([1, 1]);
  });

  it('a late FORMERR changes nothing while TCP is asked', async () => {
    const server = await serve((asked, nth) => nth === 2 && asked.reply(cut(asked)));
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    rig.pass(250);
    await server.received(3);
    withRcode(1)(server.asked[0] as Asked, 1);
    while (statsOf(rig).answered === 1) await new Promise((resolve) => setImmediate(resolve));
    good(server.asked[2] as Asked, 3);
    expect(await outcome).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig)).toMatchObject({ sent: 2, tcp: 1 });
  });

  it('NXDOMAIN is an answer', async () => {
    const servers = [await serve(withRcode(3)), await serve(good)];
    const rig = keep(await Rig.open(planOf(servers), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 3 });
  });

  it('FORMERR to EDNS: asked once more without OPT', async () => {
    const server = await serve((asked) => {
      const hasOpt = asked.message.readUInt16BE(10) === 1;
      asked.reply(hasOpt ? answerTo(asked, { flags: 0x8181 }) : honest(asked));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(server.asked.map(({ message }) => message.readUInt16BE(10))).toEqual([1, 0]);
  });

  it('FORMERR for ever, or with DO: passed on', async () => {
    const server = await serve(withRcode(1));
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('www.example.com', 1, KEY_DO)).toMatchObject({ rcode: 1 });
    expect(server.asked.length).toBe(1);
    expect(await rig.ask('www.example.com')).toMatchObject({ rcode: 1 });
    expect(server.asked.length).toBe(3);
  });

  it('8 timeouts in a row open the circuit, an answer to a probe closes it', async () => {
    const dead = await serve(silent);
    const alive = await serve(silent);
    const rig = keep(await Rig.open(planOf([dead, alive]), backend));
    // Eight flights whose first try goes to the first server, at one time.
    const waiting = Array.from({ length: 8 }, (_, i) => rig.ask(`a${i}.example.com`));
    await dead.received(8);
    alive.handler = good;
    rig.pass(250);
    await Promise.all(waiting);
    expect(statsOf(rig)).toMatchObject({ state: 'open', timeouts: 8 });
    // Before a second is over nobody asks it; then it gets a copy of a question.
    await rig.ask('b.example.com');
    expect(dead.asked.length).toBe(8);
    rig.pass(750);
    await rig.ask('c.example.com');
    expect(statsOf(rig).state).toBe('half-open');
    await dead.received(9);
    expect(dead.asked[8]?.name.toLowerCase()).toBe('c.example.com');
    rig.pass(1000);
    await rig.ask('d.example.com');
    await dead.received(10);
    expect(statsOf(rig)).toMatchObject({ state: 'half-open', timeouts: 9 });
    dead.handler = good;
    const revived = dead.asked[9] as Asked;
    revived.reply(honest(revived));
    while (statsOf(rig).state !== 'closed') await rig.ask('e.example.com');
    expect(rig.events).toBe(rig.inflight.generation.reduce((sum, n) => sum + n, 0));
  });

  it('when every circuit is open the servers are asked anyway', async () => {
    const server = await serve(silent);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const waiting = Array.from({ length: 8 }, (_, i) => rig.ask(`a${i}.example.com`));
    await server.received(8);
    for (let i = 0; i < 100; i++) rig.pass(50);
    await Promise.all(waiting);
    expect(statsOf(rig).state).toBe('open');
    server.handler = good;
    expect(await rig.ask('b.example.com')).toMatchObject({ kind: 'answer' });
    expect(statsOf(rig).state).toBe('closed');
  });

  it('the faster server is asked once both are known', async () => {
    const slow = await serve(silent);
    const fast = await serve(good);
    const rig = keep(await Rig.open(planOf([slow, fast]), backend));
    slow.handler = (asked) => {
      rig.nowMs += 200;
      asked.reply(honest(asked));
    };
    for (let i = 0; i < 20; i++) await rig.ask(`a${i}.example.com`);
    rig.nowMs += 1000;
    await rig.ask('probes.example.com');
    const before = slow.asked.length;
    for (let i = 0; i < 20; i++) await rig.ask(`b${i}.example.com`);
    expect(slow.asked.length).toBe(before);
    expect(statsOf(rig, 0).srttMs).toBeGreaterThan(statsOf(rig, 1).srttMs);
  });

  it('5,000 flights at once all get their own answer', async () => {
    const server = await serve(silent);
    const rig = keep(await Rig.open(planOf([server]), backend, 8192));
    const asked = Array.from({ length: 5000 }, (_, i) => rig.submit(`n${i}.example.com`));
    rig.upstreams.flush();
    server.handler = good;
    // Bursts overflow socket buffers; what was lost is asked again when its timer is due.
    for (let i = 0; rig.events < 5000 && i < 4000; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (i % 20 === 19) rig.pass(50);
    }
    const names = (await Promise.all(asked)).map((outcome) => {
      if (outcome.kind !== 'answer') return '';
      const size = outcome.octets.readUInt8(12);
      return outcome.octets.toString('latin1', 13, 13 + size).toLowerCase();
    });
    expect(names).toEqual(asked.map((_, i) => `n${i}`));
    expect(rig.inflight.count).toBe(0);
    expect(new Set(server.asked.map(({ sourcePort }) => sourcePort)).size).toBeGreaterThan(8);
  });

  it('ids, ports and cases are hard to guess', async () => {
    const server = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend, 1024));
    for (let i = 0; i < 500; i++) await rig.ask('abcdefghijklmnop.example.com');
    const ids = new Set(server.asked.map(({ id }) => id));
    const cases = new Set(server.asked.map(({ name }) => name));
    const ports = new Set(server.asked.map(({ sourcePort }) => sourcePort));
    // 500 of 65,536: 2 collisions are expected, 20 have a probability under 1e-12.
    expect(ids.size).toBeGreaterThan(480);
    expect(cases.size).toBeGreaterThan(480);
    expect(ports.size).toBe(16);
    const steps = new Set(server.asked.map(({ id }, i) => id - (server.asked[i - 1]?.id ?? 0)));
    expect(steps.size).toBeGreaterThan(470);
  });

  it('a port is given up after 256 queries, or 10 s', async () => {
    const server = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend, 64));
    const count = 16 * 256 + 64;
    for (let i = 0; i < count; i += 64) {
      const batch = Array.from({ length: 64 }, (_, j) => rig.submit(`a${i + j}.example.com`));
      rig.upstreams.flush();
      await Promise.all(batch);
    }
    const perPort = new Map<number, number>();
    for (const { sourcePort } of server.asked) {
      perPort.set(sourcePort, (perPort.get(sourcePort) ?? 0) + 1);
    }
    expect(statsOf(rig).lastError).toBeNull();
    expect(perPort.size).toBeGreaterThan(16);
    // One more batch than the limit may leave while the replacement opens; and the kernel may draw
    // one of some thirty thousand ports twice.
    const over = [...perPort.values()].filter((queries) => queries > 256 + 64);
    expect(over.length).toBeLessThanOrEqual(1);
    expect(statsOf(rig).sockets).toBeLessThanOrEqual(64);

    const before = new Set(server.asked.map(({ sourcePort }) => sourcePort));
    for (let i = 0; i < 64; i++) {
      rig.pass(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    server.asked.length = 0;
    for (let i = 0; i < 64; i++) await rig.ask('www.example.com');
    const again = server.asked.filter(({ sourcePort }) => before.has(sourcePort));
    expect(again.length).toBe(0);
  });

  it('an unfit answer: the honest one that follows is used', async () => {
    const server = await serve((asked) => {
      asked.reply(answerTo(asked, { answers: [Buffer.from([1, 2, 3])] }));
      asked.reply(honest(asked));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    rig.isUnfit = (octets) => octets.readUInt8(octets.length - 1) === 3;
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig)).toMatchObject({ malformed: 1, sent: 1, state: 'closed' });
  });

  it('unfit answers only: the other server is asked at once', async () => {
    const unfit = await serve((asked) => asked.reply(answerTo(asked, { flags: 0x8187 })));
    const alive = await serve(good);
    const rig = keep(await Rig.open(planOf([unfit, alive]), backend));
    rig.isUnfit = (octets) => (octets.readUInt8(3) & 15) === 7;
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect([unfit.asked.length, alive.asked.length]).toEqual([1, 1]);
  });

  it('unfit answers from everybody: a failure when the timer of the try is due', async () => {
    const server = await serve((asked) => asked.reply(answerTo(asked, { flags: 0x8187 })));
    const rig = keep(await Rig.open(planOf([server]), backend));
    rig.isUnfit = () => true;
    const outcome = rig.ask('www.example.com');
    while (statsOf(rig).malformed === 0) await new Promise((resolve) => setImmediate(resolve));
    rig.pass(249);
    expect(rig.events).toBe(0);
    rig.pass(1);
    expect(await outcome).toEqual({ kind: 'failure', ede: 22 });
    expect(rig.inflight.count).toBe(0);
    expect(statsOf(rig).state).toBe('closed');
  });

  it('a flight that is taken again inside its own event is a flight of its own', async () => {
    const server = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend, 1));
    const again: Promise<unknown>[] = [];
    rig.onReleased = () => {
      rig.onReleased = null;
      again.push(rig.ask('again.example.com'));
    };
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer' });
    expect(await again[0]).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(rig.upstreams.waiting).toBe(0);
    expect(server.asked.map(({ name }) => name.toLowerCase())).toEqual([
      'www.example.com',
      'again.example.com',
    ]);
  });

  it('IPv6 servers work like IPv4 ones', async () => {
    const server = await FakeServer.start(
      (asked) => asked.reply(asked.connection === null ? cut(asked) : honest(asked)),
      '::1',
    );
    opened.push(server);
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(server.asked.map(({ connection }) => connection !== null)).toEqual([false, true]);
  });

  it('a reload keeps servers that stay: their queries get their answers', async () => {
    const server = await serve(silent);
    const other = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    await rig.upstreams.reconfigure(planOf([other, server]));
    const asked = server.asked[0] as Asked;
    asked.reply(honest(asked));
    expect(await outcome).toMatchObject({ kind: 'answer' });
    expect(statsOf(rig, 1)).toMatchObject({ sent: 1, answered: 1 });
  });

  it('a reload that removes a server: its queries go to the new one at once', async () => {
    const server = await serve(silent);
    const other = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    await rig.upstreams.reconfigure(planOf([other]));
    expect(await outcome).toMatchObject({ kind: 'answer' });
    expect(rig.upstreams.stats().length).toBe(1);
  });

  it('a reload that gives a group number to other servers: old flights fail', async () => {
    const server = await serve(silent);
    const other = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    const [group] = planOf([other]).groups;
    const plan = { groups: [{ name: 'new', servers: group?.servers ?? [] }] };
    await rig.upstreams.reconfigure(plan);
    expect(await outcome).toEqual({ kind: 'failure', ede: 23 });
  });

  it('a prepared plan is in force from its step on, not before', async () => {
    const before = await serve(good);
    const after = await serve(good);
    const rig = keep(await Rig.open(planOf([before]), backend));
    const swap = await rig.upstreams.prepare(planOf([after]));
    await rig.ask('a.example.com');
    swap();
    await rig.ask('b.example.com');
    expect(before.asked.map(({ name }) => name.toLowerCase())).toEqual(['a.example.com']);
    expect(after.asked.map(({ name }) => name.toLowerCase())).toEqual(['b.example.com']);
  });

  it('a server to which no socket opens is passed over, and says why', async () => {
    const alive = await serve(good);
    // An IPv4 address on an IPv6 socket: refused by every kernel.
    const broken = { address: '127.0.0.1', port: 53, family: 6 as const };
    const [group] = planOf([alive]).groups;
    const servers = [broken, ...(group?.servers ?? [])];
    const rig = keep(await Rig.open({ groups: [{ name: 'g', servers }] }, backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer' });
    expect(statsOf(rig)).toMatchObject({ sent: 0, sockets: 0 });
    expect(statsOf(rig).lastError).toContain('UDP');
    await rig.upstreams.reconfigure({ groups: [{ name: 'g', servers: [broken] }] });
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
  });

  it('closing fails what waits, and nothing comes afterwards', async () => {
    const server = await serve(silent);
    const rig = await Rig.open(planOf([server]), backend);
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    rig.close();
    expect(await outcome).toEqual({ kind: 'failure', ede: 23 });
    expect(rig.upstreams.stats()).toEqual([]);
  });

  it('more than 16 servers in a group are refused, with the number', async () => {
    const many = Array.from({ length: 17 }, (_, i) => ({ address: '127.0.0.1', port: 1000 + i }));
    const rig = new Rig(4);
    const events = { onAnswer: () => true, onFailure: () => undefined };
    await expect(
      Upstreams.open(planOf(many), rig.inflight, events, { backend, clock: () => 0 }),
    ).rejects.toThrow('17 servers; at most 16');
  });
});

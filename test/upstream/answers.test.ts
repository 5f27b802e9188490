/** What is an answer, and what leaves: forgeries, case, unfit messages. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/native/udp.ts';
import { KEY_CD, KEY_DO, KEY_NO_RD } from '../../src/upstream/inflight.ts';
import { type Asked, addressRecord, answerTo } from './fake-server.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';
import { closeAll, good, honest, keep, serve, silent, statsOf } from './steps.ts';

afterEach(closeAll);

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

describe.each(BACKENDS)('answers on the %s backend', (backend: Backend) => {
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
    // A COOKIE option of eight octets, which are random.
    const opt = [0, 0, 41, 0x04, 0xd0, 0, 0, row.optFlags >> 8, 0, 0, 12, 0, 10, 0, 8];
    const at = 12 + question.length;
    expect(message.subarray(at, at + opt.length)).toEqual(Buffer.from(opt));
    expect(message.length).toBe(at + opt.length + 8);
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
});

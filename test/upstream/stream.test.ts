/** TCP towards a server: what breaks costs the question that broke it and no other. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/native/udp.ts';
import { BREAKAGES } from './breakages.ts';
import {
  type Asked,
  addressRecord,
  answerTo,
  FakeServer,
  framed,
  type Handler,
} from './fake-server.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';

const opened: { close?(): void; stop?(): void }[] = [];

afterEach(() => {
  for (const thing of opened.splice(0)) {
    thing.close?.();
    thing.stop?.();
  }
});

const honest = (asked: Asked) => answerTo(asked, { answers: [addressRecord(1)] });
const truncated = (asked: Asked) => answerTo(asked, { flags: 0x8380 });
const hasLabel = (asked: Asked, label: string) => asked.name.toLowerCase().startsWith(label);

/** TC over UDP; over TCP what `handler` does. */
function overTcp(handler: Handler): Handler {
  let nth = 0;
  return (asked) => {
    if (asked.connection === null) asked.reply(truncated(asked));
    else handler(asked, ++nth);
  };
}

async function start(
  handler: Handler,
  backend: Backend,
): Promise<{ server: FakeServer; rig: Rig }> {
  const server = await FakeServer.start(handler);
  opened.push(server);
  const rig = await Rig.open(planOf([server]), backend);
  opened.push(rig);
  return { server, rig };
}

const tcpCount = (server: FakeServer) => server.asked.filter((a) => a.connection !== null).length;

const ALL_BREAKAGES = [
  { name: 'a reset', break: (asked: Asked) => asked.connection?.resetAndDestroy() },
  ...BREAKAGES,
];

describe.each(BACKENDS)('streams on the %s backend', (backend) => {
  it('TC over UDP is asked again over TCP, on one connection for all', async () => {
    const { server, rig } = await start(
      overTcp((asked) => asked.reply(honest(asked))),
      backend,
    );
    for (let i = 0; i < 5; i++) {
      expect(await rig.ask(`a${i}.example.com`)).toMatchObject({ kind: 'answer', rcode: 0 });
    }
    expect([tcpCount(server), server.connections]).toEqual([5, 1]);
    expect(rig.upstreams.stats()[0]).toMatchObject({ tcp: 5, sent: 5 });
  });

  it('an answer of 60,000 octets over TCP arrives whole', async () => {
    const records = Array.from({ length: 3700 }, (_, i) => addressRecord(i & 255));
    const { rig } = await start(
      overTcp((asked) => asked.reply(answerTo(asked, { answers: records }))),
      backend,
    );
    const outcome = await rig.ask('www.example.com');
    expect(outcome.kind === 'answer' && outcome.octets.length).toBe(12 + 21 + 3700 * 16);
  });

  it('a datagram that is longer than a slot is asked for over TCP', async () => {
    const { server, rig } = await start((asked) => {
      const answers = asked.connection === null ? Array(300).fill(addressRecord(1)) : [];
      asked.reply(answerTo(asked, { answers }));
    }, backend);
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer' });
    expect(tcpCount(server)).toBe(1);
  });

  it('an answer that dribbles in octet by octet is an answer', async () => {
    const { rig } = await start(
      overTcp((asked) => {
        asked.connection?.setNoDelay(true);
        for (const octet of framed(honest(asked))) asked.connection?.write(Buffer.from([octet]));
      }),
      backend,
    );
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
  });

  it('pipelined questions are answered in any order, two to a segment', async () => {
    const held: Asked[] = [];
    const { server, rig } = await start(
      overTcp((asked) => {
        held.push(asked);
        if (held.length < 20) return;
        const frames = held.reverse().map((one) => framed(honest(one)));
        asked.connection?.write(Buffer.concat(frames));
      }),
      backend,
    );
    const all = Array.from({ length: 20 }, (_, i) => rig.ask(`a${i}.example.com`));
    for (const [i, outcome] of (await Promise.all(all)).entries()) {
      const name = outcome.kind === 'answer' ? outcome.octets.toString('latin1', 13, 23) : '';
      expect(name.toLowerCase()).toContain(`a${i}`);
    }
    expect(server.connections).toBe(1);
    const ids = new Set(server.asked.map(({ id }) => id));
    expect(ids.size).toBeGreaterThan(35);
  });

  it.each(ALL_BREAKAGES)('$name costs its question and no other', async (row) => {
    const { rig } = await start(
      overTcp((asked) => {
        if (hasLabel(asked, 'bad')) row.break(asked);
        else asked.reply(honest(asked));
      }),
      backend,
    );
    const names = ['a.example.com', 'bad.example.com', 'b.example.com', 'c.example.com'];
    const outcomes = await Promise.all(names.map((name) => rig.ask(name)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['answer', 'failure', 'answer', 'answer']);
    expect(outcomes[1]).toMatchObject({ ede: 23 });
    expect(await rig.ask('d.example.com')).toMatchObject({ kind: 'answer' });
    expect(rig.upstreams.stats()[0]?.state).toBe('closed');
  });

  it('a wrong id is ignored, and the right one that follows is used', async () => {
    const { rig } = await start(
      overTcp((asked) => {
        asked.reply(answerTo(asked, { id: asked.id ^ 0x5555, flags: 0x8183 }));
        asked.reply(honest(asked));
      }),
      backend,
    );
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
  });

  it('only wrong ids: the question fails at 5 s, others on the connection do not', async () => {
    const { server, rig } = await start(
      overTcp((asked) => {
        const id = hasLabel(asked, 'bad') ? asked.id ^ 1 : asked.id;
        asked.reply(answerTo(asked, { id }));
      }),
      backend,
    );
    const bad = rig.ask('bad.example.com');
    await server.received(2);
    expect(await rig.ask('good.example.com')).toMatchObject({ kind: 'answer' });
    for (let i = 0; i < 100; i++) rig.pass(50);
    expect(await bad).toEqual({ kind: 'failure', ede: 22 });
    expect(rig.upstreams.stats()[0]?.state).toBe('closed');
  });

  it('a frame that never ends: the connection is given up, the rest asked again', async () => {
    const { server, rig } = await start(
      overTcp((asked, nth) => {
        if (nth === 1) asked.connection?.write(framed(honest(asked)).subarray(0, 9));
        else if (server.connections > 1) asked.reply(honest(asked));
      }),
      backend,
    );
    const first = rig.ask('a.example.com');
    await server.received(2);
    const second = rig.ask('b.example.com');
    await server.received(4);
    rig.pass(2000);
    expect(await second).toMatchObject({ kind: 'answer' });
    expect(await first).toMatchObject({ kind: 'answer' });
    expect(server.connections).toBe(2);
  });

  it('a reused connection that the server closed is opened again', async () => {
    const { server, rig } = await start(
      overTcp((asked, nth) => {
        // The second question on the connection finds it closed.
        if (nth === 2) asked.connection?.destroy();
        else asked.reply(honest(asked));
      }),
      backend,
    );
    expect(await rig.ask('a.example.com')).toMatchObject({ kind: 'answer' });
    expect(await rig.ask('b.example.com')).toMatchObject({ kind: 'answer' });
    expect(server.connections).toBe(2);
  });

  it('no TCP at all: EDE 23, and the other server is asked when there is one', async () => {
    const { rig } = await start(
      overTcp((asked) => asked.connection?.destroy()),
      backend,
    );
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    const broken = await FakeServer.start(overTcp((asked) => asked.connection?.destroy()));
    const whole = await FakeServer.start(overTcp((asked) => asked.reply(honest(asked))));
    const both = await Rig.open(planOf([broken, whole]), backend);
    opened.push(broken, whole, both);
    expect(await both.ask('www.example.com')).toMatchObject({ kind: 'answer' });
  });

  it('SERVFAIL over TCP: the other server is asked', async () => {
    const failing = await FakeServer.start(
      overTcp((asked) => asked.reply(answerTo(asked, { flags: 0x8182 }))),
    );
    const whole = await FakeServer.start((asked) => asked.reply(honest(asked)));
    const rig = await Rig.open(planOf([failing, whole]), backend);
    opened.push(failing, whole, rig);
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
  });

  it('a server that never answers over TCP gets 3 tries in 5 s, then EDE 22', async () => {
    const { server, rig } = await start(
      overTcp(() => undefined),
      backend,
    );
    const outcome = rig.ask('www.example.com');
    await server.received(2);
    rig.pass(2000);
    await server.received(3);
    for (let i = 0; i < 60; i++) rig.pass(50);
    expect(await outcome).toEqual({ kind: 'failure', ede: 22 });
    expect(tcpCount(server)).toBeLessThanOrEqual(3);
  });

  it('a late datagram still answers while TCP is asked', async () => {
    const { server, rig } = await start((asked) => {
      if (asked.connection !== null) return;
      if (server.asked.length === 1) return;
      asked.reply(truncated(asked));
    }, backend);
    const outcome = rig.ask('www.example.com');
    await server.received(1);
    rig.pass(250);
    await server.received(3);
    const first = server.asked[0] as Asked;
    first.reply(honest(first));
    expect(await outcome).toMatchObject({ kind: 'answer', rcode: 0 });
  });
});

/** Lost, late and failed: tries, failover, circuits. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/native/udp.ts';
import { KEY_DO } from '../../src/upstream/inflight.ts';
import { type Asked, answerTo } from './fake-server.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';
import {
  closeAll,
  cut,
  good,
  honest,
  keep,
  serve,
  serveNobody,
  silent,
  statsOf,
  withRcode,
} from './steps.ts';

afterEach(closeAll);

describe.each(BACKENDS)('failover on the %s backend', (backend: Backend) => {
  it('a lost query is sent again when its timer is due, not before', async () => {
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
    const gone = await serveNobody();
    const alive = await serve(good);
    const rig = keep(await Rig.open(planOf([gone, alive]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer' });
    expect(statsOf(rig)).toMatchObject({ sent: 1, networkErrors: 1, timeouts: 0 });
  });

  it('only refused ports: EDE 23, without waiting', async () => {
    const gone = await serveNobody();
    const rig = keep(await Rig.open(planOf([gone]), backend));
    expect(await rig.ask('www.example.com')).toEqual({ kind: 'failure', ede: 23 });
    expect(statsOf(rig).state).toBe('closed');
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
});

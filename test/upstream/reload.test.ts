/** Groups that change, close, or cannot be opened. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/native/udp.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import type { Asked } from './fake-server.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';
import { closeAll, good, honest, keep, serve, silent, statsOf } from './steps.ts';

afterEach(closeAll);

describe.each(BACKENDS)('reloads on the %s backend', (backend: Backend) => {
  it('a group that does not exist, or has no servers, fails at once with EDE 23', async () => {
    const rig = keep(await Rig.open(planOf([]), backend));
    expect(await rig.ask('a.example')).toEqual({ kind: 'failure', ede: 23 });
    expect(await rig.ask('a.example', 1, 0, 9)).toEqual({ kind: 'failure', ede: 23 });
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

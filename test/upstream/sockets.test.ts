/** Many flights at once, and how hard ids and ports are to guess. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/native/udp.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';
import { closeAll, cut, good, honest, keep, serve, silent, statsOf } from './steps.ts';

afterEach(closeAll);

describe.each(BACKENDS)('sockets on the %s backend', (backend: Backend) => {
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
    const again = new Set(server.asked.map(({ sourcePort }) => sourcePort));
    const kept = [...again].filter((port) => before.has(port));
    expect(again.size).toBeGreaterThan(8);
    expect(kept.length).toBeLessThanOrEqual(1); // the kernel drew it again
  });

  it('IPv6 servers work like IPv4 ones', async () => {
    const server = await serve(
      (asked) => asked.reply(asked.connection === null ? cut(asked) : honest(asked)),
      '::1',
    );
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('www.example.com')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(server.asked.map(({ connection }) => connection !== null)).toEqual([false, true]);
  });
});

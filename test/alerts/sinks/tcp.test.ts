import { afterEach, describe, expect, it, vi } from 'vitest';
import { messageEncoder } from '../../../src/alerts/rfc5424.ts';
import { frame } from '../../../src/alerts/sinks/framing.ts';
import { QUEUE_MAX } from '../../../src/alerts/sinks/sink.ts';
import { TcpSink, type TcpSinkOptions } from '../../../src/alerts/sinks/tcp.ts';
import { RECENT_MS, SETTLE_MS } from '../../../src/alerts/sinks/window.ts';
import { loadAddon } from '../../../src/native/addon.ts';
import { alert, deniedAlert } from '../sample.ts';
import { Collector, numbersIn, range } from './collector.ts';

const WAIT = { timeout: 10_000, interval: 10 };
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function setup() {
  const collector = new Collector();
  await collector.start();
  cleanups.push(() => collector.stop());
  return collector;
}

function openTo(port: number, more: Partial<TcpSinkOptions> = {}) {
  const said: string[] = [];
  const sink = new TcpSink({
    ...more,
    name: 'collector',
    host: '127.0.0.1',
    port,
    encode: messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 }),
    report: (line) => said.push(line),
    backoff: { firstMs: 5, maxMs: 20, random: () => 0.5 },
  });
  cleanups.push(() => sink.close(0));
  return { sink, said };
}

describe('syslog over TCP', () => {
  it('frames each message with its length in octets, not in characters', async () => {
    const collector = await setup();
    const { sink } = openTo(collector.port);
    sink.push(alert({ workload: 'zahlungs-dienst-ä€😀' }));
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(collector.messages).toHaveLength(2), WAIT);
    expect(collector.garbage).toEqual([]);
    expect(collector.messages[0]).toContain('workload="zahlungs-dienst-ä€😀"');
    expect(collector.messages[1]).toMatch(/^<165>1 .*www\.d1\.example A, denied: .*$/);
    const all = { sent: 2, dropped: 0, queued: 0, lastError: null, confirmed: 0 };
    expect(sink.stats()).toEqual(all);
  });

  it('delivers everything when the collector is restarted in mid-stream', async () => {
    const collector = await setup();
    const { sink, said } = openTo(collector.port);
    const total = 600;
    for (const n of range(200)) sink.push(deniedAlert(n));
    await vi.waitFor(() => expect(collector.messages.length).toBeGreaterThan(0), WAIT);
    await collector.stop();
    for (const n of range(200)) sink.push(deniedAlert(200 + n));
    await vi.waitFor(() => expect(sink.stats().lastError).not.toBeNull(), WAIT);
    await collector.start();
    for (const n of range(200)) sink.push(deniedAlert(400 + n));
    await vi.waitFor(() => expect(numbersIn(collector.messages)).toEqual(range(total)), WAIT);
    expect(collector.garbage).toEqual([]);
    expect(sink.stats()).toMatchObject({ sent: total, dropped: 0, queued: 0 });
    expect(said.at(-1)).toContain('delivering again, 0 alerts dropped');
  });

  it('sends again what the kernel had taken just before a reset, with the same id', async () => {
    const collector = await setup();
    const { sink } = openTo(collector.port);
    sink.push(deniedAlert(0));
    await vi.waitFor(() => expect(collector.messages).toHaveLength(1), WAIT);
    await collector.stop();
    await collector.start();
    await vi.waitFor(() => expect(collector.messages).toHaveLength(2), WAIT);
    expect(collector.messages[1]).toBe(collector.messages[0]);
    expect(sink.stats().sent).toBe(1);
  });

  it.skipIf(loadAddon().addon === null)(
    'sends nothing a third time that a collector took and closed after us',
    async () => {
      let nowMs = 0;
      const collector = await setup();
      const { sink } = openTo(collector.port, { now: () => nowMs });
      for (const n of range(3)) sink.push(deniedAlert(n));
      await vi.waitFor(() => expect(collector.messages).toHaveLength(3), WAIT);
      await collector.stop();
      await collector.start();
      // The first, the one for what is sent again, the one for what follows.
      await vi.waitFor(() => expect(collector.connections).toBe(3), WAIT);
      expect(collector.messages).toHaveLength(6);
      nowMs += SETTLE_MS;
      expect(SETTLE_MS).toBeLessThan(RECENT_MS);
      await collector.stop();
      await collector.start();
      sink.push(deniedAlert(3));
      await vi.waitFor(() => expect(numbersIn(collector.messages)).toContain(3), WAIT);
      expect(collector.messages).toHaveLength(7);
      expect(sink.stats()).toMatchObject({ sent: 4, confirmed: 3 });
    },
  );

  it('sends again what a collector took lately, for it may not be on its disk', async () => {
    const collector = await setup();
    const { sink } = openTo(collector.port, { now: () => 0 });
    sink.push(deniedAlert(0));
    for (const count of [1, 2, 3]) {
      await vi.waitFor(() => expect(collector.messages).toHaveLength(count), WAIT);
      // One for what is sent again, and one for what follows: where that is not there yet, a
      // collector that is back within a millisecond was never seen to be away.
      await vi.waitFor(() => expect(collector.connections).toBe(2 * count - 1), WAIT);
      await collector.stop();
      await collector.start();
    }
    await vi.waitFor(() => expect(collector.messages).toHaveLength(4), WAIT);
    expect(sink.stats()).toMatchObject({ sent: 1, confirmed: 0 });
  });

  it('loses nothing to a peer that ends the connection before it has read', async () => {
    const collector = await setup();
    const { sink } = openTo(collector.port);
    sink.push(deniedAlert(0));
    await vi.waitFor(() => expect(collector.messages).toHaveLength(1), WAIT);
    collector.messages.length = 0;
    collector.refusals = 20;
    await collector.stop();
    await collector.start();
    await vi.waitFor(() => expect(numbersIn(collector.messages)).toEqual([0]), WAIT);
    expect(collector.refusals).toBe(0);
  });

  it('goes on with a collector that does not close after us', async () => {
    const collector = await setup();
    const { sink } = openTo(collector.port, { farewellMs: 2 });
    sink.push(deniedAlert(0));
    await vi.waitFor(() => expect(collector.messages).toHaveLength(1), WAIT);
    await collector.stop();
    collector.keepsOpen = true;
    await collector.start();
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(numbersIn(collector.messages)).toEqual([0, 1]), WAIT);
    expect(sink.stats()).toMatchObject({ sent: 2, queued: 0 });
  });

  it('sends all again, in order, that a collector had not read when it was killed', async () => {
    const collector = await setup();
    collector.isDeaf = true;
    const { sink } = openTo(collector.port);
    const total = QUEUE_MAX - 1;
    for (const n of range(total)) sink.push(deniedAlert(n));
    // More than a window by number would hold: only the buffers of the kernels bound it.
    await vi.waitFor(() => expect(sink.stats().sent).toBeGreaterThan(2_500), WAIT);
    await collector.stop();
    collector.isDeaf = false;
    await collector.start();
    await vi.waitFor(() => expect(collector.messages).toHaveLength(total), WAIT);
    expect(collector.messages.map((one) => numbersIn([one])[0])).toEqual(range(total));
    expect(collector.garbage).toEqual([]);
    expect(sink.stats()).toMatchObject({ sent: total, dropped: 0, queued: 0 });
  });

  it('ends each message with a line feed where the collector reads lines', async () => {
    const [one, two] = ['a\nb', 'c'].map((text) => new TextEncoder().encode(text));
    const lines = [one, two].map((message) => frame(message as Uint8Array, 'lf'));
    expect(Buffer.concat(lines).toString()).toBe('a b\nc\n');
  });

  it('waits for a collector that is not there yet', async () => {
    const collector = await setup();
    await collector.stop();
    const { sink, said } = openTo(collector.port);
    sink.push(deniedAlert(0));
    await vi.waitFor(() => expect(sink.stats().lastError).toContain('ECONNREFUSED'), WAIT);
    await collector.start();
    await vi.waitFor(() => expect(numbersIn(collector.messages)).toEqual([0]), WAIT);
    expect(said).toHaveLength(2); // the trouble once, the recovery once
  });

  it('holds a bounded number, drops the oldest, counts them and says so once', async () => {
    const collector = await setup();
    await collector.stop();
    const { sink, said } = openTo(collector.port);
    const total = QUEUE_MAX + 7;
    for (const n of range(total)) sink.push(deniedAlert(n));
    expect(sink.stats()).toMatchObject({ dropped: 7, queued: QUEUE_MAX });
    await collector.start();
    await vi.waitFor(() => expect(sink.stats().sent).toBe(QUEUE_MAX), WAIT);
    await vi.waitFor(() => expect(collector.messages.length).toBe(QUEUE_MAX), WAIT);
    expect(numbersIn(collector.messages)[0]).toBe(7);
    expect(said.filter((line) => line.includes('is full'))).toHaveLength(1);
    expect(said.at(-1)).toContain('7 alerts dropped');
  });

  it('delivers what is queued before it closes', async () => {
    const collector = await setup();
    const { sink } = openTo(collector.port);
    for (const n of range(100)) sink.push(deniedAlert(n));
    await sink.close(10_000);
    await vi.waitFor(() => expect(numbersIn(collector.messages)).toEqual(range(100)), WAIT);
    sink.push(deniedAlert(100));
    expect(sink.stats()).toMatchObject({ sent: 100, dropped: 1 });
  });

  it('gives up at the deadline of close and counts what it could not deliver', async () => {
    const collector = await setup();
    await collector.stop();
    const { sink } = openTo(collector.port);
    for (const n of range(3)) sink.push(deniedAlert(n));
    await sink.close(30);
    expect(sink.stats()).toMatchObject({ sent: 0, dropped: 3 });
  });
});

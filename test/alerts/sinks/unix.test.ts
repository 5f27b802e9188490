import { afterEach, describe, expect, it, vi } from 'vitest';
import { messageEncoder } from '../../../src/alerts/rfc5424.ts';
import { type OpenUnixDatagram, UnixSink } from '../../../src/alerts/sinks/unix.ts';
import { DnsvalveError } from '../../../src/errors.ts';
import { deniedAlert } from '../sample.ts';
import { numbersIn, range } from './collector.ts';

const WAIT = { timeout: 10_000, interval: 5 };
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A receiver whose willingness the test sets. */
function fakeReceiver() {
  const state = { up: true, opened: 0, closed: 0, messages: [] as string[] };
  const open: OpenUnixDatagram = () => {
    state.opened++;
    return {
      send: (bytes) => {
        if (state.up) state.messages.push(Buffer.from(bytes).toString('utf8'));
        return state.up;
      },
      close: () => {
        state.closed++;
      },
    };
  };
  return { state, open };
}

function openWith(open: OpenUnixDatagram) {
  const said: string[] = [];
  const sink = new UnixSink({
    name: 'unix:/dev/log',
    path: '/dev/log',
    open,
    encode: messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 }),
    report: (line) => said.push(line),
    backoff: { firstMs: 5, maxMs: 20, random: () => 0.5 },
  });
  cleanups.push(() => sink.close(0));
  return { sink, said };
}

describe('syslog over a unix datagram socket', () => {
  it('hands each alert over at once', () => {
    const { state, open } = fakeReceiver();
    const { sink } = openWith(open);
    for (const n of range(3)) sink.push(deniedAlert(n));
    expect(numbersIn(state.messages)).toEqual(range(3));
    expect(sink.stats()).toEqual({ sent: 3, dropped: 0, queued: 0, lastError: null });
  });

  it('keeps what a full or absent receiver does not take, and tries a fresh handle', async () => {
    const { state, open } = fakeReceiver();
    const { sink, said } = openWith(open);
    state.up = false;
    for (const n of range(300)) sink.push(deniedAlert(n));
    await vi.waitFor(() => expect(state.opened).toBeGreaterThan(3), WAIT);
    expect(sink.stats()).toMatchObject({ sent: 0, dropped: 0, queued: 300 });
    state.up = true;
    await vi.waitFor(() => expect(sink.stats().sent).toBe(300), WAIT);
    expect(numbersIn(state.messages)).toEqual(range(300));
    expect(state.messages).toHaveLength(300);
    expect(said).toHaveLength(2);
    expect(state.closed).toBe(state.opened - 1);
  });

  it('without the addon says once that it is unavailable, and counts what it drops', () => {
    const { sink, said } = openWith(() => null);
    for (const n of range(5)) sink.push(deniedAlert(n));
    expect(sink.stats()).toMatchObject({ sent: 0, dropped: 5, queued: 0 });
    expect(sink.stats().lastError).toContain('native addon');
    expect(said.filter((line) => line.includes('native addon'))).toHaveLength(1);
  });

  it('a path that cannot be opened is trouble, not an exception', async () => {
    const { sink } = openWith(() => {
      throw new DnsvalveError('SYSTEM', 'unix socket /x: too long');
    });
    sink.push(deniedAlert(0));
    expect(sink.stats()).toMatchObject({ queued: 1 });
    await sink.close(10);
    expect(sink.stats()).toMatchObject({ dropped: 1, queued: 0 });
  });

  it('delivers what is queued before it closes', async () => {
    const { state, open } = fakeReceiver();
    const { sink } = openWith(open);
    state.up = false;
    sink.push(deniedAlert(0));
    const closed = sink.close(10_000);
    state.up = true;
    await closed;
    expect(numbersIn(state.messages)).toEqual([0]);
    expect(state.closed).toBe(state.opened);
  });
});

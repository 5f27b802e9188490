import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Notify, type NotifyOptions } from '../../src/control/notify.ts';
import { chooseBackend } from '../../src/native/udp.ts';
import { openUnixDatagram } from '../../src/native/unix-datagram.ts';

const WAIT = { timeout: 10_000, interval: 5 };

/** A sender that keeps what it was given; `takes` is what the kernel would say. */
function fake(env: NotifyOptions['env'], takes = true) {
  const sent: string[] = [];
  const paths: string[] = [];
  const fallen: (readonly string[])[] = [];
  const notify = new Notify({
    env,
    pid: 42,
    open: (path) => {
      paths.push(path);
      return {
        send: (bytes) => {
          if (takes) sent.push(Buffer.from(bytes).toString('utf8'));
          return takes;
        },
        close: () => {},
      };
    },
    fallback: (assignments) => fallen.push(assignments),
  });
  return { notify, sent, paths, fallen };
}

const SOCKET = { NOTIFY_SOCKET: '@systemd/notify' };

describe('what systemd is told', () => {
  it.each([
    { name: 'ready', tell: (notify: Notify) => notify.ready(), want: /^READY=1\n$/ },
    {
      name: 'reloading, with the monotonic clock',
      tell: (notify: Notify) => notify.reloading(),
      want: /^RELOADING=1\nMONOTONIC_USEC=[1-9]\d*\n$/,
    },
    { name: 'stopping', tell: (notify: Notify) => notify.stopping(), want: /^STOPPING=1\n$/ },
    {
      name: 'a status, in one line whatever it holds',
      tell: (notify: Notify) => notify.status('12 workloads\nREADY=1'),
      want: /^STATUS=12 workloads READY=1\n$/,
    },
  ])('$name', ({ tell, want }) => {
    const { notify, sent, paths } = fake(SOCKET);
    tell(notify);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatch(want);
    expect(paths).toEqual(['@systemd/notify']);
  });

  it('nothing outside of systemd', () => {
    const { notify, sent, fallen } = fake({ WATCHDOG_USEC: '30000000' });
    notify.ready();
    notify.status('x');
    expect(notify.watchdogMs).toBeNull();
    expect([sent, fallen]).toEqual([[], []]);
  });

  it('goes through systemd-notify when the datagram was not taken', () => {
    const { notify, fallen } = fake(SOCKET, false);
    notify.ready();
    expect(fallen).toEqual([['READY=1']]);
  });
});

describe('watchdog', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    { name: 'a third of the timeout', env: { WATCHDOG_USEC: '30000000' }, want: 10_000 },
    {
      name: 'for this process',
      env: { WATCHDOG_USEC: '3000000', WATCHDOG_PID: '42' },
      want: 1_000,
    },
    { name: 'not for another', env: { WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7' }, want: null },
    { name: 'not when nothing is watched', env: {}, want: null },
    { name: 'not for nonsense', env: { WATCHDOG_USEC: 'soon' }, want: null },
  ])('ticks: $name', ({ env, want }) => {
    expect(fake({ ...SOCKET, ...env }).notify.watchdogMs).toBe(want);
  });

  it('ticks only while there is progress', () => {
    vi.useFakeTimers();
    const { notify, sent } = fake({ ...SOCKET, WATCHDOG_USEC: '30000000' });
    let progress = true;
    notify.watchdog(() => progress);
    vi.advanceTimersByTime(20_000);
    expect(sent).toEqual(['WATCHDOG=1\n', 'WATCHDOG=1\n']);
    progress = false;
    vi.advanceTimersByTime(60_000);
    expect(sent).toHaveLength(2);
    progress = true;
    vi.advanceTimersByTime(10_000);
    expect(sent).toHaveLength(3);
    notify.close();
    vi.advanceTimersByTime(60_000);
    expect(sent).toHaveLength(3);
  });
});

const python = spawnSync('python3', ['--version']).status === 0 || process.env['CI'] !== undefined;
if (!python) console.warn('skipped: python3 is not installed');

describe.skipIf(!python)('a real socket', () => {
  let folder = '';
  let receiver: ChildProcess | null = null;
  let got: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dnsvalve-notify-'));
    got = [];
  });

  afterEach(async () => {
    const gone = receiver === null ? null : once(receiver, 'exit');
    receiver?.kill();
    await gone;
    receiver = null;
    rmSync(folder, { recursive: true });
  });

  async function receiveAt(path: string): Promise<void> {
    const script = join(import.meta.dirname, 'receiver.py');
    const child = spawn('python3', [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    receiver = child;
    const lines = createInterface({ input: child.stdout });
    await once(lines, 'line'); // "ready"
    lines.on('line', (line) => got.push(JSON.parse(line) as string));
  }

  it.each([
    { kind: 'a path', path: () => join(folder, 'notify') },
    { kind: 'the abstract namespace', path: () => `@dnsvalve-test-${process.pid}` },
  ])('gets the datagrams of this process: $kind', async ({ path }) => {
    const at = path();
    const handle = openUnixDatagram(at);
    if (handle === null) return expect(chooseBackend().backend).toBe('dgram');
    handle.close();
    await receiveAt(at);
    const env = { NOTIFY_SOCKET: at };
    const notify = new Notify({ env, pid: process.pid, open: openUnixDatagram });
    notify.ready();
    notify.status('two workers');
    await vi.waitFor(() => expect(got).toEqual(['READY=1\n', 'STATUS=two workers\n']), WAIT);
  });

  it('gets the message of systemd-notify where there is no addon', async (context) => {
    if (spawnSync('systemd-notify', ['--version']).status !== 0) context.skip('no systemd-notify');
    const at = join(folder, 'notify');
    await receiveAt(at);
    vi.stubEnv('NOTIFY_SOCKET', at);
    const notify = new Notify({ env: process.env, pid: process.pid, open: () => null });
    notify.ready();
    await vi.waitFor(() => expect(got.join('')).toContain('READY=1'), WAIT);
    vi.unstubAllEnvs();
  });
});

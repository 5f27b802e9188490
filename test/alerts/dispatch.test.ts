import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Alert, operationalAlert } from '../../src/alerts/alert.ts';
import { type AlertsConfig, Dispatch } from '../../src/alerts/dispatch.ts';
import type { OpenUnixDatagram } from '../../src/alerts/sinks/unix.ts';
import type { Sink as SinkConfig } from '../../src/config/sink-types.ts';
import { directory, observation, T0 } from './sample.ts';

const WAIT = { timeout: 10_000, interval: 5 };
const WINDOW = 600_000;
const at = { file: 'dnsvalve.yaml', line: 1, col: 1 };
let folder = '';
let dispatch: Dispatch | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dnsvalve-dispatch-'));
});

afterEach(async () => {
  await dispatch?.close(0);
  dispatch = null;
  rmSync(folder, { recursive: true });
});

function fileSink(name: string): SinkConfig {
  const path = join(folder, name);
  return { to: `file:${path}`, target: { kind: 'file', path }, format: 'json', facility: 20, at };
}

function unixSink(): SinkConfig {
  const target = { kind: 'unix', path: '/dev/log' } as const;
  return { to: 'unix:/dev/log', target, format: 'rfc5424', facility: 20, at };
}

function tcpSink(host: string): SinkConfig {
  const target = { kind: 'syslog-tcp', host, port: 601, framing: 'octet-counting' } as const;
  return { to: `syslog+tcp://${host}`, target, format: 'rfc5424', facility: 20, at };
}

function settings(): AlertsConfig {
  const alertSpool = { sizeBytes: 1_000_000, ageMs: 86_400_000 };
  return { alerts: [], alertWindowMs: WINDOW, alertSpool, stateDirectory: folder };
}

function start(config: Partial<AlertsConfig>, openUnixDatagram: OpenUnixDatagram = () => null) {
  const clock = { ms: T0 };
  const said: string[] = [];
  dispatch = new Dispatch({
    config: { ...settings(), ...config },
    directory,
    now: () => clock.ms,
    openUnixDatagram,
    report: (line) => said.push(line),
  });
  return { dispatch, clock, said };
}

function written(name: string): Alert[] {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Alert);
}

describe('from observation to sink', () => {
  it('gives every sink every alert, folded', async () => {
    const { dispatch, clock } = start({ alerts: [fileSink('a.jsonl'), fileSink('b.jsonl')] });
    const denied = observation({ isNew: false, counts: { denied: 2 } });
    dispatch.observe([observation(), denied, denied, denied]);
    clock.ms += WINDOW;
    dispatch.raise(operationalAlert('feed-stale', 'nrd', { reason: '9h old', atMs: T0 }));
    await dispatch.close(5_000);
    expect(written('a.jsonl').map((one) => [one.type, one.count])).toEqual([
      ['new-destination', 1],
      ['denied', 2],
      ['denied', 4],
      ['feed-stale', 1],
    ]);
    expect(written('b.jsonl')).toEqual(written('a.jsonl'));
    expect(dispatch.stats().emitted).toBe(4);
  });

  it('ends windows by itself, without another alert', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { dispatch, clock } = start({ alerts: [fileSink('a.jsonl')] });
      const denied = observation({ isNew: false, counts: { denied: 1 } });
      dispatch.observe([denied, denied]);
      clock.ms += WINDOW;
      vi.advanceTimersByTime(1_000);
      expect(dispatch.stats().emitted).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('goes on with the other sinks when one throws', async () => {
    const open: OpenUnixDatagram = () => ({
      send: () => {
        throw new Error('broken addon');
      },
      close: () => {},
    });
    const { dispatch, said } = start({ alerts: [unixSink(), fileSink('a.jsonl')] }, open);
    dispatch.observe([observation()]);
    await vi.waitFor(() => expect(dispatch.stats().sinks[1]?.sent).toBe(1), WAIT);
    expect(said).toEqual(['alert sink unix:/dev/log: broken addon']);
  });

  it('refuses a collector that is given by name', () => {
    expect(() => start({ alerts: [tcpSink('siem.example')] })).toThrow(
      'alerts: "syslog+tcp://siem.example" (syslog-tcp): "siem.example" is a name; give an address',
    );
  });
});

describe('what a sink takes', () => {
  const denied = (n: number) =>
    observation({ isNew: false, counts: { denied: 1 }, registrable: `d${n}.example` });

  it('is what its filter wants, whatever the others get', async () => {
    const few = { ...fileSink('few.jsonl'), types: ['denied'] as const };
    const { dispatch } = start({ alerts: [few, fileSink('all.jsonl')] });
    dispatch.observe([observation(), denied(1)]);
    await dispatch.close(5_000);
    expect(written('few.jsonl').map(({ type }) => type)).toEqual(['denied']);
    expect(written('all.jsonl')).toHaveLength(2);
  });

  it('is capped, and the number of what was held back is told past the filter', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const few = { ...fileSink('few.jsonl'), types: ['denied'] as const, maxPerMinute: 2 };
      const { dispatch, clock } = start({ alerts: [few, fileSink('all.jsonl')] });
      dispatch.observe([1, 2, 3, 4, 5].map(denied));
      clock.ms += 60_000;
      vi.advanceTimersByTime(1_000);
      // By itself, without another alert.
      const [sink] = dispatch.stats().sinks;
      expect((sink?.sent ?? 0) + (sink?.queued ?? 0)).toBe(3);
      dispatch.observe([denied(6)]);
      expect(dispatch.stats().sinks.map(({ suppressed }) => suppressed)).toEqual([3, 0]);
      await dispatch.close(5_000);
    } finally {
      vi.useRealTimers();
    }
    const lines = written('few.jsonl');
    const held = 'alerts-suppressed';
    expect(lines.map(({ type }) => type)).toEqual(['denied', 'denied', held, 'denied']);
    expect(lines[2]).toMatchObject({
      severity: 4,
      count: 3,
      reason: '3 suppressed: more than max_per_minute of one severity',
      subject: fileSink('few.jsonl').to,
    });
    expect(written('all.jsonl')).toHaveLength(6);
  });

  it('is told at the end, too', async () => {
    const { dispatch } = start({ alerts: [{ ...fileSink('a.jsonl'), maxPerMinute: 1 }] });
    dispatch.observe([1, 2, 3].map(denied));
    await dispatch.close(5_000);
    expect(written('a.jsonl').map(({ count }) => count)).toEqual([1, 2]);
  });

  it('follows a reload', async () => {
    const { dispatch } = start({ alerts: [fileSink('a.jsonl')] });
    const alerts = [{ ...fileSink('a.jsonl'), severity: 3 }];
    await dispatch.reconfigure({ ...settings(), alerts, alertWindowMs: WINDOW }, directory, 5_000);
    dispatch.observe([denied(1)]);
    expect(dispatch.stats().sinks.map(({ sent, queued }) => sent + queued)).toEqual([0]);
  });
});

describe('after a reload', () => {
  it('keeps the sinks that stay, opens the new ones, and delivers what the gone ones held', async () => {
    const { dispatch } = start({ alerts: [fileSink('stay.jsonl'), fileSink('gone.jsonl')] });
    dispatch.observe([observation()]);
    const alerts = [fileSink('stay.jsonl'), fileSink('come.jsonl')];
    await dispatch.reconfigure({ ...settings(), alerts, alertWindowMs: WINDOW }, directory, 5_000);
    dispatch.observe([observation({ registrable: 'second.example' })]);
    await dispatch.close(5_000);
    expect(written('stay.jsonl')).toHaveLength(2);
    expect(written('gone.jsonl')).toHaveLength(1);
    expect(written('come.jsonl')).toHaveLength(1);
    const sinks = dispatch.stats().sinks.map((sink) => [sink.name, sink.sent]);
    expect(sinks).toEqual([
      [alerts[0]?.to, 2],
      [alerts[1]?.to, 1],
    ]);
  });

  it('changes nothing when a sink is refused', () => {
    const { dispatch } = start({ alerts: [fileSink('a.jsonl')] });
    const alerts = [fileSink('b.jsonl'), tcpSink('siem.example')];
    expect(() =>
      dispatch.reconfigure({ ...settings(), alerts, alertWindowMs: 1 }, directory, 0),
    ).toThrow('a name');
    expect(dispatch.stats().sinks.map((sink) => sink.name)).toEqual([fileSink('a.jsonl').to]);
  });

  it('does not tell a pair as new again because the window changed', async () => {
    const { dispatch } = start({ alerts: [] });
    dispatch.observe([observation()]);
    await dispatch.reconfigure({ ...settings(), alerts: [], alertWindowMs: 1_000 }, directory, 0);
    dispatch.observe([observation()]);
    expect(dispatch.stats().emitted).toBe(1);
  });
});

describe('after a restart', () => {
  const denied = observation({ isNew: false, counts: { denied: 2 } });

  function told(): unknown[] {
    return written('a.jsonl').map(({ type, count }) => [type, count]);
  }

  it('counts on in the windows that were open, and tells them at their end', async () => {
    const alerts = [fileSink('a.jsonl')];
    const first = start({ alerts });
    first.dispatch.observe([denied, denied]);
    await first.dispatch.close(5_000);
    const second = start({ alerts });
    second.dispatch.observe([denied]);
    second.clock.ms += WINDOW;
    second.dispatch.raise(operationalAlert('feed-stale', 'nrd', { reason: 'old', atMs: T0 }));
    await second.dispatch.close(5_000);
    expect(told()).toEqual([
      ['denied', 2],
      ['denied', 4],
      ['feed-stale', 1],
    ]);
  });

  /** Runs twice in one folder, `between` the runs; gives what was told at the end of the window. */
  async function examplesAfter(between: () => void): Promise<Alert | undefined> {
    const alerts = [fileSink('a.jsonl')];
    const named = (host: string) => ({ ...denied, qname: `${host}.partner.example` });
    const first = start({ alerts });
    first.dispatch.observe(['told', 'a', 'b'].map(named));
    await first.dispatch.close(5_000);
    between();
    const second = start({ alerts });
    second.dispatch.observe(['c', 'd', 'b'].map(named));
    second.clock.ms += WINDOW;
    second.dispatch.raise(operationalAlert('feed-stale', 'nrd', { reason: 'old', atMs: T0 }));
    await second.dispatch.close(5_000);
    return written('a.jsonl')[1];
  }

  it('knows the first names of a window still', async () => {
    expect(await examplesAfter(() => {})).toMatchObject({
      count: 10,
      examples: ['a.partner.example', 'b.partner.example', 'c.partner.example'],
    });
  });

  it('reads windows of the first format, without examples; their last name is the first', async () => {
    const old = await examplesAfter(() => {
      const path = join(folder, 'alerts/windows.jsonl');
      const [head = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n');
      const old = lines.map((line) => {
        const [, { endsMs, count, first, latest }] = JSON.parse(line);
        const { examples: _, ...alert } = latest;
        return JSON.stringify({ endsMs, count, first, latest: alert, told: alert });
      });
      expect(old.length).toBeGreaterThan(0); // guard against a vacuous pass
      writeFileSync(path, [head.replace('"version":2', '"version":1'), ...old, ''].join('\n'));
    });
    expect(old).toMatchObject({
      count: 10,
      examples: ['b.partner.example', 'c.partner.example', 'd.partner.example'],
    });
  });

  it('tells what was open when it ended meanwhile', async () => {
    const alerts = [fileSink('a.jsonl')];
    const first = start({ alerts });
    first.dispatch.observe([denied, denied]);
    await first.dispatch.close(5_000);
    const { dispatch, clock } = start({ alerts });
    clock.ms += 5 * WINDOW;
    dispatch.raise(operationalAlert('feed-stale', 'nrd', { reason: 'old', atMs: T0 }));
    await dispatch.close(5_000);
    expect(told().slice(0, 2)).toEqual([
      ['denied', 2],
      ['denied', 2],
    ]);
  });

  it('tells nothing twice after kill -9: what went out is in the journal', async () => {
    const alerts = [fileSink('a.jsonl')];
    const first = start({ alerts });
    first.dispatch.observe([denied, observation()]);
    const written = (): void => expect(first.dispatch.stats().spool.unwritten).toBe(0);
    await vi.waitFor(written, WAIT);
    const killed = join(folder, 'killed');
    cpSync(join(folder, 'alerts'), join(killed, 'alerts'), { recursive: true });
    await first.dispatch.close(0);
    const second = start({ alerts: [], stateDirectory: killed });
    second.dispatch.observe([denied, observation()]);
    expect(second.dispatch.stats().emitted).toBe(0);
  });

  it('tells windows at the end when they cannot be saved', async () => {
    const { dispatch } = start({ alerts: [fileSink('a.jsonl')] });
    mkdirSync(join(folder, 'alerts/windows.jsonl'));
    dispatch.observe([denied, denied]);
    await dispatch.close(5_000);
    expect(told()).toEqual([
      ['denied', 2],
      ['denied', 2],
    ]);
  });
});

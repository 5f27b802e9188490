import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type JournalRecord, recordsIn } from '../../src/alerts/record.ts';
import type { UnixDatagram } from '../../src/alerts/sinks/unix.ts';
import { journalDirectory, Spool, type SpoolConfig } from '../../src/alerts/spool.ts';
import type { Sink as SinkConfig } from '../../src/config/sink-types.ts';
import { deniedAlert, T0 } from './sample.ts';

const WAIT = { timeout: 20_000, interval: 5 };
const at = { file: 'dnsvalve.yaml', line: 1, col: 1 };
let folder = '';
const spools: Spool[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dnsvalve-spool-'));
});

afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close(0);
  rmSync(folder, { recursive: true });
});

/** What a unix socket sink was given; `isDown` is a receiver that takes nothing. */
class Receiver {
  readonly taken: string[] = [];
  isDown = false;

  open(): UnixDatagram {
    const send = (octets: Uint8Array): boolean => {
      if (!this.isDown) this.taken.push(Buffer.from(octets).toString());
      return !this.isDown;
    };
    return { send, close: () => {} };
  }

  get numbers(): number[] {
    return this.taken.map((text) => Number(/registrable_domain="d(\d+)\./.exec(text)?.[1]));
  }
}

const UNIX = { kind: 'unix', path: '/dev/log' } as const;

function sink(facts: Partial<SinkConfig> = {}): SinkConfig {
  return { to: 'unix:/dev/log', target: UNIX, format: 'rfc5424', facility: 20, at, ...facts };
}

function open(receiver: Receiver, facts: Partial<SpoolConfig> = {}) {
  const clock = { ms: T0 };
  const said: string[] = [];
  const alertSpool = { sizeBytes: 64e6, ageMs: 86_400_000 };
  const config = { alerts: [sink()], alertSpool, stateDirectory: folder, ...facts };
  const spool = new Spool({
    config,
    now: () => clock.ms,
    openUnixDatagram: () => receiver.open(),
    report: (line) => said.push(line),
  });
  spools.push(spool);
  return { spool, clock, said, config };
}

function fill(spool: Spool, from: number, to: number): void {
  for (let n = from; n < to; n++) spool.append(deniedAlert(n));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}

function segmentFiles(): string[] {
  const names = readdirSync(journalDirectory(folder)).filter((name) => name.endsWith('.jsonl'));
  return names.sort().map((name) => join(journalDirectory(folder), name));
}

function onDisk(): JournalRecord[] {
  return segmentFiles().flatMap((path) => recordsIn(readFileSync(path, 'utf8')));
}

async function written(spool: Spool): Promise<void> {
  await vi.waitFor(() => expect(spool.stats().spool.unwritten).toBe(0), WAIT);
}

describe('the spool', () => {
  it('goes on after a restart where each sink was, and says nothing twice', async () => {
    const receiver = new Receiver();
    const first = open(receiver);
    fill(first.spool, 0, 10);
    receiver.isDown = true;
    fill(first.spool, 10, 20);
    await first.spool.close(50);
    receiver.isDown = false;
    open(receiver);
    await vi.waitFor(() => expect(receiver.numbers).toEqual(range(0, 20)), WAIT);
  });

  it('reads back from the disk what memory no longer holds', async () => {
    const receiver = new Receiver();
    receiver.isDown = true;
    const { spool } = open(receiver);
    fill(spool, 0, 12_000);
    await written(spool);
    receiver.isDown = false;
    await vi.waitFor(() => expect(receiver.taken.length).toBe(12_000), WAIT);
    expect(receiver.numbers).toEqual(range(0, 12_000));
    expect(spool.stats().sinks[0]).toMatchObject({ sent: 12_000, dropped: 0, queued: 0 });
  });

  it('holds up no other sink for one that is down', async () => {
    const [slow, quick] = [new Receiver(), new Receiver()];
    slow.isDown = true;
    const target = { kind: 'unix', path: '/quick' } as const;
    const config: SpoolConfig = {
      alerts: [sink(), sink({ to: 'unix:/quick', target })],
      alertSpool: { sizeBytes: 64e6, ageMs: 86_400_000 },
      stateDirectory: folder,
    };
    const spool = new Spool({
      config,
      now: () => T0,
      openUnixDatagram: (path) => (path === '/quick' ? quick : slow).open(),
      report: () => {},
    });
    spools.push(spool);
    fill(spool, 0, 5_000);
    await vi.waitFor(() => expect(quick.numbers).toEqual(range(0, 5_000)), WAIT);
    expect(spool.stats().sinks[0]).toMatchObject({ sent: 0, dropped: 0, queued: 5_000 });
  });

  it('counts exactly what the bound took from a sink, and delivers exactly the rest', async () => {
    const receiver = new Receiver();
    receiver.isDown = true;
    const { spool } = open(receiver, { alertSpool: { sizeBytes: 1e6, ageMs: 86_400_000 } });
    for (let n = 0; n < 10_000; n += 500) {
      fill(spool, n, n + 500);
      await written(spool);
    }
    // The bound is kept after the write.
    await vi.waitFor(() => expect(spool.stats().spool.bytes).toBeLessThanOrEqual(1e6), WAIT);
    const { dropped, queued } = spool.stats().sinks[0] ?? { dropped: 0, queued: 0 };
    expect(dropped).toBeGreaterThan(5_000);
    expect(dropped + queued).toBe(10_000);
    expect(spool.losses()).toEqual([{ sink: 'unix:/dev/log', count: dropped, lost: dropped }]);
    expect(spool.losses()).toEqual([]);
    receiver.isDown = false;
    await vi.waitFor(() => expect(receiver.taken.length).toBe(10_000 - dropped), WAIT);
    const { numbers } = receiver;
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('counts as lost only what the sink wanted', async () => {
    const receiver = new Receiver();
    receiver.isDown = true;
    const { spool } = open(receiver, {
      alerts: [sink({ types: ['tunnel'] })],
      alertSpool: { sizeBytes: 256e3, ageMs: 86_400_000 },
    });
    fill(spool, 0, 2_000);
    await written(spool);
    expect(onDisk()[0]?.sequence).toBeGreaterThan(1);
    expect(spool.stats().sinks[0]).toMatchObject({ dropped: 0, queued: 0 });
  });

  it('remembers over a restart what was lost, and counts nothing twice', async () => {
    const receiver = new Receiver();
    receiver.isDown = true;
    const bound = { alertSpool: { sizeBytes: 256e3, ageMs: 86_400_000 } };
    const first = open(receiver, bound);
    for (let n = 0; n < 6_000; n += 500) {
      fill(first.spool, n, n + 500);
      await written(first.spool);
    }
    await first.spool.close(0);
    receiver.isDown = false;
    const second = open(receiver, bound);
    const kept = onDisk().length;
    await vi.waitFor(() => expect(receiver.taken.length).toBe(kept), WAIT);
    // What the sink held in its own queue is beyond reach after a restart, and is lost as well.
    await vi.waitFor(() => expect(second.spool.stats().sinks[0]?.dropped).toBe(6_000 - kept), WAIT);
  });

  it('drops what is older than the bound in age', async () => {
    const receiver = new Receiver();
    const { spool, clock } = open(receiver, { alertSpool: { sizeBytes: 64e6, ageMs: 3_600_000 } });
    fill(spool, 0, 10);
    await written(spool);
    clock.ms += 1_800_000;
    fill(spool, 10, 20);
    await written(spool);
    clock.ms += 2_700_000;
    spool.tick(clock.ms);
    await vi.waitFor(
      () => expect(onDisk().map(({ sequence }) => sequence)).toEqual(range(11, 21)),
      WAIT,
    );
  });

  it('starts a sink that is new with what is new', async () => {
    const old = new Receiver();
    const first = open(old);
    fill(first.spool, 0, 5);
    await first.spool.close(1_000);
    const fresh = new Receiver();
    const { spool } = open(fresh, { alerts: [sink({ to: 'unix:/other' })] });
    fill(spool, 5, 7);
    await vi.waitFor(() => expect(fresh.numbers).toEqual([5, 6]), WAIT);
  });

  it('goes on from where a sink was when only its format changed', async () => {
    const receiver = new Receiver();
    receiver.isDown = true;
    const { spool, config } = open(receiver);
    fill(spool, 0, 5);
    const changed = spool.reconfigure({ ...config, alerts: [sink({ facility: 3 })] }, 20);
    fill(spool, 5, 7);
    await changed;
    receiver.isDown = false;
    await vi.waitFor(() => expect(receiver.numbers).toEqual(range(0, 7)), WAIT);
    expect(receiver.taken[0]).toMatch(/^<29>/);
  });

  it('counts a line that is torn, and delivers those around it', async () => {
    const receiver = new Receiver();
    receiver.isDown = true;
    const first = open(receiver);
    fill(first.spool, 0, 6);
    await first.spool.close(0);
    const [path] = segmentFiles();
    const lines = readFileSync(path ?? '', 'utf8').split('\n');
    lines[2] = (lines[2] ?? '').slice(0, 40);
    writeFileSync(path ?? '', lines.join('\n'));
    appendFileSync(path ?? '', '{"sequence":7,"at":17');
    receiver.isDown = false;
    const { spool } = open(receiver);
    fill(spool, 6, 8);
    await vi.waitFor(() => expect(receiver.numbers).toEqual([0, 1, 3, 4, 5, 6, 7]), WAIT);
    expect(spool.stats().sinks[0]?.dropped).toBe(1);
  });

  it('uses no sequence twice when the journal is gone and the cursors are not', async () => {
    const receiver = new Receiver();
    const first = open(receiver);
    fill(first.spool, 0, 5);
    await first.spool.close(1_000);
    for (const path of segmentFiles()) rmSync(path);
    const { spool } = open(receiver);
    fill(spool, 5, 7);
    await vi.waitFor(() => expect(receiver.numbers).toEqual(range(0, 7)), WAIT);
    expect(spool.stats().spool.newest).toBe(7);
  });

  it('delivers from memory while it cannot write, and writes when it can', async () => {
    const receiver = new Receiver();
    const blocked = journalDirectory(folder);
    writeFileSync(blocked, 'in the way');
    const { spool, said } = open(receiver);
    fill(spool, 0, 50);
    await vi.waitFor(() => expect(receiver.numbers).toEqual(range(0, 50)), WAIT);
    expect(spool.stats().spool).toMatchObject({ unwritten: 50, not_kept: 0 });
    rmSync(blocked);
    await written(spool);
    expect(onDisk().map(({ sequence }) => sequence)).toEqual(range(1, 51));
    expect(said.join('\n')).toContain('alerts are kept in memory meanwhile');
    expect(said.at(-1)).toBe('alert journal: writing again; of what waited, none was not kept');
  });

  it('counts exactly what memory could not hold while nothing could be written', async () => {
    const receiver = new Receiver();
    receiver.isDown = true;
    writeFileSync(journalDirectory(folder), 'in the way');
    const { spool } = open(receiver);
    const total = 30_000;
    fill(spool, 0, total);
    const { spool: journal, sinks } = spool.stats();
    const { dropped, queued } = sinks[0] ?? { dropped: 0, queued: 0 };
    // The sink has its window; of the rest the newest 20,000 are in memory.
    expect(journal.not_kept).toBe(10_000);
    expect(dropped).toBe(10_000 - 2_048);
    expect(dropped + queued).toBe(total);
    receiver.isDown = false;
    await vi.waitFor(() => expect(receiver.taken.length).toBe(total - dropped), WAIT);
    expect(receiver.numbers).toEqual([...range(0, 2_048), ...range(10_000, total)]);
  });
});

it('an alert has the same id in the journal and in every sink', async () => {
  const receiver = new Receiver();
  const { spool } = open(receiver);
  fill(spool, 0, 1);
  await written(spool);
  expect(receiver.taken[0]).toContain(`id="${onDisk()[0]?.alert.id}"`);
});

/** The thread itself: messages, order, end, and a kill -9 in the middle. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FLAG_FIRST } from '../../src/events/kinds.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import type { RecorderStats } from '../../src/history/messages.ts';
import type { Observation } from '../../src/history/observation.ts';
import { type RecorderHandle, startRecorder } from '../../src/history/start.ts';
import { fixture, REVISION, readHistory, temporaryDirectory } from './support/fixture.ts';
import { writeRecord } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };
const NEW = { allowed: 1, flags: FLAG_FIRST };

interface Started {
  readonly path: string;
  readonly recorder: RecorderHandle;
  readonly writer: RingWriter;
  readonly told: Observation[];
  readonly exits: string[];
  /** Resolves with the first stats that satisfy `want`. */
  stats(want: (stats: RecorderStats) => boolean): Promise<RecorderStats>;
}

function start(path = join(temporaryDirectory(), 'made', 'history.db'), flushMs = 500): Started {
  const ring = createRing(4096);
  const told: Observation[] = [];
  const exits: string[] = [];
  const listeners = new Set<(stats: RecorderStats) => void>();
  const recorder = startRecorder(
    { path, rings: [ring], flushMs, namesPerDomain: 5, retentionMs: 86_400_000 },
    {
      onObservations: (list) => told.push(...list),
      onStats: (stats) => {
        for (const listener of listeners) listener(stats);
      },
      onUnusual: () => {},
      onBurnInEnd: () => {},
      onNotice: () => {},
      onExit: (reason) => exits.push(reason),
    },
  );
  onTestFinished(async () => void (await recorder.stop()));
  const stats = (want: (stats: RecorderStats) => boolean): Promise<RecorderStats> =>
    new Promise((resolve) => {
      listeners.add((found) => {
        if (want(found)) resolve(found);
      });
    });
  return { path, recorder, writer: new RingWriter(ring), told, exits, stats };
}

describe('the recorder thread', () => {
  it('commits by itself what the rings hold, and tells how it stands', async () => {
    const { path, recorder, writer, told, stats } = start();
    recorder.revision(REVISION);
    writeRecord(writer, { name: 'www.one.test', ...NEW });
    const found = await stats(({ rowsWritten }) => rowsWritten > 0);
    expect(found).toMatchObject({
      rowsWritten: 1,
      firstSeen: 1,
      queueDepth: 0,
      shed: 0,
      error: null,
    });
    expect(found.dbBytes).toBeGreaterThan(0);
    expect(readHistory(path).firstSeen(ALL)).toMatchObject([{ workload: 'pay' }]);
    expect(told).toMatchObject([{ isNew: true, qname: 'www.one.test' }]);
  });

  it('has committed and told all that was written before a flush is answered', async () => {
    const { path, recorder, writer, told } = start(undefined, 60_000);
    recorder.revision(REVISION);
    for (let i = 0; i < 3000; i++) writeRecord(writer, { name: `n${i}.test`, ...NEW });
    expect(await recorder.flush()).toBe(true);
    expect(readHistory(path).firstSeen(ALL)).toHaveLength(3000);
    expect(told).toHaveLength(3000);
  });

  it('knows a snapshot whose message and whose first record come together', async () => {
    const { recorder, writer, told } = start();
    for (let revision = 1; revision <= 40; revision++) {
      recorder.revision({ ...REVISION, revision, workloads: ['', `of-${revision}`] });
      writeRecord(writer, { name: `n${revision}.test`, revision, ...NEW });
      if (revision % 8 === 0) await recorder.flush();
    }
    expect(told).toHaveLength(40);
    for (const { workload, revision } of told) expect(workload).toBe(`of-${revision}`);
  });

  it('leaves one closed file behind when it is stopped, with what came last', async () => {
    const { path, recorder, writer, exits } = start(undefined, 60_000);
    recorder.revision(REVISION);
    writeRecord(writer, { name: 'last.test', ...NEW });
    expect(await recorder.stop()).toBe(true);
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(readHistory(path).firstSeen(ALL)).toMatchObject([{ domain: 'last.test' }]);
    expect(exits).toEqual([]);
    expect(await recorder.flush()).toBe(false);
  });

  it('stops without loss while somebody reads the file', async () => {
    const { path, recorder, writer } = start(undefined, 60_000);
    recorder.revision(REVISION);
    await recorder.flush();
    const reader = readHistory(path);
    writeRecord(writer, { name: 'last.test', ...NEW });
    expect(reader.firstSeen(ALL)).toEqual([]);
    expect(await recorder.stop()).toBe(true);
    expect(reader.firstSeen(ALL)).toMatchObject([{ domain: 'last.test' }]);
    expect(readHistory(path).firstSeen(ALL)).toHaveLength(1);
  });

  it('reads the new ring of a worker that was started again', async () => {
    const { path, recorder, writer } = start();
    recorder.revision(REVISION);
    writeRecord(writer, { name: 'before.test', ...NEW });
    const ring = createRing(64);
    recorder.addRing(0, ring);
    writeRecord(new RingWriter(ring), { name: 'after.test', ...NEW });
    await recorder.flush();
    expect(readHistory(path).firstSeen(ALL)).toHaveLength(2);
  });

  it('keeps telling when there is no disk, and stops as asked', async () => {
    const { recorder, writer, told } = start('/proc/none/history.db');
    recorder.revision(REVISION);
    writeRecord(writer, { name: 'one.test', ...NEW });
    expect(await recorder.flush()).toBe(false);
    expect(told).toMatchObject([{ isNew: true, stored: false }]);
    expect(await recorder.stop()).toBe(false);
  });
});

describe('kill -9', () => {
  it('loses no first-seen row that is older than a second', async () => {
    const path = join(temporaryDirectory(), 'history.db');
    const program = fileURLToPath(new URL('./support/victim.ts', import.meta.url));
    const victim = spawn(process.execPath, [program, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void victim.kill('SIGKILL'));
    const written: { ms: number; name: string }[] = [];
    for await (const line of createInterface({ input: victim.stdout })) {
      const [ms = '', name = ''] = line.split(' ');
      written.push({ ms: Number(ms), name });
      if (Number(ms) - (written[0]?.ms ?? 0) > 3000 && !victim.killed) victim.kill('SIGKILL');
    }
    if (victim.exitCode === null && victim.signalCode === null) await once(victim, 'exit');
    const lastMs = written.at(-1)?.ms ?? 0;
    const old = written.filter(({ ms }) => ms < lastMs - 1000).map(({ name }) => name);
    expect(old.length).toBeGreaterThan(1000);

    const rows = readHistory(path).firstSeen(ALL);
    const recorded = new Set(rows.map(({ domain }) => domain));
    expect(old.filter((name) => !recorded.has(name))).toEqual([]);
    expect(recorded.size).toBe(rows.length);

    const after = fixture({ path });
    after.put([{ name: old[0] ?? '', ...NEW }]);
    expect(after.recording.flush()).toBe(true);
    expect(after.observations()).toEqual([]);
  });
});

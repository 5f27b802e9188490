import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encoderFor } from '../../../src/alerts/formats/encode.ts';
import { FileSink } from '../../../src/alerts/sinks/file.ts';
import { deniedAlert } from '../sample.ts';
import { range } from './collector.ts';

const WAIT = { timeout: 10_000, interval: 5 };
let folder = '';
let path = '';
const sinks: FileSink[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dnsvalve-file-'));
  path = join(folder, 'alerts.jsonl');
});

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close(0);
  rmSync(folder, { recursive: true });
});

function openAt(at: string) {
  const said: string[] = [];
  const sink = new FileSink({
    name: `file:${at}`,
    path: at,
    encode: encoderFor({ format: 'json', kind: 'file', facility: 20 }),
    report: (line) => said.push(line),
    backoff: { firstMs: 5, maxMs: 20, random: () => 0.5 },
  });
  sinks.push(sink);
  return { sink, said };
}

/** The registrable domains of a file of JSON lines; throws where a line is no document. */
function domainsIn(file: string): string[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map(
    (line) => (JSON.parse(line) as { registrable_domain: string }).registrable_domain,
  );
}

function names(count: number, from = 0): string[] {
  return range(count).map((n) => `d${from + n}.example`);
}

describe('alerts in a file', () => {
  it('appends one JSON document a line, in order, readable by owner and group only', async () => {
    writeFileSync(path, '');
    rmSync(path);
    const { sink } = openAt(path);
    for (const n of range(50)) sink.push(deniedAlert(n));
    await sink.close(5_000);
    expect(domainsIn(path)).toEqual(names(50));
    expect(statSync(path).mode & 0o007).toBe(0);
    expect(sink.stats()).toEqual({ sent: 50, dropped: 0, queued: 0, lastError: null });
  });

  it('follows the path after the file was renamed', async () => {
    const { sink } = openAt(path);
    sink.push(deniedAlert(0));
    await vi.waitFor(() => expect(sink.stats().sent).toBe(1), WAIT);
    renameSync(path, `${path}.1`);
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(sink.stats().sent).toBe(2), WAIT);
    expect(domainsIn(`${path}.1`)).toEqual(names(1));
    expect(domainsIn(path)).toEqual(names(1, 1));
  });

  it('opens the path anew when it is told to', async () => {
    const { sink } = openAt(path);
    sink.push(deniedAlert(0));
    await vi.waitFor(() => expect(sink.stats().sent).toBe(1), WAIT);
    sink.reopen();
    sink.push(deniedAlert(1));
    await sink.close(5_000);
    expect(domainsIn(path)).toEqual(names(2));
  });

  it('ends a line that a crash left half written', async () => {
    writeFileSync(path, '{"version":1,"id":"cut');
    const { sink } = openAt(path);
    sink.push(deniedAlert(0));
    await sink.close(5_000);
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ registrable_domain: 'd0.example' });
  });

  it('keeps alerts while the folder is missing, says so once, and writes them when it is back', async () => {
    const late = join(folder, 'late', 'alerts.jsonl');
    const { sink, said } = openAt(late);
    for (const n of range(10)) sink.push(deniedAlert(n));
    await vi.waitFor(() => expect(sink.stats().lastError).toContain('ENOENT'), WAIT);
    expect(existsSync(late)).toBe(false);
    mkdirSync(join(folder, 'late'));
    await vi.waitFor(() => expect(sink.stats().sent).toBe(10), WAIT);
    expect(domainsIn(late)).toEqual(names(10));
    expect(said).toHaveLength(2);
  });

  it('gives up at the deadline of close and counts what was left', async () => {
    const { sink } = openAt('/dev/full');
    for (const n of range(4)) sink.push(deniedAlert(n));
    await vi.waitFor(() => expect(sink.stats().lastError).toContain('ENOSPC'), WAIT);
    await sink.close(20);
    expect(sink.stats()).toMatchObject({ sent: 0, dropped: 4, queued: 0 });
  });

  it('finishes what a full disk cut in the middle of a line', async (context) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    if (mount.status !== 0) context.skip('mounting a small disk needs root');
    try {
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(40_000));
      const { sink } = openAt(join(disk, 'alerts.jsonl'));
      for (const n of range(60)) sink.push(deniedAlert(n));
      await vi.waitFor(() => expect(sink.stats().lastError).toContain('ENOSPC'), WAIT);
      expect(readFileSync(join(disk, 'alerts.jsonl'), 'utf8')).toMatch(/[^\n]$/); // cut
      rmSync(ballast);
      await sink.close(5_000);
      expect(domainsIn(join(disk, 'alerts.jsonl'))).toEqual(names(60));
      expect(sink.stats()).toMatchObject({ sent: 60, dropped: 0, queued: 0 });
    } finally {
      for (const sink of sinks.splice(0)) await sink.close(0); // an open file keeps the mount
      spawnSync('umount', [disk]);
    }
  });
});

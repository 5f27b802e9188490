/** A disk that is really full: a file system of its own, in memory, where the machine allows one. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { Spool } from '../../src/alerts/spool.ts';
import { deniedAlert, T0 } from './sample.ts';

const WAIT = { timeout: 30_000, interval: 20 };
const at = { file: 'dnsvalve.yaml', line: 1, col: 1 };
const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]).status === 0;

afterEach(() => {
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Takes all that is left. */
function fillUp(path: string): void {
  try {
    writeFileSync(path, new Uint8Array(80e6));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  }
}

it.skipIf(!mounted)(
  'a full disk holds nothing up, and what it cost is counted exactly',
  async () => {
    const taken: string[] = [];
    let isDown = true;
    const send = (octets: Uint8Array): boolean => {
      if (!isDown) taken.push(Buffer.from(octets).toString());
      return !isDown;
    };
    const target = { kind: 'unix', path: '/dev/log' } as const;
    const said: string[] = [];
    const spool = new Spool({
      config: {
        alerts: [{ to: 'unix:/dev/log', target, format: 'rfc5424', facility: 20, at }],
        alertSpool: { sizeBytes: 64e6, ageMs: 86_400_000 },
        stateDirectory: folder,
      },
      now: () => T0,
      openUnixDatagram: () => ({ send, close: () => {} }),
      report: (line) => said.push(line),
    });
    const dropped = (): number => spool.stats().sinks[0]?.dropped ?? -1;
    const unwritten = (): number => spool.stats().spool.unwritten;
    try {
      for (let n = 0; n < 100; n++) spool.append(deniedAlert(n));
      await vi.waitFor(() => expect(unwritten()).toBe(0), WAIT);
      fillUp(join(folder, 'ballast'));
      for (let n = 100; n < 30_100; n++) spool.append(deniedAlert(n));
      await vi.waitFor(() => expect(spool.stats().spool.last_error).toContain('ENOSPC'), WAIT);
      // The sink has 2,048, of the others the newest 20,000 are in memory.
      expect(dropped()).toBe(30_100 - 2_048 - 20_000);
      rmSync(join(folder, 'ballast'));
      await vi.waitFor(() => expect(unwritten()).toBe(0), WAIT);
      expect(said.at(-1)).toBe(
        'alert journal: writing again; of what waited, 10000 since the start were not kept',
      );
      isDown = false;
      await vi.waitFor(() => expect(taken.length).toBe(22_048), WAIT);
      expect(dropped()).toBe(8_052);
    } finally {
      await spool.close(0);
    }
  },
);

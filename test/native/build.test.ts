import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeIsMissing } from './support.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** A copy of the few files that building needs, so that nothing is found ready-made. */
let tree = '';

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'dnsvalve-test-'));
  cpSync(join(ROOT, 'src/native'), join(tree, 'src/native'), { recursive: true });
  for (const file of ['src/batch.ts', 'src/errors.ts', 'package.json']) {
    cpSync(join(ROOT, file), join(tree, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
});

afterEach(() => {
  rmSync(tree, { recursive: true });
});

/** What `chooseBackend` says in a process of its own. */
async function choice(env: Record<string, string>): Promise<{ backend: string; reason: string }> {
  const code = `import { chooseBackend } from '${tree}/src/native/udp.ts';
    console.log(JSON.stringify(chooseBackend()))`;
  const args = ['--input-type=module', '-e', code];
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout);
}

describe('building the addon', () => {
  it('falls back to dgram, and says why, without a compiler', async () => {
    const { backend, reason } = await choice({ CC: join(tree, 'no-such-cc') });
    expect(backend).toBe('dgram');
    expect(reason).toMatch(/^building the I\/O addon: running .*no-such-cc: .*ENOENT/);
    expect(readdirSync(join(tree, 'build'))).toEqual([]);
  });

  it('falls back to dgram, and says why, when compiling fails', async () => {
    expect(await choice({ CC: 'false' })).toEqual({
      backend: 'dgram',
      reason: 'building the I/O addon: false: status 1',
    });
  });

  it('is not tried when DNSVALVE_NATIVE is off', async () => {
    expect(await choice({ DNSVALVE_NATIVE: 'off' })).toEqual({
      backend: 'dgram',
      reason: 'turned off by DNSVALVE_NATIVE=off',
    });
  });

  it.skipIf(nativeIsMissing)('may be done by several processes at once', async () => {
    const choices = await Promise.all([choice({}), choice({}), choice({})]);
    expect(choices).toEqual(Array(3).fill({ backend: 'native', reason: null }));
    expect(readdirSync(join(tree, 'build'))).toHaveLength(1);
  });

  it.skipIf(nativeIsMissing)(
    'uses a private directory where build/ cannot be written',
    async () => {
      writeFileSync(join(tree, 'build'), 'not a directory');
      const TMPDIR = join(tree, 'tmp');
      mkdirSync(TMPDIR);
      expect(await choice({ TMPDIR })).toEqual({ backend: 'native', reason: null });
      const privateDir = join(TMPDIR, `dnsvalve-${process.getuid?.()}`);
      expect(readdirSync(privateDir)).toHaveLength(1);
      chmodSync(privateDir, 0o755);
      const { backend, reason } = await choice({ TMPDIR });
      expect(backend, 'when others may have written there').toBe('dgram');
      expect(reason).toContain('must be a directory of our own with mode 0700');
    },
  );

  it.skipIf(nativeIsMissing)('prints the path when run as a command', async () => {
    const { stdout } = await run(process.execPath, [join(tree, 'src/native/build.ts')]);
    expect(stdout).toMatch(/\/build\/dnsvalve_io-\w+-\w+-[0-9a-f]{16}\.node\n$/);
  });
});

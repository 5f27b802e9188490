import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';

const UNIT = join(import.meta.dirname, '../../systemd/dnsvalve.service');
const SYSCTL = join(import.meta.dirname, '../../systemd/dnsvalve.sysctl.conf');
const present =
  spawnSync('systemd-analyze', ['--version']).status === 0 || process.env['CI'] !== undefined;
if (!present) console.warn('skipped: systemd-analyze is not installed');

const unit = readFileSync(UNIT, 'utf8');

function valuesOf(key: string): string[] {
  const lines = unit.split('\n').filter((line) => line.startsWith(`${key}=`));
  return lines.map((line) => line.slice(key.length + 1));
}

describe('the unit', () => {
  it.each([
    { key: 'Type', want: ['notify'] },
    { key: 'NotifyAccess', want: ['main'] },
    { key: 'WatchdogSec', want: ['30'] },
    { key: 'ExecReload', want: ['/bin/kill -HUP $MAINPID'] },
    { key: 'Restart', want: ['on-failure'] },
    { key: 'RestartPreventExitStatus', want: ['2'] },
    { key: 'DynamicUser', want: ['yes'] },
    { key: 'StateDirectory', want: ['dnsvalve'] },
    { key: 'CapabilityBoundingSet', want: ['CAP_NET_BIND_SERVICE'] },
    { key: 'AmbientCapabilities', want: ['CAP_NET_BIND_SERVICE'] },
  ])('says $key=$want', ({ key, want }) => expect(valuesOf(key)).toEqual(want));

  it('checks the same file that it serves, with the same program', () => {
    const [check] = valuesOf('ExecStartPre');
    const [serve] = valuesOf('ExecStart');
    expect(check?.replace(' check ', ' serve ')).toBe(serve);
  });
});

describe.skipIf(!present)('systemd-analyze', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dnsvalve-unit-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds an exposure of 1.5 or better', () => {
    const run = spawnSync('systemd-analyze', ['security', '--offline=true', UNIT], {
      encoding: 'utf8',
    });
    const level = /Overall exposure level for \S+: ([\d.]+)/.exec(run.stdout)?.[1];
    expect(Number(level)).toBeLessThanOrEqual(1.5);
  });

  it('has nothing to say about the unit where the program is installed', () => {
    // The same unit, with the program under a folder that exists here.
    const program = join(folder, 'opt');
    for (const path of ['node_modules/.bin/node', 'src/dnsvalve.js']) {
      mkdirSync(dirname(join(program, path)), { recursive: true });
      symlinkSync(process.execPath, join(program, path));
    }
    const copy = join(folder, 'dnsvalve.service');
    writeFileSync(copy, unit.replaceAll('/opt/dnsvalve', program));
    const run = spawnSync('systemd-analyze', ['verify', copy], { encoding: 'utf8' });
    expect(run.stderr + run.stdout).toBe('');
    expect(run.status).toBe(0);
  });
});

describe('the paths of the README', () => {
  it('load, and lie in the directories of the unit', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-readme-'));
    try {
      const readme = readFileSync(join(dirname(UNIT), 'README.md'), 'utf8');
      const block = /^ *```yaml\n([\s\S]*?)^ *```$/m.exec(readme)?.[1] ?? '';
      const file = join(folder, 'dnsvalve.yaml');
      const yaml = block.replace(/^ {3}/gm, '');
      writeFileSync(file, `${yaml}workloads: { dev: { sources: [ 127.0.0.1/32 ] } }\n`);
      const config = loadConfig(file);
      expect(config.history.path).toBe(`/var/lib/${valuesOf('StateDirectory')}/history.db`);
      expect(config.stateDirectory).toBe(`/var/lib/${valuesOf('StateDirectory')}`);
      expect(config.control.path).toBe(`/run/${valuesOf('RuntimeDirectory')}/control.sock`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the sysctl file', () => {
  it('gives a reason above every line', () => {
    const lines = readFileSync(SYSCTL, 'utf8').trimEnd().split('\n');
    const settings = lines.flatMap((line, at) => (/^[a-z]/.test(line) ? [at] : []));
    expect(settings.length).toBeGreaterThan(0);
    for (const at of settings) {
      expect(lines[at]).toMatch(/^[a-z0-9_.]+ = \d+$/);
      expect(lines[at - 1]).toMatch(/^# /);
    }
  });
});

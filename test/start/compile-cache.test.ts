/** Where compiled code is kept: what lies there is run, so only a place of our own will do. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheDirectory } from '../../src/compile-cache.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dnsvalve-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const OWN = `dnsvalve-${process.geteuid?.() ?? 0}`;

function made(name: string, mode: number): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  return path;
}

function chosen(given?: string): string | null {
  const places = { given, build: join(folder, 'build'), temporary: join(folder, 'tmp') };
  return cacheDirectory(places)?.slice(folder.length + 1) ?? null;
}

describe('cacheDirectory', () => {
  it('is that of the tree, closed to others, and leaves its parent readable', () => {
    expect(chosen()).toBe('build/compile-cache');
    expect(statSync(join(folder, 'build/compile-cache')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'build')).mode & 0o055).toBe(0o055);
  });

  it('is the first of those that systemd made', () => {
    const path = made('var', 0o700);
    expect(chosen(`${path}:${join(folder, 'other')}`)).toBe('var/compile-cache');
  });

  it('is among temporary files where others can write into the tree', () => {
    made('build', 0o775);
    made('tmp', 0o1777);
    expect(chosen()).toBe(`tmp/${OWN}/compile-cache`);
    expect(statSync(join(folder, 'tmp', OWN)).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['group', 0o720],
    ['others', 0o702],
    ['readers', 0o744],
  ])('is nowhere that the %s could reach', (_who, mode) => {
    made('build', 0o777);
    made(`tmp/${OWN}`, 0o700);
    made(`tmp/${OWN}/compile-cache`, mode);
    expect(chosen()).toBeNull();
  });

  it('is no link to somewhere else', () => {
    made('build', 0o755);
    const elsewhere = made('elsewhere', 0o700);
    symlinkSync(elsewhere, join(folder, 'build', 'compile-cache'));
    expect(chosen()).toBe(`tmp/${OWN}/compile-cache`);
  });

  it('is none where nothing can be made', () => {
    const file = { build: '/dev/null/build', temporary: '/dev/null/tmp' };
    expect(cacheDirectory(file)).toBeNull();
    expect(existsSync('/dev/null/build')).toBe(false);
  });
});

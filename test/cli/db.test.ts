/** `db check` and `db backup`, beside a recorder that goes on. */

import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { register } from '../../src/cli/db.ts';
import { fixture } from '../history/support/fixture.ts';
import { policy } from '../history/support/policies.ts';
import { NOON } from '../history/support/records.ts';
import { readWith } from './support/read.ts';

function written() {
  const test = fixture({ startedAt: NOON });
  test.recording.addRevision(policy(1, NOON, { pay: ['10.1.2.0/24'] }));
  test.recording.flush();
  return test;
}

const db = (args: readonly string[]) => readWith(register, NOON, ['db', ...args]);

/** Overwrites every page but the first, which names the file as ours. */
function spoil(path: string): void {
  const file = openSync(path, 'r+');
  const { size } = statSync(path);
  writeSync(file, Buffer.alloc(size - 4096, 0x5a), 0, size - 4096, 4096);
  closeSync(file);
}

describe('db check', () => {
  it('finds a file whole while it is being written', async () => {
    const { path } = written();
    const { stdout, exitCode } = await db(['check', '--db', path]);
    expect([stdout, exitCode]).toEqual([`${path}: whole\n`, 0]);
  });

  it('finds octets that were overwritten, and says so by exit code 1', async () => {
    const { path, recording } = written();
    recording.close();
    spoil(path);
    const { stdout, exitCode } = await db(['check', '--json', '--db', path]);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, command: 'db', path });
    expect(JSON.parse(stdout).problems).not.toEqual([]);
    expect(exitCode).toBe(1);
  });

  it('names a file that is not there', async () => {
    const { stderr, exitCode } = await db(['check', '--db', '/none/history.db']);
    expect(stderr).toContain('/none/history.db: no such file');
    expect(exitCode).toBe(3);
  });
});

describe('db backup', () => {
  it('copies what is committed, and the copy is whole', async () => {
    const { path } = written();
    const target = join(dirname(path), 'copy.db');
    await db(['backup', target, '--db', path]);
    const copy = new Database(target, { readonly: true });
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
    const count = 'SELECT count(*) FROM binding';
    expect(copy.prepare(count).pluck().get()).toBe(1);
    copy.close();
    expect(existsSync(`${target}.partial`)).toBe(false);
  });

  it('never writes over a file', async () => {
    const { path } = written();
    const before = readFileSync(path);
    const { stderr, exitCode } = await db(['backup', path, '--db', path]);
    expect([stderr, exitCode]).toEqual([`${path}: is there already`, 2]);
    expect(readFileSync(path)).toEqual(before);
  });

  it('names the place where no copy can be made', async () => {
    const { path } = written();
    const { stderr, exitCode } = await db(['backup', '/none/copy.db', '--db', path]);
    expect(stderr).toContain('/none/copy.db: ');
    expect(exitCode).toBe(3);
  });
});

/** `db check`, `db backup` and `db vacuum`, beside a recorder that goes on. */

import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { register } from '../../src/cli/db.ts';
import { nextPages, vacuum } from '../../src/history/vacuum.ts';
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

describe('db vacuum', () => {
  /** Fills the file, and leaves the pages behind. */
  function bloat(path: string): void {
    const db = new Database(path);
    db.exec('CREATE TABLE bulk (id INTEGER PRIMARY KEY, what BLOB)');
    const put = db.prepare('INSERT INTO bulk (what) VALUES (randomblob(4000))');
    db.transaction(() => {
      for (let i = 0; i < 500; i++) put.run();
    })();
    db.exec('DROP TABLE bulk');
    db.close();
  }

  const freeOf = (path: string): unknown => {
    const file = new Database(path, { readonly: true });
    const free = file.pragma('freelist_count', { simple: true });
    file.close();
    return free;
  };

  it('refuses, says why, and changes nothing while the daemon has a file without a map', async () => {
    const { path } = written();
    const { stderr, exitCode } = await db(['vacuum', '--db', path]);
    expect(stderr).toContain(`${path}: in use; `);
    expect(stderr).toContain('stop the daemon');
    expect(exitCode).toBe(3);
  });

  it('the daemon goes on after that refusal', async () => {
    const { path, put, recording } = written();
    await db(['vacuum', '--db', path]);
    put([{ name: 'www.example.com', allowed: 1 }]);
    expect(recording.flush()).toBe(true);
  });

  it('writes the file anew while nobody has it, and keeps what it held', async () => {
    const { path, recording } = written();
    recording.close();
    bloat(path);
    const { stdout, exitCode } = await db(['vacuum', '--json', '--db', path]);
    const document = JSON.parse(stdout);
    expect([document.how, exitCode]).toEqual(['whole', 0]);
    expect(document.octetsAfter).toBeLessThan(document.octetsBefore - 1_000_000);
    expect(freeOf(path)).toBe(0);
    const file = new Database(path, { readonly: true });
    expect(file.prepare('SELECT count(*) FROM binding').pluck().get()).toBe(1);
    file.close();
  });

  it('after that once, works in steps beside the daemon, which goes on', async () => {
    const first = written();
    first.recording.close();
    await vacuum(first.path);
    bloat(first.path);
    const { path, recording, put } = fixture({ path: first.path });
    const { stdout, exitCode } = await db(['vacuum', '--json', '--db', path]);
    const document = JSON.parse(stdout);
    expect([document.how, exitCode]).toEqual(['steps', 0]);
    expect(document.steps).toBeGreaterThan(1);
    expect(freeOf(path)).toBe(0);
    expect(document.octetsAfter).toBeLessThan(document.octetsBefore - 1_000_000);
    put([{ name: 'www.example.com', allowed: 1 }]);
    expect(recording.flush()).toBe(true);
  });

  it.each([
    ['a long step is followed by one of half the pages', 32, 21, 16],
    ['a very short one by one of twice as many', 32, 4, 64],
    ['others by one of as many', 32, 10, 32],
    ['never fewer than 8', 8, 500, 8],
    ['never more than 1,024', 1024, 1, 1024],
  ])('%s', (_rule, pages, tookMs, next) => {
    expect(nextPages(pages, tookMs)).toBe(next);
  });
});

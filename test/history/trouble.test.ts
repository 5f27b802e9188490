/** The database in trouble: what is kept, what is said, and that it resumes by itself. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { FLAG_FIRST } from '../../src/events/kinds.ts';
import { SCHEMA_VERSION } from '../../src/history/migrations.ts';
import { fixture, readHistory, temporaryDirectory } from './support/fixture.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };
const RETRY_MS = 1000;

function many(count: number, from = 0) {
  return Array.from({ length: count }, (_, i) => ({
    name: `a-rather-long-label-that-fills-pages-${from + i}.test`,
    allowed: 1,
    flags: FLAG_FIRST,
  }));
}

describe('trouble that passes', () => {
  const rows: { name: string; begin: string; end: string; code: string }[] = [
    {
      name: 'a full disk',
      begin: 'max_page_count = 1',
      end: 'max_page_count = 1000000',
      code: 'SQLITE_FULL',
    },
    {
      name: 'a database that turned read-only',
      begin: 'query_only = 1',
      end: 'query_only = 0',
      code: 'SQLITE_READONLY',
    },
  ];
  for (const { name, begin, end, code } of rows) {
    it(`${name} keeps the rows, tells main at once, says so once, and resumes`, () => {
      let pragma = begin;
      let connection: Database.Database | undefined;
      const test = fixture({
        prepare: (db) => {
          connection = db;
          db.pragma(pragma);
        },
      });
      test.put(many(300));
      expect(test.recording.flush()).toBe(false);
      test.clock.ms += RETRY_MS;
      expect(test.recording.flush()).toBe(false);
      const told = test.observations();
      expect(told).toHaveLength(300);
      expect(told.every(({ isNew, stored }) => isNew && !stored)).toBe(true);
      expect(test.notices()).toHaveLength(1);
      expect(test.notices()[0]).toContain(code);
      expect(test.recording.stats()).toMatchObject({ queueDepth: 300, firstSeen: 0 });
      expect(test.recording.stats().error).toContain(code);

      pragma = end;
      if (connection?.open === true) connection.pragma(end);
      test.clock.ms += RETRY_MS;
      expect(test.recording.flush()).toBe(true);
      expect(test.observations()).toHaveLength(300);
      expect(test.notices()).toHaveLength(2);
      const after = { queueDepth: 0, error: null, shed: 0, firstSeen: 300 };
      expect(test.recording.stats()).toMatchObject(after);
      expect(readHistory(test.path).firstSeen(ALL)).toHaveLength(300);
    });
  }

  it('is tried again in time also where the clock is set back meanwhile', () => {
    let connection: Database.Database | undefined;
    const test = fixture({
      prepare: (db) => {
        connection = db;
        db.pragma('max_page_count = 1');
      },
    });
    test.put(many(300));
    expect(test.recording.flush()).toBe(false);
    connection?.pragma('max_page_count = 1000000');
    test.clock.ms -= 864_000_000;
    expect(test.recording.flush()).toBe(true);
    expect(test.recording.stats()).toMatchObject({ queueDepth: 0, error: null });
  });

  it('a file that somebody else holds locked is waited for', () => {
    const test = fixture();
    const other = new Database(test.path);
    other.exec('BEGIN IMMEDIATE');
    test.put(many(1));
    expect(test.recording.flush()).toBe(false);
    expect(test.recording.stats().error).toContain('SQLITE_BUSY');
    other.exec('ROLLBACK');
    other.close();
    test.clock.ms += RETRY_MS;
    expect(test.recording.flush()).toBe(true);
  });

  it('a directory that cannot be made is tried again', () => {
    const directory = join(temporaryDirectory(), 'state');
    writeFileSync(directory, 'a file in the way');
    const test = fixture({ path: join(directory, 'history.db') });
    test.put(many(1));
    expect(test.recording.flush()).toBe(false);
    expect(test.notices()).toHaveLength(1);
  });

  it('counts continue where they stood, without a query twice', () => {
    let connection: Database.Database | undefined;
    const test = fixture({ prepare: (db) => (connection = db) });
    test.put([{ name: 'one.test', denied: 1, flags: FLAG_FIRST }]);
    connection?.pragma('max_page_count = 1');
    test.put(many(500));
    test.recording.flush();
    test.put([{ name: 'one.test', denied: 2 }]);
    test.clock.ms += RETRY_MS;
    connection?.pragma('max_page_count = 1000000');
    test.recording.flush();
    expect(readHistory(test.path).ofName('test.one.', 'exact', ALL)).toMatchObject([{ denied: 3 }]);
    const told = test.observations().filter(({ registrable }) => registrable === 'one.test');
    expect(told.map(({ isNew, counts }) => [isNew, counts.denied])).toEqual([
      [true, 1],
      [false, 2],
    ]);
  });

  it('the oldest rows are given up beyond the bound, and counted', () => {
    const test = fixture({ pendingMax: 10, prepare: (db) => db.pragma('query_only = 1') });
    test.put(many(25));
    expect(test.recording.flush()).toBe(false);
    expect(test.recording.stats()).toMatchObject({ queueDepth: 10, shed: 15 });
  });
});

describe('a corrupt file', () => {
  it('is set aside with its log, and recording starts empty', () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'history.db');
    writeFileSync(path, 'this is no database at all, and long enough to be looked at'.repeat(200));
    const test = fixture({ path });
    test.put([{ name: 'one.test', allowed: 1 }]);
    expect(test.recording.flush()).toBe(true);
    expect(test.notices()[0]).toMatch(
      /corrupt; set aside as .*history\.db\.corrupt-20260301T120000Z/,
    );
    const aside = join(directory, 'history.db.corrupt-20260301T120000Z');
    expect(readFileSync(aside, 'utf8')).toContain('this is no database');
    expect(readHistory(path).firstSeen(ALL)).toHaveLength(1);
  });

  it('is found at start also where only its inside is spoiled', () => {
    const before = fixture();
    before.put(many(900));
    before.recording.close();
    spoil(before.path);
    const after = fixture({ path: before.path });
    after.put([{ name: 'one.test', allowed: 1 }]);
    expect(after.recording.flush()).toBe(true);
    expect(after.notices()[0]).toContain('set aside');
    expect(readHistory(after.path).firstSeen(ALL)).toHaveLength(1);
  });

  it('never takes the place of another that was set aside in the same second', () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'history.db');
    for (let i = 0; i < 3; i++) {
      writeFileSync(path, `no database ${i} `.repeat(100));
      fixture({ path }).recording.close();
    }
    const aside = readdirSync(directory).filter((name) => name.includes('corrupt'));
    expect(aside).toHaveLength(3);
  });

  it('that shows while running is set aside, and the rows in hand go to the new one', () => {
    const before = fixture();
    before.put(many(900));
    before.recording.close();
    // Opened without the check, as a file is that is too large for one.
    const test = fixture({ path: before.path, prepare: () => spoil(before.path) });
    test.put(many(900));
    test.recording.flush();
    test.clock.ms += RETRY_MS;
    expect(test.recording.flush()).toBe(true);
    expect(test.notices().join('\n')).toContain('set aside');
    expect(existsSync(test.path)).toBe(true);
    expect(readHistory(test.path).firstSeen(ALL)).toHaveLength(900);
  });
});

describe('a file that is not for this program', () => {
  const rows = [
    {
      name: 'of a newer version is refused by its number',
      prepare: `PRAGMA application_id = 0x646e7376; PRAGMA user_version = ${SCHEMA_VERSION + 1};
                CREATE TABLE future (x)`,
      want: `schema version ${SCHEMA_VERSION + 1} is newer`,
    },
    {
      name: 'of another program is refused',
      prepare: 'CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)',
      want: 'a database of another program',
    },
  ];
  for (const { name, prepare, want } of rows) {
    it(`${name}, left as it is, and alerts go on`, () => {
      const path = join(temporaryDirectory(), 'deep', 'history.db');
      mkdirSync(dirname(path));
      const other = new Database(path);
      other.exec(prepare);
      other.close();
      const octets = readFileSync(path);
      const test = fixture({ path });
      test.put([{ name: 'one.test', denied: 1, flags: FLAG_FIRST }]);
      expect(test.recording.flush()).toBe(false);
      test.clock.ms += 10 * RETRY_MS;
      expect(test.recording.flush()).toBe(false);
      expect(test.notices()).toHaveLength(1);
      expect(test.notices()[0]).toContain(want);
      expect(test.observations()).toMatchObject([{ isNew: true, stored: false }]);
      test.recording.close();
      expect(readFileSync(path).equals(octets)).toBe(true);
    });
  }
});

/** Overwrites the middle of a file, past the page that every reader looks at first. */
function spoil(path: string): void {
  const octets = readFileSync(path);
  octets.fill(0xa5, 8192, octets.length);
  writeFileSync(path, octets);
}

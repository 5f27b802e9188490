import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { FINDING_TUNNEL, KIND_NAME } from '../../src/events/kinds.ts';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from '../../src/history/migrations.ts';
import { fixture, readHistory, tableRows, temporaryDirectory } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };
const DAY = 86_400_000;

/** A file as version 1 left it: one pair with one name. */
function versionOne(): string {
  const path = join(temporaryDirectory(), 'history.db');
  const db = new Database(path);
  db.exec(MIGRATIONS[0] ?? '');
  db.exec(`
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = 1;
INSERT INTO workload (id, name, first_ms, last_ms, domains, allowed)
  VALUES (1, 'pay', ${NOON}, ${NOON}, 1, 4);
INSERT INTO domain VALUES (1, 'test.one.');
INSERT INTO pair VALUES
  (1, 1, ${NOON}, ${NOON + DAY}, 4, 0, 0, 0, 0, 0, 1, zeroblob(16), 1, 1, 'www.', NULL, NULL, NULL);
INSERT INTO name VALUES (1, 1, 'www.', ${NOON}, ${NOON + DAY}, 4, 0, 0, 0);`);
  db.close();
  return path;
}

describe('a file of version 1', () => {
  it('is brought up to date with all that it holds', () => {
    const path = versionOne();
    fixture({ path });
    expect(tableRows(path, 'PRAGMA user_version')).toEqual([{ user_version: SCHEMA_VERSION }]);
    const day = Math.floor((NOON + DAY) / DAY);
    expect(tableRows(path, 'SELECT last_day FROM pair')).toEqual([{ last_day: day }]);
    const found = readHistory(path);
    expect(found.firstSeen(ALL)).toMatchObject([{ domain: 'one.test', queries: 4, names: 1 }]);
    expect(found.names('pay', 'test.one.', -1)).toMatchObject([{ queries: 4 }]);
  });

  it('goes on counting, and no pair of it is new again', () => {
    const path = versionOne();
    const test = fixture({ path });
    const query = { name: 'www.one.test', allowed: 1, firstMs: NOON + 3 * DAY };
    test.put([query, { ...query, kind: KIND_NAME }]);
    test.recording.flush();
    expect(test.observations()).toEqual([]);
    const found = readHistory(path);
    expect(found.firstSeen(ALL)).toMatchObject([{ queries: 5, firstMs: NOON }]);
    expect(found.names('pay', 'test.one.', -1)).toMatchObject([{ queries: 5 }]);
  });
});

describe('the day of the last query', () => {
  it('moves on with it and never back', () => {
    const test = fixture();
    const days: unknown[] = [];
    for (const day of [1, 0, 1, 3, 2]) {
      test.put([{ name: 'one.test', allowed: 1, firstMs: NOON + day * DAY }]);
      test.recording.flush();
      days.push(
        ...tableRows(test.path, `SELECT last_day - ${Math.floor(NOON / DAY)} AS d FROM pair`),
      );
    }
    expect(days).toEqual([{ d: 1 }, { d: 1 }, { d: 1 }, { d: 3 }, { d: 3 }]);
  });
});

describe('a file of version 3', () => {
  it('keeps what it holds and takes findings', () => {
    const path = join(temporaryDirectory(), 'history.db');
    const db = new Database(path);
    for (const step of MIGRATIONS.slice(0, 3)) db.exec(step);
    db.exec(`
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = 3;
INSERT INTO workload (id, name, first_ms, last_ms, domains, allowed)
  VALUES (1, 'pay', ${NOON}, ${NOON}, 1, 4);
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, first_name, first)
  VALUES (1, 1, 'test.one.', ${NOON}, ${NOON}, ${Math.floor(NOON / DAY)}, 4, 'www.', zeroblob(28));
INSERT INTO heard VALUES (1, ${NOON}, 1, NULL);`);
    db.close();
    const test = fixture({ path });
    const found = { type: FINDING_TUNNEL, score: 187, threshold: 160 };
    test.put([{ name: 'www.one.test', finding: found, firstMs: NOON + 1 }]);
    expect(test.recording.flush()).toBe(true);
    expect(tableRows(path, 'SELECT workload_id, name_rev, score FROM finding')).toEqual([
      { workload_id: 1, name_rev: 'test.one.', score: 187 },
    ]);
    expect(readHistory(path).firstSeen(ALL)).toMatchObject([{ domain: 'one.test', queries: 4 }]);
  });
});

describe('a file of version 9', () => {
  const verdicts = ['allowed', 'denied', 'would_deny', 'failed'] as const;

  /** Of each pair which counts are not zero, the first the lowest bit. */
  function versionNine(pairs: readonly { id: number; firstMs: number; counts: number }[]): string {
    const path = join(temporaryDirectory(), 'history.db');
    const db = new Database(path);
    for (const step of MIGRATIONS.slice(0, 9)) db.exec(step);
    db.exec(`
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = 9;
INSERT INTO workload (id, name, first_ms, last_ms) VALUES (1, 'pay', 0, ${NOON});`);
    const add = db.prepare(`
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, denied,
  would_deny, failed, first_name, first) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, '', zeroblob(27))`);
    const heard = db.prepare('INSERT INTO heard VALUES (1, ?, ?, NULL)');
    for (const { id, firstMs, counts } of pairs) {
      const each = verdicts.map((_, i) => (counts >> i) & 1);
      add.run(id, `test.d${id}.`, firstMs, NOON, Math.floor(NOON / DAY), ...each);
      heard.run(firstMs, id);
    }
    db.close();
    return path;
  }

  it('tells of each pair the verdicts that it had', () => {
    const pairs = Array.from({ length: 16 }, (_, counts) => {
      return { id: counts + 1, firstMs: NOON - 100 + counts, counts };
    });
    const path = versionNine(pairs);
    fixture({ path });
    const queries = readHistory(path);
    for (const [i, verdict] of (['allowed', 'denied', 'would-deny', 'failed'] as const).entries()) {
      const had = pairs.filter(({ counts }) => (counts >> i) & 1).map(({ id }) => `d${id}.test`);
      for (const workload of [null, 'pay']) {
        const found = queries.firstSeen({ ...ALL, workload, verdict });
        expect(found.map(({ domain }) => domain)).toEqual(had);
      }
    }
    const unusual = tableRows(path, 'SELECT unusual FROM pair ORDER BY id');
    expect(unusual).toEqual(pairs.map(({ counts }) => ({ unusual: counts >> 1 })));
  });

  it('tells of each 4,096 pairs when the first of them was first seen', () => {
    const times = { 1: 500, 4095: 30, 4096: 990, 8191: 40, 8192: 70, 12000: 80, 20480: 20 };
    const pairs = Object.entries(times).map(([id, firstMs]) => {
      return { id: Number(id), firstMs, counts: 1 };
    });
    const path = versionNine(pairs);
    fixture({ path });
    expect(tableRows(path, 'SELECT * FROM block')).toEqual([
      { number: 0, oldest_ms: 30 },
      { number: 1, oldest_ms: 40 },
      { number: 2, oldest_ms: 70 },
      { number: 5, oldest_ms: 20 },
    ]);
  });
});

describe('a file of version 13', () => {
  it('keeps what was found of who asked first, by name', () => {
    const path = join(temporaryDirectory(), 'history.db');
    const db = new Database(path);
    for (const step of MIGRATIONS.slice(0, 13)) db.exec(step);
    db.exec(`
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = 13;
INSERT INTO workload (id, name, first_ms, last_ms) VALUES (1, 'pay', 0, ${NOON}), (2, 'web', 0, ${NOON});
UPDATE debut_cursor SET stretch = 1;`);
    const add = db.prepare(`
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, first_name, first)
VALUES (?, ?, ?, ?, ?, ?, 1, '', zeroblob(27))`);
    const day = Math.floor(NOON / DAY);
    for (const [id, workload, name, ms] of [
      [1, 1, 'test.one.', 5],
      [2, 2, 'test.one.', 3],
      [3, 1, 'test.two.', 4],
      [65_536, 2, 'test.two.', 9],
    ] as const) {
      add.run(id, workload, name, NOON + ms, NOON + ms, day);
    }
    db.exec(`INSERT INTO debut VALUES (${NOON + 3}, 2), (${NOON + 4}, 3)`);
    db.close();
    fixture({ path });
    const sql = `SELECT name_rev, first_ms - ${NOON} AS ms, id FROM debut ORDER BY first_ms`;
    expect(tableRows(path, sql)).toEqual([
      { name_rev: 'test.one.', ms: 3, id: 2 },
      { name_rev: 'test.two.', ms: 4, id: 3 },
    ]);
    const found = readHistory(path).newForNetwork(ALL);
    expect(found.map(({ domain, workload }) => [domain, workload])).toEqual([
      ['one.test', 'web'],
      ['two.test', 'pay'],
    ]);
  });
});

describe('the oldest first sight of a block', () => {
  it('is that of the earliest of its pairs, in whatever order they come or move back', () => {
    const test = fixture();
    const put = (...times: readonly number[]): unknown => {
      test.put(times.map((at) => ({ name: `d${at % 100}.test`, allowed: 1, firstMs: NOON + at })));
      test.recording.flush();
      return tableRows(test.path, `SELECT number, oldest_ms - ${NOON} AS ms FROM block`);
    };
    expect(put(1233, 1234, 4801, 4800)).toEqual([{ number: 0, ms: 1233 }]);
    expect(put(2002)).toEqual([{ number: 0, ms: 1233 }]);
    expect(put(105)).toEqual([{ number: 0, ms: 105 }]);
    expect(put(34)).toEqual([{ number: 0, ms: 34 }]);
    expect(put(234)).toEqual([{ number: 0, ms: 34 }]);
  });
});

/** Who asked first for each domain, found behind the writer. */

import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Debuts } from '../../src/history/debuts.ts';
import { MIGRATIONS, PAIR_SHIFT } from '../../src/history/migrations.ts';
import { HistoryQueries } from '../../src/history/queries.ts';
import { Settling } from '../../src/history/settling.ts';
import { fixture, readHistory } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };
const STRETCH = 2 ** PAIR_SHIFT;

interface Debut {
  readonly first_ms: number;
  readonly id: number;
}

interface PairSpec {
  /** Stretches since the pair before. */
  readonly gap: number;
  readonly domain: number;
  readonly ms: number;
}

const pairs = fc.array(
  fc.record({
    gap: fc.constantFrom(0, 0, 1, 7),
    domain: fc.integer({ min: 0, max: 12 }),
    ms: fc.integer({ min: 0, max: 4 }),
  }),
  { minLength: 1, maxLength: 60 },
);

function emptyFile(): Database.Database {
  const db = new Database(':memory:');
  for (const step of MIGRATIONS) db.exec(step);
  onTestFinished(() => void db.close());
  return db;
}

/** Pairs by number, which are in no order of time. @returns their numbers */
function fill(db: Database.Database, all: readonly PairSpec[]): number[] {
  const add = db.prepare(`
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, first_name, first)
VALUES (?, ?, ?, ?, ?, ?, 1, '', zeroblob(27))`);
  const workload = db.prepare(
    'INSERT OR IGNORE INTO workload (id, name, first_ms, last_ms) VALUES (?, ?, 0, 0)',
  );
  let id = 0;
  return all.map(({ gap, domain, ms }, i) => {
    id = (Math.floor(id / STRETCH) + gap) * STRETCH + i + 1;
    const firstMs = NOON + ms;
    workload.run(i + 1, `w${i}`);
    add.run(id, i + 1, `com.d${domain}.`, firstMs, NOON + 1000, Math.floor(NOON / 86_400_000));
    return id;
  });
}

/** What a walk over every pair below `stretches` says. */
function firstOfAll(db: Database.Database, stretches: number): Debut[] {
  const rows = db.prepare<[number], { name_rev: string; first_ms: number; id: number }>(`
SELECT name_rev, first_ms, id FROM pair WHERE id < ? ORDER BY first_ms, id`);
  const first = new Map<string, Debut>();
  for (const { name_rev, first_ms, id } of rows.all(stretches * STRETCH)) {
    if (!first.has(name_rev)) first.set(name_rev, { first_ms, id });
  }
  return [...first.values()];
}

/** Of the whole network, and of the workload of each pair. */
function expectRight(db: Database.Database, ids: readonly number[]): void {
  const queries = new HistoryQueries(db);
  const first = firstOfAll(db, 2 ** 16).map(({ first_ms, id }) => [first_ms, id]);
  const shown = (workload: string | null): unknown[] =>
    queries.newForNetwork({ ...ALL, workload }).map(({ id, firstMs }) => [firstMs, id]);
  expect(shown(null)).toEqual(first);
  for (const [i, own] of ids.entries()) {
    expect(shown(`w${i}`)).toEqual(first.filter(([, id]) => id === own));
  }
}

const debutsOf = (db: Database.Database): unknown[] =>
  db.prepare('SELECT first_ms, id FROM debut ORDER BY first_ms, id').all();
const stretchOf = (db: Database.Database): number =>
  Number(db.prepare('SELECT stretch FROM debut_cursor').pluck().get());

describe('debuts', () => {
  it('are the first pairs of all stretches that are done, by time and then by number', () => {
    fc.assert(
      fc.property(pairs, fc.boolean(), (all, hasRuns) => {
        const db = emptyFile();
        fill(db, all);
        const settling = new Settling(db);
        while (hasRuns && settling.step());
        const debuts = new Debuts(db);
        do expect(debutsOf(db)).toEqual(firstOfAll(db, stretchOf(db)));
        while (debuts.step());
      }),
      { numRuns: 60 },
    );
  });

  it('follow a pair that turns out to have asked earlier, done or not', () => {
    const moves = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 3 })), { maxLength: 8 });
    fc.assert(
      fc.property(pairs, moves, fc.nat({ max: 20 }), (all, moved, done) => {
        const db = emptyFile();
        const ids = fill(db, all);
        const debuts = new Debuts(db);
        for (let i = 0; i < done; i++) debuts.step();
        const move = db.prepare('UPDATE pair SET first_ms = first_ms - ? WHERE id = ?');
        for (const [which, ms] of moved) {
          const i = which % ids.length;
          debuts.moved(`com.d${all[i]?.domain}.`, () => void move.run(ms, ids[i]));
        }
        expectRight(db, ids);
        while (debuts.step());
        expectRight(db, ids);
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });

  it('of many those are told that are newest', () => {
    const db = emptyFile();
    const specs = Array.from({ length: 1200 }, (_, domain) => ({
      gap: 0,
      domain,
      ms: domain % 600,
    }));
    fill(db, [...specs, { gap: 1, domain: 0, ms: 0 }]);
    const debuts = new Debuts(db);
    while (debuts.step());
    const queries = new HistoryQueries(db);
    const shown = (filter: object): string[] =>
      queries.newForNetwork({ ...ALL, limit: 3, ...filter }).map(({ domain }) => domain);
    expect(shown({})).toEqual(['d1198.com', 'd599.com', 'd1199.com']);
    expect(shown({ workload: 'w7' })).toEqual(['d7.com']);
    expect(shown({ sinceMs: NOON + 5, untilMs: NOON + 7 })).toEqual([
      'd605.com',
      'd6.com',
      'd606.com',
    ]);
  });

  it('a step takes a part of a stretch, and the next one goes on', () => {
    const db = emptyFile();
    fill(
      db,
      Array.from({ length: 1000 }, (_, domain) => ({ gap: 0, domain, ms: domain })),
    );
    fill(db, []);
    db.prepare(`UPDATE pair SET id = ${STRETCH} WHERE id = 1000`).run();
    const debuts = new Debuts(db);
    const counts: number[] = [];
    while (debuts.step()) counts.push(debutsOf(db).length);
    expect(counts).toEqual([256, 512, 768, 999]);
  });

  it('a file that was written without them has them found', () => {
    const test = fixture();
    test.put([{ name: 'one.test', allowed: 1 }]);
    test.put([{ name: 'one.test', workload: 2, allowed: 1, firstMs: NOON - 5 }]);
    test.recording.flush();
    expect(readHistory(test.path).newForNetwork(ALL)).toMatchObject([{ firstMs: NOON - 5 }]);
  });
});

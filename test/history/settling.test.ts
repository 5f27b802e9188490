/** Runs of domains: the same answers before, while and after they are made. */

import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Debuts } from '../../src/history/debuts.ts';
import { longKnownOne } from '../../src/history/long-known.ts';
import { HistoryQueries } from '../../src/history/queries.ts';
import { Settling } from '../../src/history/settling.ts';
import { fixture } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };
/** Far more in one stretch than a step takes, two runs, and what is beyond them. */
const PAIRS = 900;
const CLOSE = 150;
const APART = 20_000;

const nameOf = (i: number) => `www.d${i % 200}.${['com', 'test', 'co.uk'][i % 3]}`;

/** A file whose pairs are numbered as if there were four million. */
function largeFile(): Database.Database {
  const test = fixture();
  for (let i = 0; i < PAIRS; i++) {
    const counts = i % 7 === 0 ? { denied: 1 } : { allowed: 1 };
    test.put([{ name: nameOf(i), workload: 1 + (i % 3), firstMs: NOON + i, ...counts }]);
    if (i % 100 === 0) test.recording.flush();
  }
  test.recording.close();
  const db = new Database(test.path);
  onTestFinished(() => void db.close());
  const ids = db.prepare<[], number>('SELECT id FROM pair ORDER BY id DESC').pluck().all();
  const move = db.prepare('UPDATE pair SET id = ? WHERE id = ?');
  for (const id of ids) if (id > CLOSE) move.run(id * APART, id);
  return db;
}

function answers(db: Database.Database): unknown {
  const queries = new HistoryQueries(db);
  const list = ['com.d1.', 'com.d2.www.', 'net.none.', 'test.'];
  return [
    queries.ofName('com.', 'subtree', ALL),
    queries.ofName('test.d1.www.', 'exact', ALL),
    queries.ofName('uk.co.', 'subtree', { ...ALL, verdict: 'denied' }),
    queries.ofNames(list, ALL),
    queries.newForNetwork({ ...ALL, sinceMs: NOON + 100 }),
    longKnownOne(db, 'com.d3.', 1, NOON + 90_000_000)?.domains,
  ];
}

describe('runs of domains', () => {
  it('change no answer, whatever part of them is made', () => {
    const db = largeFile();
    const before = answers(db);
    const settling = new Settling(db);
    let steps = 0;
    for (; settling.step(); steps++) if (steps % 5 === 0) expect(answers(db)).toEqual(before);
    expect(steps).toBeGreaterThan(4);
    const debuts = new Debuts(db);
    for (; debuts.step(); steps++) if (steps % 50 === 0) expect(answers(db)).toEqual(before);
    expect(answers(db)).toEqual(before);
    expect(steps).toBeGreaterThan(100);
    const runs = db.prepare('SELECT number FROM domain_run WHERE cursor IS NULL').pluck().all();
    expect(runs.length).toBeGreaterThan(1);
  });

  it('hold every pair below the last whole one exactly once', () => {
    const db = largeFile();
    const settling = new Settling(db);
    while (settling.step());
    const held = db.prepare('SELECT j.value FROM domain d, json_each(d.ids) j ORDER BY 1').pluck();
    const runs = Number(db.prepare('SELECT count(*) FROM domain_run').pluck().get());
    const ids = db.prepare<[number]>('SELECT id FROM pair WHERE id < ? << 20 ORDER BY id').pluck();
    expect(held.all()).toEqual(ids.all(runs));
  });

  it('go on where they were when another process goes on with them', () => {
    const db = largeFile();
    const before = answers(db);
    while (new Settling(db).step());
    expect(answers(db)).toEqual(before);
  });

  it('take no pair that is not complete by number', () => {
    const db = largeFile();
    db.prepare('DELETE FROM pair WHERE id >= 1 << 20').run();
    expect(new Settling(db).step()).toBe(false);
  });
});

describe('what a pair had but allowed queries', () => {
  it('is noted when it first has it, and stays', () => {
    const test = fixture();
    const name = 'one.test';
    const said: unknown[] = [];
    for (const counts of [{ allowed: 1 }, { failed: 1 }, { denied: 1 }, { allowed: 1 }]) {
      test.put([{ name, ...counts }]);
      test.recording.flush();
      const db = new Database(test.path, { readonly: true });
      said.push(db.prepare('SELECT unusual FROM pair').pluck().get());
      db.close();
    }
    expect(said).toEqual([0, 4, 5, 5]);
  });
});

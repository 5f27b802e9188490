/** Walks find those first seen first, however numbers and times lie. */

import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BLOCK_SHIFT } from '../../src/history/block-schema.ts';
import { RUN_SHIFT } from '../../src/history/domain-schema.ts';
import { MIGRATIONS } from '../../src/history/migrations.ts';
import { PairSet } from '../../src/history/pair-set.ts';
import { type AskedVerdict, rangeOf } from '../../src/history/queries-filter.ts';
import type { KeyFilter } from '../../src/history/queries-name.ts';
import { Pairs } from '../../src/history/queries-pairs.ts';
import { Walks } from '../../src/history/queries-walk.ts';
import { Settling } from '../../src/history/settling.ts';

interface Pair {
  readonly id: number;
  readonly workload: number;
  readonly domain: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly verdict: AskedVerdict;
}

const ALL = { workload: null, id: null, sinceMs: 0, limit: -1 };
const RANGE = rangeOf('com.', 'subtree');

/** Numbers in order, some blocks apart, around the end of a run; times mostly in that order. */
const pairs: fc.Arbitrary<Pair[]> = fc
  .array(
    fc.record({
      step: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(1, 500, 3000) }, fc.constant(40_000)),
      workload: fc.integer({ min: 1, max: 3 }),
      suffix: fc.constantFrom('com.', 'com.', 'org.'),
      late: fc.constantFrom(0, 0, 0, 1, 30, 5000),
      lasted: fc.constantFrom(0, 10, 500),
      verdict: fc.constantFrom('allowed', 'denied', 'failed'),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((all) => {
    let id = 2 ** RUN_SHIFT - 60_000;
    return all.map(({ step, workload, suffix, late, lasted, verdict }, i) => {
      id += step;
      const firstMs = 10_000 + i - late;
      return {
        id,
        workload,
        domain: `${suffix}d${i}.`,
        firstMs,
        lastMs: firstMs + lasted,
        verdict,
      };
    });
  });

const filters: fc.Arbitrary<KeyFilter> = fc.record({
  workload: fc.constant(null),
  id: fc.constantFrom(null, null, 1, 2),
  sinceMs: fc.constantFrom(0, 0, 10_020, 10_300),
  untilMs: fc.constantFrom(9000, 10_050, 1e12),
  verdict: fc.constantFrom(null, 'allowed', 'denied'),
  limit: fc.constantFrom(-1, 1, 3, 20),
});

function historyOf(all: readonly Pair[]): Database.Database {
  const db = new Database(':memory:');
  onTestFinished(() => void db.close());
  for (const step of MIGRATIONS) db.exec(step);
  for (const id of [1, 2, 3]) {
    db.prepare('INSERT INTO workload (id, name, first_ms, last_ms) VALUES (?, ?, 0, 0)').run(
      id,
      `w${id}`,
    );
  }
  const add = db.prepare(`
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, denied, failed,
  first_name, first) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, '', zeroblob(27))`);
  for (const { id, workload, domain, firstMs, lastMs, verdict } of all) {
    const counts = ['allowed', 'denied', 'failed'].map((one) => (one === verdict ? 1 : 0));
    add.run(id, workload, domain, firstMs, lastMs, ...counts);
  }
  db.exec(`INSERT INTO block SELECT id >> ${BLOCK_SHIFT}, min(first_ms) FROM pair GROUP BY 1`);
  const settling = new Settling(db);
  while (settling.step());
  return db;
}

function answersTo(pair: Pair, { id, sinceMs, untilMs = 0, verdict }: KeyFilter): boolean {
  if (!pair.domain.startsWith('com.') || (id !== null && pair.workload !== id)) return false;
  return (
    pair.lastMs >= sinceMs &&
    pair.firstMs < untilMs &&
    (verdict === null || verdict === pair.verdict)
  );
}

function naive(all: readonly Pair[], filter: KeyFilter): number[] {
  const found = all
    .filter((pair) => answersTo(pair, filter))
    .sort((a, b) => a.firstMs - b.firstMs || a.id - b.id);
  return found.slice(0, filter.limit < 0 ? found.length : filter.limit).map(({ id }) => id);
}

function setOf(ids: readonly number[]): PairSet {
  const set = new PairSet();
  for (const id of ids) set.add(id);
  return set;
}

describe('a walk finds those first seen first', () => {
  it('by name and by number, whatever is wanted of them', () => {
    fc.assert(
      fc.property(pairs, fc.array(filters, { minLength: 5, maxLength: 5 }), (all, some) => {
        const walks = new Walks(new Pairs(historyOf(all)));
        const others = all.filter((_, i) => i % 3 === 0).map(({ id }) => id);
        for (const filter of some) {
          const want = naive(all, filter);
          const matching = all.filter((pair) => answersTo(pair, filter)).map(({ id }) => id);
          for (const wanted of [null, setOf([...matching, ...others])]) {
            const walked = { range: RANGE, filter, wanted };
            expect(walks.byName(walked).map(({ id }) => id)).toEqual(want);
            expect(walks.byNumber(walked).map(({ id }) => id)).toEqual(want);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('of more than are read at once, in another order by name, one of them late', () => {
    const all = Array.from({ length: 1200 }, (_, i): Pair => {
      const firstMs = i === 700 ? 10 : 1000 + i;
      const domain = `com.d${1000 + ((i + 850) % 1200)}.`;
      const id = 2 ** RUN_SHIFT - 12_000 + i * 10;
      return { id, workload: 1, domain, firstMs, lastMs: 5000, verdict: 'allowed' };
    });
    // A run is whole once there is a pair beyond it.
    const beyond = { ...all[0]!, id: 2 ** RUN_SHIFT, domain: 'org.', firstMs: 3000 };
    const db = historyOf([...all, beyond]);
    const walks = new Walks(new Pairs(db));
    const filter = { ...ALL, untilMs: 1e12, verdict: null, limit: 6 };
    for (const wanted of [null, setOf(all.map(({ id }) => id))]) {
      const walked = { range: RANGE, filter, wanted };
      expect(walks.byName(walked).map(({ id }) => id)).toEqual(naive(all, filter));
      expect(walks.byNumber(walked).map(({ id }) => id)).toEqual(naive(all, filter));
    }
  });

  it.each([1, -1])('also where nothing is known of their blocks, in order of time %i', (order) => {
    const all = Array.from({ length: 30 }, (_, i): Pair => {
      const [id, firstMs] = [(i + 1) * 3000, 1000 + order * i];
      return { id, workload: 1, domain: `com.d${i}.`, firstMs, lastMs: 2000, verdict: 'allowed' };
    });
    const filter = { ...ALL, untilMs: 1e12, verdict: null, limit: 4 };
    for (const forget of ['1', 'number >= 10', 'number < 12', 'number BETWEEN 3 AND 12']) {
      const db = historyOf(all);
      db.exec(`DELETE FROM block WHERE ${forget}`);
      const walks = new Walks(new Pairs(db));
      for (const wanted of [null, setOf(all.map(({ id }) => id))]) {
        const walked = { range: RANGE, filter, wanted };
        expect(walks.byName(walked).map(({ id }) => id)).toEqual(naive(all, filter));
        expect(walks.byNumber(walked).map(({ id }) => id)).toEqual(naive(all, filter));
      }
    }
  });

  it('of nothing', () => {
    const walks = new Walks(new Pairs(historyOf([])));
    const walked = { range: RANGE, filter: ALL, wanted: null };
    expect(walks.byName(walked)).toEqual([]);
    expect(walks.byNumber(walked)).toEqual([]);
    expect(walks.byNumber({ ...walked, wanted: new PairSet() })).toEqual([]);
  });
});

/** Counts the rows that are read with statements of rows. */
class CountedPairs extends Pairs {
  rowsRead = 0;
  readonly #counted = new Set<unknown>();

  override select(sql: string): ReturnType<Pairs['select']> {
    const statement = super.select(sql);
    if (this.#counted.has(statement)) return statement;
    this.#counted.add(statement);
    const all = statement.all.bind(statement);
    statement.all = (...values) => {
      const rows = all(...values);
      this.rowsRead += rows.length;
      return rows;
    };
    return statement;
  }
}

describe('a walk reads no row of a block that has none old enough', () => {
  const count = 200;
  const old: Pair = {
    id: count * 2 ** BLOCK_SHIFT,
    workload: 1,
    domain: 'com.old.',
    firstMs: 1,
    lastMs: 5000,
    verdict: 'allowed',
  };
  const inOrder = Array.from({ length: count * 10 }, (_, i): Pair => {
    const id = Math.floor(i / 10) * 2 ** BLOCK_SHIFT + (i % 10);
    return { ...old, id, domain: `com.d${i}.`, firstMs: 1000 + i };
  });
  const all = [...inOrder, old];
  const wanted = setOf(all.map(({ id }) => id));

  it.each([
    ['by name', 'byName', null, 501],
    ['all by number', 'byNumber', null, 21],
    ['some by number', 'byNumber', wanted, 501],
  ] as const)('%s', (_, how, some, most) => {
    const pairs = new CountedPairs(historyOf(all));
    const walk = (filter: object): number[] => {
      const walked = { range: RANGE, filter: { ...ALL, ...filter }, wanted: some };
      return new Walks(pairs)[how](walked).map(({ id }) => id);
    };
    expect(walk({ limit: 12 })).toEqual([old.id, ...inOrder.slice(0, 11).map(({ id }) => id)]);
    expect(pairs.rowsRead).toBeLessThanOrEqual(most);
    pairs.rowsRead = 0;
    expect(walk({ untilMs: 1000 })).toEqual([old.id]);
    expect(pairs.rowsRead).toBe(1);
  });
});

/** Accounts of budgets: what counts within a window, and who may have a row. */

import { describe, expect, it } from 'vitest';
import {
  AccountRows,
  addHash,
  CELLS_PER_WINDOW,
  DOUBLE_OUT,
  DOUBLE_OUT_CELLS,
  holdsHash,
  KNOWN,
  KNOWN_MAX,
  ROW_WORDS,
} from '../../src/detect/account-row.ts';
import { Accounts, cellAt, freeAccountLocks } from '../../src/detect/accounts.ts';
import { Random } from './random.ts';

const CELL_MS = 60_000;
const WINDOW_MS = CELL_MS * CELLS_PER_WINDOW;

function accounts(rows = 2): Accounts {
  return new Accounts({ words: new Int32Array(rows * ROW_WORDS), startMs: 0 }, 1);
}

/** What an account of `limit` lets go at `ms`. */
function spend(one: Accounts, ms: number, units: number, limit: number): boolean {
  one.advance(1, DOUBLE_OUT, DOUBLE_OUT_CELLS, cellAt(ms, CELL_MS));
  if (one.used(1, DOUBLE_OUT) + units > limit) return false;
  one.add(1, DOUBLE_OUT, DOUBLE_OUT_CELLS, units);
  return true;
}

describe('a window', () => {
  it('never lets more than the limit go in any time of its length, and hardly less', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const one = accounts();
      const went: [ms: number, units: number][] = [];
      let ms = random.below(WINDOW_MS);
      let refused = 0;
      for (let i = 0; i < 2000; i++) {
        ms += random.below(seed % 2 === 0 ? 30_000 : 4 * CELL_MS);
        if (random.below(300) === 0) ms += random.below(3 * WINDOW_MS);
        const units = 1 + random.below(60);
        if (spend(one, ms, units, 1000)) went.push([ms, units]);
        else refused++;
      }
      for (const [end] of went) {
        const within = went.filter(([at]) => at > end - WINDOW_MS && at <= end);
        const sum = within.reduce((all, [, units]) => all + units, 0);
        expect(sum).toBeLessThanOrEqual(1000);
      }
      expect(refused).toBeGreaterThan(10);
    }
  });

  it('is free again a sixtieth after its length, and not before', () => {
    const one = accounts();
    expect(spend(one, CELL_MS / 2, 1000, 1000)).toBe(true);
    expect(spend(one, WINDOW_MS + CELL_MS / 2, 1, 1000)).toBe(false);
    expect(spend(one, WINDOW_MS + CELL_MS, 1000, 1000)).toBe(true);
  });

  it('takes a time before its newest cell as that cell: a clock set back frees nothing', () => {
    const one = accounts();
    expect(spend(one, 5 * WINDOW_MS, 900, 1000)).toBe(true);
    expect(spend(one, 1, 101, 1000)).toBe(false);
    expect(spend(one, 1, 100, 1000)).toBe(true);
    expect(spend(one, 5 * WINDOW_MS + CELL_MS, 1, 1000)).toBe(false);
  });

  it('says in how many cells there is room', () => {
    const one = accounts();
    spend(one, 0, 600, 1000);
    spend(one, 10 * CELL_MS, 300, 1000);
    const until = (room: number): number => one.cellsUntil(1, DOUBLE_OUT, DOUBLE_OUT_CELLS, room);
    expect(until(900)).toBe(0);
    expect(until(899)).toBe(CELLS_PER_WINDOW + 1 - 10);
    expect(until(299)).toBe(CELLS_PER_WINDOW + 1);
    expect(until(-1)).toBe(CELLS_PER_WINDOW + 1);
    for (const cells of [until(899)]) {
      expect(spend(one, (10 + cells - 1) * CELL_MS, 101, 1000)).toBe(false);
      expect(spend(one, (10 + cells) * CELL_MS, 101, 1000)).toBe(true);
    }
  });
});

describe('a row', () => {
  it('is not to be had while another thread writes it; the others are', () => {
    const memory = { words: new Int32Array(2 * ROW_WORDS), startMs: 0 };
    const [first, second] = [new Accounts(memory, 1), new Accounts(memory, 2)];
    expect(first.lock(1)).toBe(true);
    expect(second.lock(1)).toBe(false);
    expect(second.lock(0)).toBe(true);
    first.unlock(1);
    expect(second.lock(1)).toBe(true);
  });

  it('is freed of a thread that died, and of no other', () => {
    const memory = { words: new Int32Array(2 * ROW_WORDS), startMs: 0 };
    const [first, second] = [new Accounts(memory, 1), new Accounts(memory, 2)];
    first.lock(0);
    second.lock(1);
    freeAccountLocks(memory, 1);
    expect(second.lock(0)).toBe(true);
    expect(first.lock(1)).toBe(false);
  });

  it('remembers the last 256 names, and which they are', () => {
    const rows = new AccountRows(new Int32Array(2 * ROW_WORDS));
    const random = new Random(5);
    const hashes = Array.from({ length: 1000 }, () => [random.next() | 0, random.next() | 0]);
    for (const [i, [low = 0, high = 0]] of hashes.entries()) {
      expect(holdsHash(rows, ROW_WORDS, KNOWN, low, high)).toBe(false);
      addHash(rows, ROW_WORDS, KNOWN, low, high);
      const oldest = hashes[i - KNOWN_MAX];
      if (oldest === undefined) continue;
      expect(holdsHash(rows, ROW_WORDS, KNOWN, oldest[0] ?? 0, oldest[1] ?? 0)).toBe(false);
    }
    const known = hashes.map(([low = 0, high = 0]) => holdsHash(rows, ROW_WORDS, KNOWN, low, high));
    expect(known).toEqual(hashes.map((_, i) => i >= hashes.length - KNOWN_MAX));
  });
});

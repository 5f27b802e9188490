/** Keyed rows that threads share: who finds, who gives way, who waits. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COUNT_CONTENDED,
  COUNT_EVICTED,
  createRows,
  FADE_SECONDS,
  freeLocks,
  NONE,
  ROW_FIRST,
  ROW_SECONDS,
  ROW_WORTH,
  Rows,
} from '../../src/detect/rows.ts';

const ROW_WORDS = 8;
/** Room for one bucket only. */
const ONE_BUCKET = 1;

/** Leaves a row of that worth. */
function put(rows: Rows, key: number, worth: number, seconds: number): void {
  const row = rows.lock(key, key, seconds);
  rows.floats[row + ROW_WORTH] = worth;
  rows.words[row + ROW_FIRST] = key;
  rows.unlock();
}

function has(rows: Rows, key: number): boolean {
  const row = rows.lockKnown(key, key);
  if (row !== NONE) rows.unlock();
  return row !== NONE;
}

describe('rows', () => {
  it('are found again by their key, and only by it', () => {
    const rows = new Rows(createRows(1 << 16, ROW_WORDS), 1);
    put(rows, 5, 1, 100);
    expect(has(rows, 5)).toBe(true);
    expect(has(rows, 6)).toBe(false);
    expect(rows.words[rows.lock(5, 5, 100) + ROW_FIRST]).toBe(5);
  });

  it('are zero when they are made, also where another gave way', () => {
    const rows = new Rows(createRows(ONE_BUCKET, ROW_WORDS), 1);
    for (let key = 1; key <= 7; key++) put(rows, key, 1, 100);
    const row = rows.lock(9, 9, 200);
    expect([...rows.words.subarray(row + ROW_WORTH, row + ROW_WORDS)]).toEqual([
      0, 200, 0, 0, 0, 0,
    ]);
  });

  it('the least worth gives way, whatever its age, and is counted', () => {
    const memory = createRows(ONE_BUCKET, ROW_WORDS);
    const rows = new Rows(memory, 1);
    for (let key = 1; key <= 7; key++) put(rows, key, key === 4 ? 1 : 10, 100 + key);
    put(rows, 8, 10, 200);
    expect([1, 2, 3, 4, 5, 6, 7, 8].filter((key) => has(rows, key))).toEqual([1, 2, 3, 5, 6, 7, 8]);
    expect(memory.counts[COUNT_EVICTED]).toBe(1);
  });

  it('worth that has faded gives way to less worth of today', () => {
    const rows = new Rows(createRows(ONE_BUCKET, ROW_WORDS), 1);
    const now = 100 + FADE_SECONDS * 3;
    put(rows, 1, 20, 100); // a twentieth of it is left
    for (let key = 2; key <= 7; key++) put(rows, key, 5, now);
    put(rows, 8, 5, now);
    expect(has(rows, 1)).toBe(false);
  });

  it('whoever makes rows of less worth never pushes out one of more', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 1 << 30 }), { maxLength: 200 }), (keys) => {
        const rows = new Rows(createRows(ONE_BUCKET, ROW_WORDS), 1);
        put(rows, 1, 100, 100);
        for (const key of keys) put(rows, key, 99, 100);
        expect(has(rows, 1)).toBe(true);
      }),
    );
  });

  it('fade by a clock that goes on, and not by one that is set back', () => {
    const rows = new Rows(createRows(ONE_BUCKET, ROW_WORDS), 1);
    put(rows, 1, 100, 1000);
    const row = rows.lock(1, 1, 1000);
    rows.fade(row, 1000 + FADE_SECONDS);
    expect(rows.floats[row + ROW_WORTH]).toBeCloseTo(100 / Math.E, 3);
    rows.fade(row, 500);
    expect(rows.floats[row + ROW_WORTH]).toBeCloseTo(100 / Math.E, 3);
    expect(rows.words[row + ROW_SECONDS]).toBe(500);
  });

  it('a lock that another holds is not had, and counted; nobody waits for ever', () => {
    const memory = createRows(ONE_BUCKET, ROW_WORDS);
    const holder = new Rows(memory, 1);
    const other = new Rows(memory, 2);
    holder.lock(1, 1, 100);
    expect(other.lock(1, 1, 100)).toBe(NONE);
    expect(other.lockKnown(1, 1)).toBe(NONE);
    expect(memory.counts[COUNT_CONTENDED]).toBe(2);
    holder.unlock();
    expect(other.lock(1, 1, 100)).not.toBe(NONE);
  });

  it('the locks of a thread that died are freed, those of others are not', () => {
    const memory = createRows(ONE_BUCKET, ROW_WORDS);
    const rows = new Rows(memory, 1);
    new Rows(memory, 2).lock(1, 1, 100);
    freeLocks(memory, 3);
    expect(rows.lock(1, 1, 100)).toBe(NONE);
    freeLocks(memory, 2);
    expect(rows.lock(1, 1, 100)).not.toBe(NONE);
  });
});

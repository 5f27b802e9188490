/** What the recorder does behind itself while nothing else is to do: each table of it, and to its end. */

import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { RUN_SHIFT } from '../../src/history/domain-schema.ts';
import { fixture, tableRows } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIDNIGHT = NOON - 12 * HOUR;

/** A history of five days, with numbers as far apart as after as many million pairs. */
function fiveDays(): string {
  const test = fixture();
  for (const day of [0, 1, 2, 3, 4]) {
    test.put([{ name: `d${day}.test`, allowed: 1, firstMs: MIDNIGHT + day * DAY }]);
    test.recording.flush();
  }
  test.recording.close();
  const db = new Database(test.path);
  for (const id of [5, 4, 3, 2, 1]) {
    const apart = id * 2 ** RUN_SHIFT;
    db.prepare('UPDATE pair SET id = ? WHERE id = ?').run(apart, id);
    db.prepare('UPDATE heard SET id = ? WHERE id = ?').run(apart, id);
  }
  db.close();
  return test.path;
}

it.each([
  { what: 'debuts of all but the last stretch', sql: 'SELECT count(*) AS n FROM debut', n: 4 },
  {
    what: 'runs that are whole',
    sql: 'SELECT count(*) AS n FROM domain_run WHERE cursor IS NULL',
    n: 5,
  },
  { what: 'a row for each day of a workload', sql: 'SELECT count(*) AS n FROM workload_day', n: 4 },
  { what: 'a sum for each day', sql: 'SELECT count(*) AS n FROM busy_day', n: 4 },
])('makes $what', ({ sql, n }) => {
  const path = fiveDays();
  const test = fixture({ path, nowMs: MIDNIGHT + 4 * DAY + HOUR });
  for (let i = 0; i < 200; i++) test.recording.maintain();
  expect(tableRows(path, sql)).toEqual([{ n }]);
});

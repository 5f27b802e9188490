/**
 * Makes a small history look like a large one: its pairs have numbers so far apart that there are
 * runs that are whole, and pairs in none; and what is done behind the writer is done.
 */

import Database from 'better-sqlite3';
import { BLOCK_SHIFT } from '../../../src/history/block-schema.ts';
import { BusyDays } from '../../../src/history/busy-days.ts';
import { DaySettling } from '../../../src/history/day-settling.ts';
import { Debuts } from '../../../src/history/debuts.ts';
import { packIds, unpackIds } from '../../../src/history/packed-ids.ts';
import { Settling } from '../../../src/history/settling.ts';
import { WorkloadDays } from '../../../src/history/workload-days.ts';

export interface Spread {
  /** Numbers from one pair to the next. */
  readonly apart: number;
  /** Days that are over then are settled. */
  readonly nowMs: number;
}

export function spread(path: string, { apart, nowMs }: Spread): void {
  const db = new Database(path);
  try {
    renumber(db, apart);
    const settling = new Settling(db);
    while (settling.step());
    const debuts = new Debuts(db);
    while (debuts.step());
    const busyDays = new BusyDays(db);
    while (busyDays.step());
    const days = new DaySettling(db, new WorkloadDays(db));
    while (days.step(nowMs));
  } finally {
    db.close();
  }
}

function renumber(db: Database.Database, apart: number): void {
  db.function('apart', (ids) => {
    return ids instanceof Buffer ? packIds(unpackIds(ids).map((id) => id * apart)) : null;
  });
  const ids = db.prepare<[], number>('SELECT id FROM pair ORDER BY id DESC').pluck().all();
  for (const id of ids) {
    const to = { id, to: id * apart };
    db.prepare('UPDATE pair SET id = @to WHERE id = @id').run(to);
    db.prepare('UPDATE name SET pair_id = @to WHERE pair_id = @id').run(to);
  }
  db.exec(`
UPDATE heard SET id = id * ${apart}, more = apart(more);
UPDATE woken SET ids = apart(ids);
DELETE FROM block;
INSERT INTO block SELECT id >> ${BLOCK_SHIFT}, min(first_ms) FROM pair GROUP BY 1;`);
}

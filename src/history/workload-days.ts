/**
 * Workload days: which pairs were asked for on which day, as the writer notes it: lists for each
 * workload and day of the pairs that `heard` does not tell of. A day that is over has a row instead
 * (day-settling.ts); one that something comes late for is opened again.
 *
 * Costs a pair something on the first query of a day only. All in transactions of the writer.
 */

import type Database from 'better-sqlite3';
import { unpackCounts } from './packed-counts.ts';
import { packIds } from './packed-ids.ts';

/** Days of one workload, more than a million years of them. */
const DAYS = 2 ** 28;

type Key = [workloadId: number, day: number];

export class WorkloadDays {
  /** How often something came for a day that has a row, or that one is being made for. */
  lateChanges = 0;
  /** Days up to this one may have rows. */
  #settledTo: number;
  readonly #read: Database.Statement<Key, Buffer>;
  readonly #remove: Database.Statement<Key>;
  readonly #add: Database.Statement<[...Key, Buffer]>;
  /** Pairs by workload and day: what waits for the end of the transaction. */
  readonly #woken = new Map<number, number[]>();

  constructor(db: Database.Database) {
    const last = db.prepare<[], number | null>('SELECT max(day) FROM workload_day').pluck();
    this.#settledTo = last.get() ?? -1;
    this.#read = db.prepare<Key, Buffer>(`
SELECT counts FROM workload_day WHERE workload_id = ? AND day = ?`);
    this.#read.pluck();
    this.#remove = db.prepare('DELETE FROM workload_day WHERE workload_id = ? AND day = ?');
    // A list is the same where a pair is woken, lost by a clock that went back, and woken again.
    this.#add = db.prepare('INSERT OR IGNORE INTO woken (workload_id, day, ids) VALUES (?, ?, ?)');
  }

  /** Whether `open` must be called before anything of the day changes. */
  isSettled(day: number): boolean {
    return day <= this.#settledTo;
  }

  /** Rows of that day are made from now on. */
  close(day: number): void {
    this.#settledTo = Math.max(this.#settledTo, day);
  }

  /** A pair is asked for on that day, and its row in `heard` is not of it. */
  wake(workloadId: number, day: number, id: number): void {
    const key = workloadId * DAYS + day;
    const ids = this.#woken.get(key);
    if (ids === undefined) this.#woken.set(key, [id]);
    else ids.push(id);
  }

  /** Makes a list again of a day that has a row. */
  open(workloadId: number, day: number): void {
    this.lateChanges += 1;
    const counts = this.#read.get(workloadId, day);
    if (counts === undefined) return;
    this.#remove.run(workloadId, day);
    unpackCounts(counts, { add: (id) => this.wake(workloadId, day, id) });
  }

  /** Writes what waits, and forgets it. */
  store(): void {
    for (const [key, ids] of this.#woken) {
      this.#add.run(Math.floor(key / DAYS), key % DAYS, packIds(ids));
    }
    this.forget();
  }

  forget(): void {
    this.#woken.clear();
  }
}

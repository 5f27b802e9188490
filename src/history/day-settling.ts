/**
 * Day settling: gives each workload a row of what it asked for on a day that is over, a few hundred
 * pairs at a time, so that the recorder never stands still for it. A start begins the day anew that
 * the last one was at.
 */

import type Database from 'better-sqlite3';
import { dayOf } from './days.ts';
import { CountsPacker } from './packed-counts.ts';
import { addPairs, pairsOnDays } from './queries-days.ts';
import type { WorkloadDays } from './workload-days.ts';

/** Pairs that one step reads: 1 to 3 ms here. */
const STEP_PAIRS = 500;
/** Workloads that one step looks at where none of them has anything to settle. */
const STEP_WORKLOADS = 200;
/** How long after its end a day is over: what waits to be written is written by then. */
const GRACE_MS = 600_000;
/** Days that are kept: a quarter. */
const DAYS_KEPT = 92;
const DAY_MS = 86_400_000;

/** The first day of which something is kept, the last that has a row, the first that has a list. */
const BOUNDS = `
SELECT (SELECT day FROM days_from), (SELECT max(day) FROM workload_day WHERE day <= @over),
  (SELECT min(day) FROM woken), (SELECT min(first_ms) FROM workload)`;

type Bounds = readonly (number | null)[];

/** A day of a workload while its row is made. */
interface Part {
  readonly workloadId: number;
  readonly day: number;
  /** In order. */
  readonly ids: readonly number[];
  readonly packer: CountsPacker;
  at: number;
}

export class DaySettling {
  readonly #db: Database.Database;
  readonly #days: WorkloadDays;
  readonly #bounds: Database.Statement<[Record<string, number>], Bounds>;
  readonly #nextWorkload: Database.Statement<[number], number>;
  readonly #isSettled: Database.Statement<[number, number], number>;
  readonly #end: Database.Transaction<(part: Part) => void>;
  readonly #remove: Database.Transaction<(workloadId: number, day: number) => void>;
  readonly #raise: Database.Statement<[number, number]>;
  /** What is looked at next; -1: nothing was yet. */
  #day = -1;
  #workloadId = 0;
  #part: Part | null = null;
  #lateChanges = 0;

  constructor(db: Database.Database, days: WorkloadDays) {
    this.#db = db;
    this.#days = days;
    this.#bounds = db.prepare<[Record<string, number>], Bounds>(BOUNDS).raw();
    const next = 'SELECT id FROM workload WHERE id > ? ORDER BY id LIMIT 1';
    this.#nextWorkload = db.prepare<[number], number>(next).pluck();
    const isSettled = 'SELECT 1 FROM workload_day WHERE workload_id = ? AND day = ?';
    this.#isSettled = db.prepare<[number, number], number>(isSettled).pluck();
    const add = db.prepare('INSERT INTO workload_day VALUES (?, ?, ?)');
    const forget = db.prepare('DELETE FROM woken WHERE workload_id = ? AND day = ?');
    this.#end = db.transaction(({ workloadId, day, packer }) => {
      add.run(workloadId, day, packer.packed());
      forget.run(workloadId, day);
    });
    const tables = ['workload_day', 'woken'].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE workload_id = ? AND day < ?`),
    );
    this.#remove = db.transaction((workloadId, day) => {
      for (const each of tables) each.run(workloadId, day);
    });
    this.#raise = db.prepare('UPDATE days_from SET day = ? WHERE day < ?');
  }

  /**
   * One short step.
   *
   * @returns whether there may be more to do
   * @throws SqliteError, and the step may be tried again
   */
  step(nowMs: number): boolean {
    const over = dayOf(nowMs - GRACE_MS) - 1;
    if (this.#day < 0 || this.#days.lateChanges !== this.#lateChanges) this.#begin(over);
    if (this.#part === null) return this.#look(over);
    this.#advance(this.#part);
    return true;
  }

  /** From the first day that may lack something: they are taken in order. */
  #begin(over: number): void {
    this.#lateChanges = this.#days.lateChanges;
    this.#part = null;
    this.#workloadId = 0;
    const [from = 0, last, woken, firstMs] = this.#bounds.get({ over }) ?? [];
    const first = last ?? dayOf(firstMs ?? over * DAY_MS);
    const begin = Math.min(first, woken ?? first);
    this.#day = Math.max(0, from ?? 0, begin, over - DAYS_KEPT + 1);
  }

  #look(over: number): boolean {
    for (let looked = 0; looked < STEP_WORKLOADS; looked++) {
      if (this.#day > over) return false;
      const workloadId = this.#nextWorkload.get(this.#workloadId);
      if (workloadId === undefined) {
        this.#day += 1;
        this.#workloadId = 0;
        continue;
      }
      this.#workloadId = workloadId;
      if (this.#day === over) this.#removeOld(workloadId, over - DAYS_KEPT + 1);
      this.#part = this.#partOf(workloadId, this.#day);
      if (this.#part !== null) return true;
    }
    return true;
  }

  #removeOld(workloadId: number, from: number): void {
    this.#raise.run(from, from);
    this.#remove.immediate(workloadId, from);
  }

  #partOf(workloadId: number, day: number): Part | null {
    if (this.#isSettled.get(workloadId, day) !== undefined) return null;
    this.#days.close(day);
    const ids = pairsOnDays(this.#db, workloadId, [day]);
    if (ids.length === 0) return null;
    return { workloadId, day, ids, packer: new CountsPacker(), at: 0 };
  }

  #advance(part: Part): void {
    const { ids, day, packer } = part;
    const some = ids.slice(part.at, part.at + STEP_PAIRS);
    addPairs(packer, this.#db, some, (each) => each === day);
    packer.endPart();
    part.at += STEP_PAIRS;
    if (part.at < ids.length) return;
    this.#end.immediate(part);
    this.#part = null;
  }
}

/**
 * Hours of `busy` as rows. The hour that runs is written every few seconds, so that a kill costs
 * the counts since then; the counts of pairs lose nothing by it.
 */

import type Database from 'better-sqlite3';
import { Busy, type BusyEntry } from './busy.ts';
import { HOURS_OF_DAY } from './busy-days.ts';
import type { PairGather } from './gather.ts';

export const HOUR_MS = 3_600_000;
/** Hours that are kept: 31 days, of at most 20 kB each where there are 100 workloads. */
const HOURS_KEPT = 31 * 24;
/** Between two writes of the hour that runs. */
const WRITE_MS = 5_000;

const WRITE = `
INSERT OR REPLACE INTO busy (hour, workloads, domains, missed) VALUES (?, ?, ?, ?)`;
const READ = 'SELECT workloads, domains FROM busy WHERE hour = ?';
// A clock that is a year ahead for a moment must not remove what is not old.
const REMOVE = `
DELETE FROM busy WHERE hour IN
  (SELECT hour FROM busy ORDER BY hour DESC LIMIT -1 OFFSET ${HOURS_KEPT - 1})`;
// The hour is not among what the sum of its day was made of, or no more than a part of the day is.
const FORGET_DAY = 'DELETE FROM busy_day WHERE day = ?';
const REMOVE_DAYS = `
DELETE FROM busy_day WHERE day * ${HOURS_OF_DAY} < (SELECT min(hour) FROM busy)`;

export class BusyRows {
  readonly #write: Database.Statement<[number, string, string, number]>;
  readonly #read: Database.Statement<[number], [string, string]>;
  readonly #remove: Database.Statement<[]>;
  readonly #forgetDay: Database.Statement<[number]>;
  readonly #removeDays: Database.Statement<[]>;
  readonly #busy = new Busy();
  /** The hour that `#busy` is about; -1 for none. */
  #hour = -1;
  #isChanged = false;
  #nextMs = 0;

  constructor(db: Database.Database) {
    this.#write = db.prepare(WRITE);
    this.#read = db.prepare<[number], [string, string]>(READ).raw();
    this.#remove = db.prepare(REMOVE);
    this.#forgetDay = db.prepare(FORGET_DAY);
    this.#removeDays = db.prepare(REMOVE_DAYS);
  }

  /** Part of the transaction that stores the pairs. @throws SqliteError */
  add(pairs: readonly PairGather[]): void {
    let lastMs = 0;
    for (const pair of pairs) if (pair.lastMs > lastMs) lastMs = pair.lastMs;
    if (lastMs === 0) return;
    this.#begin(Math.floor(lastMs / HOUR_MS));
    this.#busy.add(pairs);
    this.#isChanged = true;
    this.writeDue();
  }

  /** Writes what has waited long enough. @throws SqliteError */
  writeDue(): void {
    if (performance.now() >= this.#nextMs) this.write();
  }

  /** Writes what waits. @throws SqliteError */
  write(): void {
    if (!this.#isChanged) return;
    const { workloads, domains, missed } = this.#busy.hour();
    this.#forgetDay.run(Math.floor(this.#hour / HOURS_OF_DAY));
    this.#write.run(this.#hour, JSON.stringify(workloads), JSON.stringify(domains), missed);
    this.#isChanged = false;
    this.#nextMs = performance.now() + WRITE_MS;
  }

  /** A transaction was undone: what is counted is what the rows say. */
  forget(): void {
    this.#hour = -1;
    this.#isChanged = false;
  }

  /** What comes late counts for the hour that it comes in. */
  #begin(hour: number): void {
    if (hour === this.#hour) return;
    this.write();
    const found = this.#read.get(hour);
    const [workloads, domains] = (found ?? []).map((text) => JSON.parse(text) as BusyEntry[]);
    this.#busy.load({ workloads: workloads ?? [], domains: domains ?? [] });
    this.#hour = hour;
    this.#remove.run();
    this.#removeDays.run();
  }
}

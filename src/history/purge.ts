/**
 * Purge of old name detail in short steps, so that the recorder never stands still for it.
 *
 * Walks the detail in key order, a few hundred rows a step, and begins anew an hour after it came
 * to the end. The pairs themselves, and with them first-seen, are never purged.
 */

import type Database from 'better-sqlite3';

/** Rows looked at in one step: 1 to 3 ms here. */
const STEP_ROWS = 500;

/** Pause between two walks, ms. */
const PAUSE_MS = 3_600_000;

interface NameKey {
  readonly workloadId: number;
  readonly domainId: number;
  readonly nameRev: string;
}

const START: NameKey = { workloadId: 0, domainId: 0, nameRev: '' };

const NEXT = `
SELECT workload_id AS workloadId, domain_id AS domainId, name_rev AS nameRev, last_ms AS lastMs
FROM name WHERE (workload_id, domain_id, name_rev) > (@workloadId, @domainId, @nameRev)
ORDER BY workload_id, domain_id, name_rev LIMIT ${STEP_ROWS}`;

const DELETE = `
DELETE FROM name
WHERE workload_id = @workloadId AND domain_id = @domainId AND name_rev = @nameRev`;

const UNCOUNT = `
UPDATE pair SET names = names - 1 WHERE workload_id = @workloadId AND domain_id = @domainId`;

export class Purge {
  readonly #retentionMs: number;
  readonly #next: Database.Statement<[NameKey], NameKey & { readonly lastMs: number }>;
  readonly #remove: Database.Transaction<(keys: readonly NameKey[]) => void>;
  #cursor: NameKey = START;
  #notBeforeMs = 0;

  constructor(db: Database.Database, retentionMs: number) {
    this.#retentionMs = retentionMs;
    this.#next = db.prepare(NEXT);
    const remove = db.prepare<[NameKey]>(DELETE);
    const uncount = db.prepare<[NameKey]>(UNCOUNT);
    this.#remove = db.transaction((keys) => {
      for (const key of keys) {
        remove.run(key);
        uncount.run(key);
      }
    });
  }

  /** @throws SqliteError, and the step may be tried again */
  step(nowMs: number): void {
    if (nowMs < this.#notBeforeMs) return;
    const rows = this.#next.all(this.#cursor);
    const old = rows.filter((row) => row.lastMs < nowMs - this.#retentionMs);
    if (old.length > 0) this.#remove.immediate(old);
    this.#cursor = rows.at(-1) ?? START;
    if (rows.length < STEP_ROWS) {
      this.#cursor = START;
      this.#notBeforeMs = nowMs + PAUSE_MS;
    }
  }
}

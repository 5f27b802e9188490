/**
 * Purge of old name detail and findings in short steps, so that the recorder never stands still for
 * it.
 *
 * Walks the detail in the order it came, a few hundred rows a step, and begins anew an hour after
 * it came to the end. The pairs themselves, and with them first-seen, are never purged.
 */

import type Database from 'better-sqlite3';

/** Rows looked at in one step: 1 to 3 ms here. */
const STEP_ROWS = 500;

/** Rows removed in one step: each may dirty a page of its own and one of its pair. */
const STEP_REMOVES = 100;

/**
 * Pages in the log from which a step that removed something brings them to the file. Without it the
 * log fills to its 8,000 pages, and the step or commit that fills it copies them all at once.
 */
const LOG_PAGES = 150;

/** Pause between two walks, ms. */
const PAUSE_MS = 3_600_000;

interface Row {
  readonly id: number;
  readonly pairId: number;
  readonly lastMs: number;
}

/** Pages in the log, and those of them that the file has already. */
interface Log {
  readonly log: number;
  readonly checkpointed: number;
}

const NEXT = `
SELECT id, pair_id AS pairId, last_ms AS lastMs FROM name WHERE id > ? ORDER BY id
LIMIT ${STEP_ROWS}`;

const DELETE = 'DELETE FROM name WHERE id = ?';

const UNCOUNT = 'UPDATE pair SET names = names - 1 WHERE id = ?';

export class Purge {
  readonly #retentionMs: number;
  readonly #purgeMore: (nowMs: number) => boolean;
  readonly #db: Database.Database;
  readonly #next: Database.Statement<[number], Row>;
  readonly #remove: Database.Transaction<(rows: readonly Row[]) => void>;
  /** Number of the last row looked at. */
  #cursor = 0;
  #notBeforeMs = 0;

  /** @param purgeMore removes some of what else is old, and says whether there may be more */
  constructor(db: Database.Database, retentionMs: number, purgeMore: (nowMs: number) => boolean) {
    this.#db = db;
    this.#retentionMs = retentionMs;
    this.#purgeMore = purgeMore;
    this.#next = db.prepare(NEXT);
    const remove = db.prepare<[number]>(DELETE);
    const uncount = db.prepare<[number]>(UNCOUNT);
    this.#remove = db.transaction((rows) => {
      for (const { id, pairId } of rows) {
        remove.run(id);
        uncount.run(pairId);
      }
    });
  }

  /**
   * @returns whether any detail was removed
   * @throws SqliteError, and the step may be tried again
   */
  step(nowMs: number): boolean {
    const leftMs = this.#notBeforeMs - nowMs;
    // More than a whole pause is a clock that was set back.
    if (leftMs > 0 && leftMs <= PAUSE_MS) return false;
    const isMore = this.#purgeMore(nowMs);
    const rows = this.#next.all(this.#cursor);
    const old = rows.filter((row) => row.lastMs < nowMs - this.#retentionMs).slice(0, STEP_REMOVES);
    if (old.length > 0) {
      this.#remove.immediate(old);
      this.#shortenLog();
    }
    const isCut = old.length === STEP_REMOVES;
    this.#cursor = (isCut ? old : rows).at(-1)?.id ?? 0;
    if (rows.length < STEP_ROWS && !isCut) {
      this.#cursor = 0;
      if (!isMore) this.#notBeforeMs = nowMs + PAUSE_MS;
    }
    return old.length > 0;
  }

  #shortenLog(): void {
    const [{ log, checkpointed }] = this.#db.pragma('wal_checkpoint(NOOP)') as [Log];
    if (log - checkpointed >= LOG_PAGES) this.#db.pragma('wal_checkpoint(PASSIVE)');
  }
}

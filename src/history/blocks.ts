/**
 * Blocks: of every 4,096 pairs by number the oldest first sight (block-schema.ts says what for).
 * The writer notes it with each pair that is new or moves back, readers ask how old pairs may be.
 */

import type Database from 'better-sqlite3';
import { BLOCK_SHIFT } from './block-schema.ts';

/** Later than any pair. */
const NEVER = Number.MAX_SAFE_INTEGER;

export function blockOf(id: number): number {
  return Math.floor(id / 2 ** BLOCK_SHIFT);
}

/** What one transaction of the writer brings. */
export class BlockRows {
  readonly #write: Database.Statement<[number, number]>;
  /** Least `first_ms` by block. */
  readonly #oldest = new Map<number, number>();

  constructor(db: Database.Database) {
    this.#write = db.prepare(`
INSERT INTO block VALUES (?, ?)
ON CONFLICT (number) DO UPDATE SET oldest_ms = min(oldest_ms, excluded.oldest_ms)`);
  }

  note(id: number, firstMs: number): void {
    const block = blockOf(id);
    this.#oldest.set(block, Math.min(firstMs, this.#oldest.get(block) ?? NEVER));
  }

  /** Writes what was noted, and forgets it. */
  store(): void {
    for (const [block, oldestMs] of this.#oldest) this.#write.run(block, oldestMs);
    this.forget();
  }

  forget(): void {
    this.#oldest.clear();
  }
}

/**
 * How old pairs are at most, by number; as they are when it is made. Pairs of a block that nothing
 * is known of may be as old as any: they are read, and what is told is right.
 */
export class BlockAges {
  readonly #oldest: number[] = [];
  /** Of each block and all that follow. */
  readonly #oldestFrom: number[] = [];

  constructor(db: Database.Database) {
    const rows = db.prepare<[], [number, number]>('SELECT number, oldest_ms FROM block').raw();
    for (const [block, oldestMs] of rows.all()) {
      while (this.#oldest.length < block) this.#oldest.push(0);
      this.#oldest.push(oldestMs);
    }
    let oldestMs = NEVER;
    for (let block = this.#oldest.length - 1; block >= 0; block--) {
      oldestMs = Math.min(oldestMs, this.oldestOf(block));
      this.#oldestFrom[block] = oldestMs;
    }
  }

  /** No pair of that block was first seen before. */
  oldestOf(block: number): number {
    return this.#oldest[block] ?? 0;
  }

  /** No pair of that block, nor of one that follows, was first seen before. */
  oldestFrom(block: number): number {
    return this.#oldestFrom[block] ?? 0;
  }
}

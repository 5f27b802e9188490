/**
 * Numbers: who gives rows of `pair` and `name` their numbers, and knows by filters which stretches
 * of them may hold a key. Does not read or write the rows themselves.
 */

import type Database from 'better-sqlite3';
import { FILTER_SHIFT, Filters } from './filters.ts';

export const KIND_PAIRS = 0;
export const KIND_NAMES = 1;

/** Number, owner and name of the rows of a stretch. */
const KEYS = [
  'SELECT id, workload_id, name_rev FROM pair WHERE id >= ? AND id < ?',
  'SELECT id, pair_id, name_rev FROM name WHERE id >= ? AND id < ?',
];
const LAST = ['SELECT max(id) FROM pair', 'SELECT max(id) FROM name'];

export class Numbers {
  readonly #kind: number;
  readonly #filters: Filters;
  readonly #keep: Database.Statement<[number, number, Uint8Array]>;
  #next = 1;

  /** Reads the filters that are stored and makes those that are not. */
  constructor(db: Database.Database, kind: number) {
    this.#kind = kind;
    const key = db.prepare<[], { k0: number; k1: number }>('SELECT k0, k1 FROM filter_key').get();
    this.#filters = new Filters(key ?? { k0: 0, k1: 0 });
    this.#keep = db.prepare('INSERT OR REPLACE INTO filter (kind, part, words) VALUES (?, ?, ?)');
    this.#load(db);
  }

  #load(db: Database.Database): void {
    const stored = db
      .prepare<[number, number], Buffer>('SELECT words FROM filter WHERE kind = ? AND part = ?')
      .pluck();
    this.#next = this.#after(db);
    const current = this.#partOf(this.#next);
    for (let part = 0; part <= current; part++) {
      const words = stored.get(this.#kind, part);
      if (words !== undefined) this.#filters.setPart(part, wordsOf(words));
      else if (this.#readKeys(db, part) && part < current) this.#store(part);
    }
    this.#filters.close(current);
  }

  /** The number after the last one that was given. */
  #after(db: Database.Database): number {
    const last = db.prepare<[], number | null>(LAST[this.#kind] ?? '').pluck();
    const ended = db
      .prepare<[number], number | null>('SELECT max(part) FROM filter WHERE kind = ?')
      .pluck();
    // Numbers of a stretch whose filter is stored are never given again.
    const after = ((ended.get(this.#kind) ?? -1) + 1) * 2 ** FILTER_SHIFT;
    return Math.max(1, (last.get() ?? 0) + 1, after);
  }

  /** Fills a filter from the rows; false where there are none. */
  #readKeys(db: Database.Database, part: number): boolean {
    const from = part * 2 ** FILTER_SHIFT;
    const rows = db.prepare<[number, number], [number, number, string]>(KEYS[this.#kind] ?? '');
    let isEmpty = true;
    this.#filters.setPart(part, null);
    for (const [id, owner, name] of rows.raw().iterate(from, from + 2 ** FILTER_SHIFT)) {
      this.#filters.hash(owner, name);
      this.#filters.add(id);
      isEmpty = false;
    }
    return !isEmpty;
  }

  /**
   * The stretches that may hold a key, youngest first: the first where `before` is undefined.
   * -1: no more of them.
   */
  firstPart(owner: number, name: string): number {
    this.#filters.hash(owner, name);
    return this.#filters.before(this.#filters.length);
  }

  /** The next one after `part`, for the key of the last `firstPart`. */
  nextPart(part: number): number {
    return this.#filters.before(part);
  }

  /** A number for a new row, whose key is noted. Part of the transaction that writes the row. */
  take(owner: number, name: string): number {
    const id = this.#next;
    this.#next += 1;
    this.#filters.hash(owner, name);
    this.#filters.add(id);
    const part = this.#partOf(id);
    if (part === this.#partOf(this.#next)) return id;
    this.#store(part);
    // Not this one: where the transaction is undone, its numbers are given again.
    this.#filters.close(part);
    return id;
  }

  /** Goes on after the last row that is there: a transaction was undone. */
  rewind(db: Database.Database): void {
    try {
      this.#next = this.#after(db);
    } catch {
      // In trouble the connection is given up, or numbers are left out: both do no harm.
    }
  }

  #store(part: number): void {
    const words = this.#filters.part(part);
    if (words === null) return;
    this.#keep.run(this.#kind, part, Buffer.from(words.buffer, words.byteOffset, words.byteLength));
  }

  #partOf(id: number): number {
    return Math.floor(id / 2 ** FILTER_SHIFT);
  }
}

/** Little-endian, as every machine this runs on; aligned, which a Buffer need not be. */
function wordsOf(octets: Buffer): Uint32Array {
  const words = new Uint32Array(octets.length / 4);
  Buffer.from(words.buffer).set(octets);
  return words;
}

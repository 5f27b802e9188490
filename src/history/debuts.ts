/**
 * Debuts: finds of each domain the pair that asked for it first, a few hundred domains at a time,
 * so that the recorder never stands still for it and a start goes on where the last one ended.
 *
 * Exact: a pair that turns out to have asked earlier than was known is looked at again.
 */

import type Database from 'better-sqlite3';
import { Earlier, type Fresh, stretchOf } from './earlier.ts';
import { PAIR_SHIFT } from './migrations.ts';
import { HITS } from './queries-pairs.ts';

/** Pairs that one step takes: 2 to 5 ms here. */
const STEP_PAIRS = 256;

/** After every name that is kept. */
const END = '\u{10ffff}';

const OF_STRETCH = `pair INDEXED BY pair_by_name
WHERE (id >> ${PAIR_SHIFT}) = @stretch AND name_rev > @name_rev`;
const UP_TO = `
SELECT name_rev FROM ${OF_STRETCH} ORDER BY name_rev LIMIT 1 OFFSET ${STEP_PAIRS - 1}`;
const FIRST_OF_STRETCH = `
SELECT id, name_rev, first_ms FROM (
  SELECT id, name_rev, first_ms,
    row_number() OVER (PARTITION BY name_rev ORDER BY first_ms, id) AS place
  FROM ${OF_STRETCH} AND name_rev <= @upTo)
WHERE place = 1`;
const FORGET = `
DELETE FROM debut WHERE (first_ms, id) IN (
  ${HITS} SELECT p.first_ms, p.id FROM hit CROSS JOIN pair p ON p.id = hit.id)`;
const REMEMBER = 'INSERT OR IGNORE INTO debut (id, first_ms) VALUES (?, ?)';
const EARLIEST = `${HITS}
SELECT p.id, p.name_rev, p.first_ms FROM hit CROSS JOIN pair p ON p.id = hit.id
ORDER BY p.first_ms, p.id LIMIT 1`;

interface DebutCursor {
  readonly stretch: number;
  readonly name_rev: string;
}

type Values = Readonly<Record<string, number | string>>;

/** The stretch that is looked at; those before it are done. */
export function debutStretch(db: Database.Database): number {
  return db.prepare<[], number>('SELECT stretch FROM debut_cursor').pluck().get() ?? 0;
}

export class Debuts {
  readonly #cursor: Database.Statement<[], DebutCursor>;
  readonly #last: Database.Statement<[], number | null>;
  readonly #upTo: Database.Statement<[Values], string>;
  readonly #firstOfStretch: Database.Statement<[Values], Fresh>;
  readonly #forget: Database.Statement<[Values]>;
  readonly #remember: Database.Statement<[number, number]>;
  readonly #earliest: Database.Statement<[Values], Fresh>;
  readonly #note: Database.Statement<[number, string]>;
  readonly #earlier: Earlier;
  readonly #transaction: Database.Transaction<(cursor: DebutCursor) => void>;

  constructor(db: Database.Database) {
    this.#cursor = db.prepare('SELECT stretch, name_rev FROM debut_cursor');
    this.#last = db.prepare<[], number | null>('SELECT max(id) FROM pair').pluck();
    this.#upTo = db.prepare<[Values], string>(UP_TO).pluck();
    this.#firstOfStretch = db.prepare<[Values], Fresh>(FIRST_OF_STRETCH).raw();
    this.#forget = db.prepare(FORGET);
    this.#remember = db.prepare(REMEMBER);
    this.#earliest = db.prepare<[Values], Fresh>(EARLIEST).raw();
    this.#note = db.prepare('UPDATE debut_cursor SET stretch = ?, name_rev = ?');
    this.#earlier = new Earlier(db);
    this.#transaction = db.transaction((cursor) => this.#look(cursor));
  }

  /**
   * One short step.
   *
   * @returns whether there may be more to do
   * @throws SqliteError, and the step may be tried again
   */
  step(): boolean {
    const cursor = this.#cursor.get();
    // Numbers are given in order: a stretch is complete when there is a pair beyond it.
    if (cursor === undefined || stretchOf(this.#last.get() ?? 0) <= cursor.stretch) {
      return false;
    }
    this.#transaction.immediate(cursor);
    return true;
  }

  /**
   * Runs `move`, by which a pair of the domain gets an earlier first query. In a transaction of the
   * caller.
   *
   * @param domain reversed
   */
  moved(domain: string, move: () => void): void {
    const range = { from: domain, end: `${domain}\0` };
    const isKnown = this.#forget.run(range).changes > 0;
    move();
    const earliest = isKnown ? this.#earliest.get(range) : undefined;
    if (earliest !== undefined) this.#remember.run(earliest[0], earliest[2]);
  }

  #look({ stretch, name_rev }: DebutCursor): void {
    const upTo = this.#upTo.get({ stretch, name_rev });
    const own = this.#firstOfStretch.all({ stretch, name_rev, upTo: upTo ?? END });
    this.#keep(own, stretch);
    if (upTo === undefined) this.#note.run(stretch + 1, '');
    else this.#note.run(stretch, upTo);
  }

  #keep(own: readonly Fresh[], stretch: number): void {
    const before = { from: 0, to: stretch - 1 };
    const fresh = stretch === 0 ? own : this.#earlier.unknownOf(own, before);
    for (const [id, , firstMs] of fresh) this.#remember.run(id, firstMs);
    if (fresh.length === own.length) return;
    const isFresh = new Set(fresh);
    const known = own.filter((one) => !isFresh.has(one));
    // Numbers are not quite in the order of time: one of an earlier stretch may have asked later.
    for (const [id, domain, firstMs] of this.#earlier.firstOf(known, before)) {
      this.#forget.run({ from: domain, end: `${domain}\0` });
      this.#remember.run(id, firstMs);
    }
  }
}

/**
 * Debuts: finds of each domain the pair that asked for it first, a few hundred domains at a time,
 * so that the recorder never stands still for it and a start goes on where the last one ended.
 *
 * Exact: a pair that turns out to have asked earlier than was known is looked at again.
 */

import type Database from 'better-sqlite3';
import { PAIR_SHIFT } from './migrations.ts';
import { HITS } from './queries-pairs.ts';

/** Pairs that one step takes: 1 to 3 ms here. */
const STEP_PAIRS = 256;

/** After every name that is kept. */
const END = '\u{10ffff}';

const OF_STRETCH = `pair INDEXED BY pair_by_name
WHERE (id >> ${PAIR_SHIFT}) = @stretch AND name_rev > @name_rev`;
const UP_TO = `
SELECT name_rev FROM ${OF_STRETCH} ORDER BY name_rev LIMIT 1 OFFSET ${STEP_PAIRS - 1}`;
// Numbers are not quite in the order of time: one of an earlier stretch may have asked later.
const KEEP = `
INSERT INTO debut (name_rev, first_ms, id)
SELECT name_rev, first_ms, id FROM ${OF_STRETCH} AND name_rev <= @upTo ORDER BY name_rev
ON CONFLICT (name_rev) DO UPDATE SET first_ms = excluded.first_ms, id = excluded.id
WHERE (excluded.first_ms, excluded.id) < (debut.first_ms, debut.id)`;
const EARLIEST = `
INSERT OR REPLACE INTO debut (name_rev, first_ms, id)
${HITS}
SELECT p.name_rev, p.first_ms, p.id FROM hit CROSS JOIN pair p ON p.id = hit.id
ORDER BY p.first_ms, p.id LIMIT 1`;

interface DebutCursor {
  readonly stretch: number;
  readonly name_rev: string;
}

type Values = Readonly<Record<string, number | string>>;

/** Stretches that are not done, newest first: a domain that was asked for lately is found soon. */
export const UNDONE = `
WITH RECURSIVE done (before) AS (SELECT stretch FROM debut_cursor),
stretch (number) AS (
  SELECT coalesce(max(id), 0) >> ${PAIR_SHIFT} FROM pair
  UNION ALL SELECT number - 1 FROM stretch WHERE number > (SELECT before FROM done))`;

/** The number from which pairs are in no stretch that is done. */
export function undoneFrom(db: Database.Database): number {
  const stretch = db.prepare<[], number>('SELECT stretch FROM debut_cursor').pluck().get() ?? 0;
  return stretch * 2 ** PAIR_SHIFT;
}

export class Debuts {
  readonly #cursor: Database.Statement<[], DebutCursor>;
  readonly #last: Database.Statement<[], number | null>;
  readonly #upTo: Database.Statement<[Values], string>;
  readonly #keep: Database.Statement<[Values]>;
  readonly #isKnown: Database.Statement<[string], number>;
  readonly #rememberEarliest: Database.Statement<[Values]>;
  readonly #note: Database.Statement<[number, string]>;
  readonly #transaction: Database.Transaction<(cursor: DebutCursor) => void>;

  constructor(db: Database.Database) {
    this.#cursor = db.prepare('SELECT stretch, name_rev FROM debut_cursor');
    this.#last = db.prepare<[], number | null>('SELECT max(id) FROM pair').pluck();
    this.#upTo = db.prepare<[Values], string>(UP_TO).pluck();
    this.#keep = db.prepare(KEEP);
    this.#isKnown = db.prepare<[string], number>('SELECT 1 FROM debut WHERE name_rev = ?').pluck();
    this.#rememberEarliest = db.prepare(EARLIEST);
    this.#note = db.prepare('UPDATE debut_cursor SET stretch = ?, name_rev = ?');
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
    const last = (this.#last.get() ?? 0) / 2 ** PAIR_SHIFT;
    if (cursor === undefined || last < cursor.stretch + 1) return false;
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
    move();
    if (this.#isKnown.get(domain) === undefined) return;
    this.#rememberEarliest.run({ from: domain, end: `${domain}\0` });
  }

  #look({ stretch, name_rev }: DebutCursor): void {
    const upTo = this.#upTo.get({ stretch, name_rev });
    this.#keep.run({ stretch, name_rev, upTo: upTo ?? END });
    if (upTo === undefined) this.#note.run(stretch + 1, '');
    else this.#note.run(stretch, upTo);
  }
}

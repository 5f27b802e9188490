/**
 * Settling: brings the domains of pairs that are complete by number into runs (domain-schema.ts),
 * a few hundred at a time, so that the recorder never stands still for it and a start goes on where
 * the last one ended.
 */

import type Database from 'better-sqlite3';
import { RUN_SHIFT } from './domain-schema.ts';
import { PAIR_SHIFT } from './migrations.ts';

/** Pairs of each stretch that one step takes: with 16 stretches 2 to 4 ms here. */
const STEP_PAIRS = 32;

/** After every name that is kept. */
const END = '\u{10ffff}';

const STRETCHES = `
WITH RECURSIVE stretch (number) AS (
  SELECT @run << ${RUN_SHIFT - PAIR_SHIFT} UNION ALL SELECT number + 1 FROM stretch
  WHERE number + 1 < (@run + 1) << ${RUN_SHIFT - PAIR_SHIFT})`;

// The least of the names that each stretch gets to, so that no stretch gives more than its share.
const UP_TO = `${STRETCHES}
SELECT min((SELECT name_rev FROM pair INDEXED BY pair_by_name
  WHERE (id >> ${PAIR_SHIFT}) = stretch.number AND name_rev > @cursor
  ORDER BY name_rev LIMIT 1 OFFSET ${STEP_PAIRS - 1})) FROM stretch`;

const ADD = `
INSERT INTO domain (run, name_rev, ids)
${STRETCHES}
SELECT @run, p.name_rev, json_group_array(p.id ORDER BY p.id)
FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
  ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev > @cursor AND p.name_rev <= @upTo
GROUP BY p.name_rev`;

interface Run {
  readonly number: number;
  readonly cursor: string | null;
}

type Values = Readonly<Record<string, number | string | null>>;

export class Settling {
  readonly #last: Database.Statement<[], number | null>;
  readonly #newest: Database.Statement<[], Run>;
  readonly #upTo: Database.Statement<[Values], string | null>;
  readonly #add: Database.Statement<[Values]>;
  readonly #note: Database.Statement<[Values]>;
  readonly #transaction: Database.Transaction<(run: number, cursor: string) => void>;

  constructor(db: Database.Database) {
    this.#last = db.prepare<[], number | null>('SELECT max(id) FROM pair').pluck();
    this.#newest = db.prepare('SELECT number, cursor FROM domain_run ORDER BY number DESC LIMIT 1');
    this.#upTo = db.prepare<[Values], string | null>(UP_TO).pluck();
    this.#add = db.prepare(ADD);
    this.#note = db.prepare(
      'INSERT OR REPLACE INTO domain_run (number, cursor) VALUES (@run, @upTo)',
    );
    this.#transaction = db.transaction((run, cursor) => this.#settle(run, cursor));
  }

  /**
   * One short step.
   *
   * @returns whether there may be more to do
   * @throws SqliteError, and the step may be tried again
   */
  step(): boolean {
    const newest = this.#newest.get();
    const isWhole = newest === undefined || newest.cursor === null;
    const run = isWhole ? (newest?.number ?? -1) + 1 : newest.number;
    // Numbers are given in order: a run is complete when there is a pair beyond it.
    if ((this.#last.get() ?? 0) < (run + 1) * 2 ** RUN_SHIFT) return false;
    this.#transaction.immediate(run, isWhole ? '' : (newest.cursor ?? ''));
    return true;
  }

  #settle(run: number, cursor: string): void {
    const upTo = this.#upTo.get({ run, cursor }) ?? null;
    this.#add.run({ run, cursor, upTo: upTo ?? END });
    this.#note.run({ run, upTo });
  }
}

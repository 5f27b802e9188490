/** The last commits as rows: written in the transaction that they tell of, the oldest removed. */

import type Database from 'better-sqlite3';
import type { FactsNames } from './decisions.ts';
import type { PairGather } from './gather.ts';
import { recentOf } from './recent.ts';

/** Commits that are kept: half a minute where there is one every half second; 2 MB at most. */
const KEPT = 64;

const ADD = `
INSERT INTO recent (id, total, lines)
SELECT coalesce(max(id), 0) + 1, coalesce(max(total), 0) + ?, ? FROM recent`;

const REMOVE = `DELETE FROM recent WHERE id <= (SELECT max(id) FROM recent) - ${KEPT}`;

export class RecentRows {
  readonly #names: FactsNames;
  readonly #add: Database.Statement<[number, string]>;
  readonly #remove: Database.Statement<[]>;

  constructor(db: Database.Database, names: FactsNames) {
    this.#names = names;
    this.#add = db.prepare(ADD);
    this.#remove = db.prepare(REMOVE);
  }

  /** Part of the transaction that stores the pairs. @throws SqliteError */
  write(pairs: readonly PairGather[]): void {
    const { lines, total } = recentOf(pairs, this.#names);
    if (total === 0) return;
    this.#add.run(total, JSON.stringify(lines));
    this.#remove.run();
  }
}

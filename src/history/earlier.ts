/** Which pairs are the first of their domain in the whole network. */

import type Database from 'better-sqlite3';
import { UNDONE } from './debuts.ts';
import { PAIR_SHIFT } from './migrations.ts';

/** A pair: its number, its domain, and when that was first asked for. */
export type Fresh = readonly [id: number, domain: string, firstMs: number];

// Of stretches that are done the debut tells; the others are asked, newest first.
const FIRST = `${UNDONE},
wanted (place, id, name_rev, first_ms) AS MATERIALIZED (
  SELECT key, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))
SELECT wanted.place FROM wanted WHERE NOT EXISTS (
  SELECT 1 FROM debut d WHERE d.name_rev = wanted.name_rev
    AND (d.first_ms, d.id) < (wanted.first_ms, wanted.id))
AND NOT EXISTS (
  SELECT 1 FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
    ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev = wanted.name_rev
  WHERE (p.first_ms, p.id) < (wanted.first_ms, wanted.id))`;

export class Earlier {
  readonly #first: Database.Statement<[string], number>;

  constructor(db: Database.Database) {
    this.#first = db.prepare<[string], number>(FIRST).pluck();
  }

  /** Those of `some` before which no pair asked for the same domain. */
  firstOf(some: readonly Fresh[]): Fresh[] {
    // Sorted by name, so that they share pages.
    const sorted = [...some].sort(([, a], [, b]) => (a < b ? -1 : 1));
    const places = new Set(this.#first.all(JSON.stringify(sorted)));
    return sorted.filter((_, i) => places.has(i));
  }
}

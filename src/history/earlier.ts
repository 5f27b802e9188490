/** Which pairs are the first of their domain, among all pairs or some stretches of them. */

import type Database from 'better-sqlite3';
import { RUN_SHIFT } from './domain-schema.ts';
import { PAIR_SHIFT } from './migrations.ts';

/** A pair: its number, its domain, and when that was first asked for. */
export type Fresh = readonly [id: number, domain: string, firstMs: number];

/** The stretch that a pair is in, by its number. */
export function stretchOf(id: number): number {
  return Math.floor(id / 2 ** PAIR_SHIFT);
}

/** Stretches to look in, both included. */
export interface Stretches {
  readonly from: number;
  readonly to: number;
}

// Where a domain was asked for lately, a look at the newest stretch tells: they are asked from the
// last one back, and then the runs, which spare a seek for each of their stretches
// (domain-schema.ts). They may hold pairs beyond the last stretch, hence `@below`.
const FIRST = `
WITH RECURSIVE stretch (number) AS (
  SELECT @to UNION ALL SELECT number - 1 FROM stretch WHERE number > @from),
wanted (place, id, name_rev, first_ms) AS MATERIALIZED (
  SELECT key, value ->> 0, value ->> 1, value ->> 2 FROM json_each(@wanted))
SELECT wanted.place FROM wanted WHERE NOT EXISTS (
  SELECT 1 FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
    ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev = wanted.name_rev
  WHERE p.id < @below AND (p.first_ms, p.id) < (wanted.first_ms, wanted.id))
AND NOT EXISTS (
  SELECT 1 FROM domain_run run CROSS JOIN domain d
    ON d.run = run.number AND d.name_rev = wanted.name_rev
  CROSS JOIN json_each(d.ids) j CROSS JOIN pair p ON p.id = j.value
  WHERE run.number < @runs AND p.id < @below
    AND (p.first_ms, p.id) < (wanted.first_ms, wanted.id))`;

const STRETCHES_OF_RUN = 2 ** (RUN_SHIFT - PAIR_SHIFT);

export class Earlier {
  readonly #first: Database.Statement<[Record<string, number | string>], number>;
  readonly #runs: Database.Statement<[], number>;

  constructor(db: Database.Database) {
    this.#first = db.prepare<[Record<string, number | string>], number>(FIRST).pluck();
    this.#runs = db
      .prepare<[], number>('SELECT count(*) FROM domain_run WHERE cursor IS NULL')
      .pluck();
  }

  /** Those of `some` whose domain no pair of `stretches` asked for at all. */
  unknownOf(some: readonly Fresh[], stretches: Stretches): Fresh[] {
    const late = some.map(([id, domain]): Fresh => [id, domain, Number.MAX_SAFE_INTEGER]);
    const unknown = new Set(this.firstOf(late, stretches).map(([id]) => id));
    return some.filter(([id]) => unknown.has(id));
  }

  /** Those of `some` before which no pair of `stretches` asked for the same domain. */
  firstOf(some: readonly Fresh[], { from, to }: Stretches): Fresh[] {
    // Sorted by name, so that they share pages.
    const sorted = [...some].sort(([, a], [, b]) => (a < b ? -1 : 1));
    const whole = from === 0 ? (this.#runs.get() ?? 0) : 0;
    const values = {
      wanted: JSON.stringify(sorted),
      runs: whole,
      from: Math.max(from, whole * STRETCHES_OF_RUN),
      to,
      below: (to + 1) * 2 ** PAIR_SHIFT,
    };
    const keys = new Set(this.#first.all(values));
    return sorted.filter((_, i) => keys.has(i));
  }
}

/**
 * Rows of `pair` on their way to a question: statements, keys, and the stretches of the indexes by
 * name (migrations.ts says why there are some).
 */

import type Database from 'better-sqlite3';
import { dayOf } from './days.ts';
import { NAME_SHIFT, PAIR_SHIFT } from './migrations.ts';
import { type DecisionTexts, PAIR_COLUMNS, type PairRow, pairRow, type RawPair } from './rows.ts';
import { textsOf } from './texts.ts';

export const STRETCHES = `
WITH RECURSIVE stretch (number) AS (
  SELECT 0 UNION ALL SELECT number + 1 FROM stretch
  WHERE number < (SELECT coalesce(max(id), 0) >> ${PAIR_SHIFT} FROM pair))`;
export const NAME_STRETCHES = `
WITH RECURSIVE stretch (number) AS (
  SELECT 0 UNION ALL SELECT number + 1 FROM stretch
  WHERE number < (SELECT coalesce(max(id), 0) >> ${NAME_SHIFT} FROM name))`;
/** Pairs whose domain lies in a range. */
export const IN_RANGE = `
FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
  ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev >= @from AND p.name_rev < @end`;

type Values = Readonly<Record<string, unknown>>;

export class Pairs {
  readonly db: Database.Database;
  readonly texts: DecisionTexts;

  constructor(db: Database.Database) {
    this.db = db;
    this.texts = textsOf(db);
  }

  select(sql: string): Database.Statement<[Values], RawPair> {
    return this.db.prepare<[Values], RawPair>(sql);
  }

  rows(raws: readonly RawPair[]): PairRow[] {
    return raws.map((raw) => pairRow(raw, this.texts));
  }

  workloadId(name: string): number | undefined {
    const sql = 'SELECT id FROM workload WHERE name = ?';
    return this.db.prepare<[string], number>(sql).pluck().get(name);
  }

  /** Pairs of a range of names, first seen first. */
  inRange(also: string, values: Values): RawPair[] {
    return this.select(`${STRETCHES}
SELECT ${PAIR_COLUMNS} ${IN_RANGE} ${also} CROSS JOIN workload w ON w.id = p.workload_id
ORDER BY p.first_ms LIMIT @limit`).all(values);
  }

  /** Days of a last query to look at, both included; none where the second is before the first. */
  activeDays(sinceMs: number): readonly [number, number] {
    const sql = 'SELECT (SELECT min(last_day) FROM pair), (SELECT max(last_day) FROM pair)';
    const [min, max] = this.db.prepare<[], (number | null)[]>(sql).raw().get() ?? [];
    return [Math.max(min ?? 0, dayOf(sinceMs)), max ?? -1];
  }
}

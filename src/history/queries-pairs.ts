/**
 * Rows of `pair` on their way to a question: statements, keys, and the stretches of the indexes by
 * name (migrations.ts says why there are some).
 */

import type Database from 'better-sqlite3';
import { dayOf } from './days.ts';
import { RUN_SHIFT } from './domain-schema.ts';
import { NAME_SHIFT, PAIR_SHIFT } from './migrations.ts';
import { type DecisionTexts, PAIR_COLUMNS, type PairRow, pairRow, type RawPair } from './rows.ts';
import { textsOf } from './texts.ts';

/** Runs that are whole, and the stretches with what is in none of them (domain-schema.ts). */
export const COVER = `
WITH RECURSIVE whole (number) AS (SELECT number FROM domain_run WHERE cursor IS NULL),
stretch (number) AS (
  SELECT (SELECT coalesce(max(number) + 1, 0) << ${RUN_SHIFT - PAIR_SHIFT} FROM whole)
  UNION ALL SELECT number + 1 FROM stretch
  WHERE number < (SELECT coalesce(max(id), 0) >> ${PAIR_SHIFT} FROM pair))`;
export const NAME_STRETCHES = `
WITH RECURSIVE stretch (number) AS (
  SELECT 0 UNION ALL SELECT number + 1 FROM stretch
  WHERE number < (SELECT coalesce(max(id), 0) >> ${NAME_SHIFT} FROM name))`;
/** Numbers of the pairs whose domain lies in a range. */
export const HITS = `${COVER},
hit (id) AS (
  SELECT j.value FROM whole CROSS JOIN domain d
    ON d.run = whole.number AND d.name_rev >= @from AND d.name_rev < @end
  CROSS JOIN json_each(d.ids) j
  UNION ALL
  SELECT p.id FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
    ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev >= @from AND p.name_rev < @end)`;

type Values = Readonly<Record<string, unknown>>;

export class Pairs {
  readonly db: Database.Database;
  readonly texts: DecisionTexts;
  readonly #statements = new Map<string, Database.Statement<[Values]>>();

  constructor(db: Database.Database) {
    this.db = db;
    this.texts = textsOf(db);
  }

  select(sql: string): Database.Statement<[Values], RawPair> {
    return this.statement<RawPair>(sql);
  }

  /** A statement whose rows are objects, made once; not for one that is left in the middle. */
  statement<Row>(sql: string): Database.Statement<[Values], Row> {
    return this.#made(sql, sql) as Database.Statement<[Values], Row>;
  }

  /** A statement whose rows are the first of their columns, made once. */
  values<Value>(sql: string): Database.Statement<[Values], Value> {
    return this.#made(`values ${sql}`, sql).pluck() as Database.Statement<[Values], Value>;
  }

  /** To make one costs 20 to 60 us, and a list of names asks the same thousands of times. */
  #made(key: string, sql: string): Database.Statement<[Values]> {
    let statement = this.#statements.get(key);
    if (statement === undefined) {
      statement = this.db.prepare<[Values]>(sql);
      this.#statements.set(key, statement);
    }
    return statement;
  }

  rows(raws: readonly RawPair[]): PairRow[] {
    return raws.map((raw) => pairRow(raw, this.texts));
  }

  workloadId(name: string): number | undefined {
    return this.values<number>('SELECT id FROM workload WHERE name = @name').get({ name });
  }

  /** Pairs of a range of names, first seen first. */
  inRange(also: string, values: Values): RawPair[] {
    return this.select(`${HITS}
SELECT ${PAIR_COLUMNS} FROM hit CROSS JOIN pair p ON p.id = hit.id ${also}
CROSS JOIN workload w ON w.id = p.workload_id ORDER BY p.first_ms LIMIT @limit`).all(values);
  }

  /** Of the values of `pair.unusual` those that some pair has; 0 stands for no such condition. */
  marksInUse(marks: readonly number[]): number[] {
    const statement = this.values<number>(`
SELECT 1 FROM pair INDEXED BY pair_by_verdict WHERE unusual = @mark AND unusual > 0 LIMIT 1`);
    return marks.filter((mark) => mark === 0 || statement.get({ mark }) !== undefined);
  }

  /** Days of a last query to look at, both included; none where the second is before the first. */
  activeDays(sinceMs: number): readonly [number, number] {
    const sql = 'SELECT (SELECT min(last_day) FROM pair), (SELECT max(last_day) FROM pair)';
    const [min, max] = this.db.prepare<[], (number | null)[]>(sql).raw().get() ?? [];
    return [Math.max(min ?? 0, dayOf(sinceMs)), max ?? -1];
  }
}

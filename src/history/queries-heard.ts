/** Which pairs a workload has, out of `heard`: some at a time, so that a walk may end early. */

import type Database from 'better-sqlite3';
import { heardIds } from './packed-ids.ts';

/** Rows that are read with one statement: a step of it for each takes three times as long. */
const ROWS_AT_ONCE = 4000;
/** Pairs of one part, unless one row has more. */
const PART_PAIRS = 500;

type Raw = readonly [newestMs: number, id: number, more: Buffer | null];

const READ = `
SELECT newest_ms, id, more FROM heard
WHERE workload_id = @workload AND newest_ms >= @fromMs AND (newest_ms, id) < (@beforeMs, @before)
ORDER BY newest_ms DESC, id DESC LIMIT ${ROWS_AT_ONCE}`;

export interface HeardPart {
  /** Numbers of pairs. */
  readonly ids: readonly number[];
  /** No pair of this part, nor of those that follow, was first seen later. */
  readonly newestMs: number;
}

interface Bounds {
  /** Pairs that were all first seen before need not come; 0 where it is left out. */
  readonly fromMs?: number;
  /** Rows whose newest pair is of then or later do not come; none where it is left out. */
  readonly beforeMs?: number;
}

/** Parts of a workload's pairs, those heard last first. */
export function* heardOf(
  db: Database.Database,
  workload: number,
  bounds: Bounds = {},
): Generator<HeardPart> {
  const statement = db.prepare<[Record<string, number>], Raw>(READ).raw();
  const fromMs = bounds.fromMs ?? 0;
  let [beforeMs, before] = [bounds.beforeMs ?? Number.MAX_SAFE_INTEGER, 0];
  for (;;) {
    const rows = statement.all({ workload, fromMs, beforeMs, before });
    yield* partsOf(rows);
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_AT_ONCE) return;
    [beforeMs, before] = last;
  }
}

function* partsOf(rows: readonly Raw[]): Generator<HeardPart> {
  let ids: number[] = [];
  let newestMs = rows[0]?.[0] ?? 0;
  for (const [ms, first, more] of rows) {
    if (ids.length === 0) newestMs = ms;
    for (const id of heardIds(first, more)) ids.push(id);
    if (ids.length < PART_PAIRS) continue;
    yield { ids, newestMs };
    ids = [];
  }
  if (ids.length > 0) yield { ids, newestMs };
}

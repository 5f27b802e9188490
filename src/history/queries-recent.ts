/** The last commits, as far as they are kept, from a place on that an earlier look ended at. */

import type Database from 'better-sqlite3';
import { typeToText } from '../wire/text.ts';
import { LINE_FOLDED, LINE_NEW, type RecentLine } from './recent.ts';
import type { Counts } from './rows.ts';

/** What happened to one name since the commit before. */
export interface RecentRow extends Counts {
  readonly ms: number;
  readonly workload: string;
  /** As in `names.ts`. */
  readonly reversed: string;
  /** The first query ever of the workload for the domain is in it. */
  readonly isNew: boolean;
  /** Counted without full names: the name is a registrable domain. */
  readonly isFolded: boolean;
  /** Of the query that is known best: '' and 0 where none is. */
  readonly type: string;
  readonly source: string;
  readonly reason: number;
  readonly rule: string;
}

/** Where a look ended. */
export interface RecentPlace {
  readonly id: number;
  readonly total: number;
}

export interface RecentLook {
  readonly rows: readonly RecentRow[];
  /** Lines since the place that are not among the rows: left out of a commit, or gone by now. */
  readonly missed: number;
  /** Null where nothing was committed yet. */
  readonly place: RecentPlace | null;
}

type Raw = readonly [id: number, total: number, lines: string | null];

const SINCE = `
SELECT id, total, CASE WHEN id > @id THEN lines END FROM recent WHERE id >= @id ORDER BY id`;

/** What was committed after `since`; all that is kept where that is null, or is of another file. */
export function recentSince(db: Database.Database, since: RecentPlace | null): RecentLook {
  const statement = db.prepare<[{ id: number }], Raw>(SINCE).raw();
  const found = statement.all({ id: since?.id ?? 0 });
  const last = found.at(-1);
  if (since !== null && !goesOn(found, since)) return recentSince(db, null);
  if (last === undefined) return { rows: [], missed: 0, place: null };
  const rows = found.flatMap(([, , lines]) => rowsOf(lines));
  const missed = since === null ? 0 : last[1] - since.total - rows.length;
  return { rows, missed, place: { id: last[0], total: last[1] } };
}

/** Whether what was found may follow that place: a file that was begun anew has other rows. */
function goesOn(found: readonly Raw[], { id, total }: RecentPlace): boolean {
  const first = found[0];
  if (first === undefined) return false;
  return first[0] === id ? first[1] === total : first[1] >= total;
}

function rowsOf(lines: string | null): RecentRow[] {
  if (lines === null) return [];
  const rows = (JSON.parse(lines) as RecentLine[]).map(rowOf);
  return rows.sort((a, b) => a.ms - b.ms);
}

function rowOf(line: RecentLine): RecentRow {
  const [ms, workload, reversed, bits, allowed, denied, wouldDeny, failed, ...query] = line;
  const [type, source = '', reason = 0, rule = ''] = query;
  return {
    ms,
    workload,
    reversed,
    isNew: (bits & LINE_NEW) !== 0,
    isFolded: (bits & LINE_FOLDED) !== 0,
    queries: allowed + denied + failed,
    allowed,
    denied,
    wouldDeny,
    failed,
    type: type === undefined ? '' : typeToText(type),
    source,
    reason,
    rule,
  };
}

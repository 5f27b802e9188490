/** Domains that nobody asked for before: new for the whole network. */

import { UNDONE, undoneFrom } from './debuts.ts';
import { Earlier, type Fresh } from './earlier.ts';
import { PAIR_SHIFT } from './migrations.ts';
import { answersTo, type Filter, untilOf } from './queries-filter.ts';
import type { Pairs } from './queries-pairs.ts';
import { PAIR_COLUMNS, type RawPair } from './rows.ts';

/** Domains that are looked for with one statement; sorted, so that they share pages. */
const AT_ONCE = 500;

const LAST = 'SELECT max(id) FROM pair';

/** Whether some pair asked for a domain before. */
export const KNOWN_BEFORE = `${UNDONE}
SELECT EXISTS (SELECT 1 FROM debut WHERE name_rev = @domain AND first_ms < @sinceMs)
OR EXISTS (
  SELECT 1 FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
    ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev = @domain
  WHERE p.first_ms < @sinceMs)`;

const READ = `
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id`;

// Of the pairs that debuts.ts has been through.
const FOUND = `
SELECT d.id, d.name_rev, d.first_ms FROM debut d
WHERE d.first_ms >= @sinceMs AND d.first_ms < @untilMs
ORDER BY d.first_ms DESC, d.id DESC`;
const FOUND_OF_WORKLOAD = `
SELECT d.id, d.name_rev, d.first_ms FROM debut d CROSS JOIN pair p ON p.id = d.id
WHERE d.first_ms >= @sinceMs AND d.first_ms < @untilMs AND p.workload_id = @workload
ORDER BY d.first_ms DESC, d.id DESC`;

// Of the others, newest first: by number where they are few, else by the days of the window. A name
// is read of those that are looked at, and a limit ends that early.
const LEFT = `
SELECT p.id, p.name_rev, p.first_ms FROM (
  SELECT id FROM pair WHERE id >= @from AND first_ms >= @sinceMs AND first_ms < @untilMs
  ORDER BY first_ms DESC, id DESC) newest
CROSS JOIN pair p ON p.id = newest.id`;
const LEFT_OF_DAYS = `
SELECT p.id, p.name_rev, p.first_ms FROM (
  SELECT id FROM pair INDEXED BY pair_by_day
  WHERE last_day >= @firstDay AND last_day <= @lastDay AND id >= @from
    AND first_ms >= @sinceMs AND first_ms < @untilMs
  ORDER BY first_ms DESC, id DESC) newest
CROSS JOIN pair p ON p.id = newest.id`;
/** Numbers from which on they are few: of three stretches. */
const FEW = 3 * 2 ** PAIR_SHIFT;

/**
 * The first pair of each domain that the network asked for in the window and never before, oldest
 * first; a limit keeps the newest. A workload asks for those that it was first with.
 */
export function newForNetwork(pairs: Pairs, filter: Filter): RawPair[] {
  const { limit } = filter;
  const earlier = new Earlier(pairs.db);
  const read = reader(pairs, filter);
  const firstOf = (some: readonly Fresh[]): RawPair[] => read(earlier.firstOf(some));
  const found = new Map<number, RawPair>();
  take(found, chunks(undoneIn(pairs, filter)), firstOf, limit);
  // A pair that is not looked at yet may have asked before one that is.
  const ofDone = chunks(foundIn(pairs, { ...filter, sinceMs: oldestWanted(found, filter) }));
  const more = new Map<number, RawPair>();
  take(more, ofDone, firstOf, limit);
  for (const [id, raw] of more) found.set(id, raw);
  const sorted = [...found.values()].sort((a, b) => a.first_ms - b.first_ms || a.id - b.id);
  return limit < 0 ? sorted : sorted.slice(Math.max(0, sorted.length - limit));
}

/** Where as many as the limit are found, none that is older is wanted. */
function oldestWanted(found: ReadonlyMap<number, RawPair>, { sinceMs, limit }: Filter): number {
  if (limit < 0 || found.size < limit) return sinceMs;
  return Math.min(...Array.from(found.values(), (raw) => raw.first_ms));
}

/** Adds what is read of each chunk, the newest first, until there are `limit`. */
function take(
  into: Map<number, RawPair>,
  all: Iterable<readonly Fresh[]>,
  read: (some: readonly Fresh[]) => readonly RawPair[],
  limit: number,
): void {
  for (const some of all) {
    for (const raw of read(some)) into.set(raw.id, raw);
    if (limit >= 0 && into.size >= limit) return;
  }
}

/** Rows of pairs, of the workload and the verdict that are asked for. */
function reader(pairs: Pairs, filter: Filter): (some: readonly Fresh[]) => RawPair[] {
  const { workload } = filter;
  const statement = pairs.select(READ);
  return (some) =>
    statement
      .all({ ids: JSON.stringify(some.map(([id]) => id)) })
      .filter((raw) => workload === null || raw.workload === workload)
      .filter((raw) => answersTo(raw, filter));
}

/** First pairs of the window, newest first. */
function foundIn(pairs: Pairs, filter: Filter): Iterable<Fresh> {
  const { sinceMs, workload: name } = filter;
  // Of a workload that is not known no pair is.
  const workload = name === null ? null : (pairs.workloadId(name) ?? 0);
  const values = { sinceMs, untilMs: untilOf(filter), workload };
  const sql = workload === null ? FOUND : FOUND_OF_WORKLOAD;
  return pairs.db.prepare<[typeof values], Fresh>(sql).raw().iterate(values);
}

/** Pairs of the window in the stretches that are not looked at yet, newest first. */
function undoneIn(pairs: Pairs, filter: Filter): Iterable<Fresh> {
  const { db } = pairs;
  const { sinceMs } = filter;
  const from = undoneFrom(db);
  const window = { sinceMs, untilMs: untilOf(filter), from };
  const last = db.prepare<[], number | null>(LAST).pluck().get() ?? 0;
  if (last - from < FEW) return db.prepare<[typeof window], Fresh>(LEFT).raw().iterate(window);
  const [firstDay, lastDay] = pairs.activeDays(sinceMs);
  const statement = db.prepare<[Record<string, number>], Fresh>(LEFT_OF_DAYS).raw();
  return statement.iterate({ firstDay, lastDay, ...window });
}

/** Some at a time, and of each domain among these the pair that was first. */
function* chunks(all: Iterable<Fresh>): Iterable<Fresh[]> {
  let some: Fresh[] = [];
  for (const fresh of all) {
    some.push(fresh);
    if (some.length < AT_ONCE) continue;
    yield firstOfEach(some);
    some = [];
  }
  yield firstOfEach(some);
}

function firstOfEach(some: readonly Fresh[]): Fresh[] {
  const first = new Map<string, Fresh>();
  for (const fresh of some) {
    const before = first.get(fresh[1]);
    if (before === undefined || isBefore(fresh, before)) first.set(fresh[1], fresh);
  }
  return [...first.values()];
}

function isBefore([id, , firstMs]: Fresh, [otherId, , otherMs]: Fresh): boolean {
  return firstMs < otherMs || (firstMs === otherMs && id < otherId);
}

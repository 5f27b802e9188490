/** Domains that nobody asked for before: new for the whole network. */

import { endOfDay } from './days.ts';
import { PAIR_SHIFT } from './migrations.ts';
import { answersTo, type Filter, untilOf } from './queries-filter.ts';
import { COVER, type Pairs } from './queries-pairs.ts';
import { PAIR_COLUMNS, type RawPair } from './rows.ts';

/** Domains that are looked for with one statement; sorted, so that they share pages. */
const AT_ONCE = 500;

type Fresh = readonly [id: number, domain: string, firstMs: number];

const IN_WINDOW = `
SELECT id, name_rev, first_ms FROM pair INDEXED BY pair_by_day
WHERE last_day = @day AND first_ms >= @sinceMs AND first_ms < @untilMs`;

/** Places in a list of domains that some pair asked for before. */
export const KNOWN_BEFORE = `${COVER}
SELECT wanted.key FROM json_each(@names) wanted WHERE EXISTS (
  SELECT 1 FROM whole CROSS JOIN domain d ON d.run = whole.number AND d.name_rev = wanted.value
  CROSS JOIN json_each(d.ids) j CROSS JOIN pair p ON p.id = j.value
  WHERE p.first_ms < @sinceMs)
OR EXISTS (
  SELECT 1 FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
    ON (p.id >> ${PAIR_SHIFT}) = stretch.number AND p.name_rev = wanted.value
  WHERE p.first_ms < @sinceMs)`;

const READ = `
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id`;

/**
 * The first pair of each domain that the network asked for in the window and never before, oldest
 * first; a limit keeps the newest. A workload asks for those that it was first with.
 */
export function newForNetwork(pairs: Pairs, filter: Filter): RawPair[] {
  const { sinceMs, workload, limit } = filter;
  const statement = pairs.values<number>(KNOWN_BEFORE);
  const read = pairs.select(READ);
  const waiting = firstOfEach(pairs, filter);
  let found: RawPair[] = [];
  for (let at = 0; at < waiting.length && (limit < 0 || found.length < limit); at += AT_ONCE) {
    const some = waiting.slice(at, at + AT_ONCE).sort(([, a], [, b]) => (a < b ? -1 : 1));
    const names = JSON.stringify(some.map(([, domain]) => domain));
    const known = new Set(sinceMs > 0 ? statement.all({ names, sinceMs }) : []);
    const ids = JSON.stringify(some.filter((_, i) => !known.has(i)).map(([id]) => id));
    const raws = read
      .all({ ids })
      .filter((raw) => workload === null || raw.workload === workload)
      .filter((raw) => answersTo(raw, filter));
    found = [...found, ...raws];
  }
  found.sort((a, b) => a.first_ms - b.first_ms || a.id - b.id);
  return limit < 0 ? found : found.slice(Math.max(0, found.length - limit));
}

/** Of each domain the pair of the window that was first; those that came last, first. */
function firstOfEach(pairs: Pairs, filter: Filter): Fresh[] {
  const [sinceMs, untilMs] = [filter.sinceMs, untilOf(filter)];
  const statement = pairs.db.prepare<[Record<string, number>], Fresh>(IN_WINDOW).raw();
  const first = new Map<string, Fresh>();
  const [firstDay, lastDay] = pairs.activeDays(sinceMs);
  for (let day = firstDay; day <= lastDay && endOfDay(day) > sinceMs; day++) {
    for (const fresh of statement.iterate({ day, sinceMs, untilMs })) {
      const before = first.get(fresh[1]);
      if (before === undefined || isBefore(fresh, before)) first.set(fresh[1], fresh);
    }
  }
  return [...first.values()].sort((a, b) => (isBefore(a, b) ? 1 : -1));
}

function isBefore([id, , firstMs]: Fresh, [otherId, , otherMs]: Fresh): boolean {
  return firstMs < otherMs || (firstMs === otherMs && id < otherId);
}

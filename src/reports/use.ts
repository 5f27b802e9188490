/** The use of rules, as the recorder keeps it (history/rule-uses.ts). Read-only. */

import type Database from 'better-sqlite3';

export interface Use {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly queries: number;
}

/** By workload and the rule's name (`ruleName`). */
export type Uses = ReadonlyMap<string, ReadonlyMap<string, Use>>;

export interface UseReading {
  readonly uses: Uses;
  /** Since when uses are kept; null where none are yet. */
  readonly sinceMs: number | null;
  /** Whole hours of the window that a resolver was there to see, by the clock. */
  watchedHours(sinceMs: number, untilMs: number): number;
}

const HOUR_MS = 3_600_000;

const USES = `
SELECT workload_id, rule_id, first_ms, last_ms, queries FROM rule_use ORDER BY workload_id`;
const WATCHED = 'SELECT coalesce(sum(seconds), 0) FROM watched WHERE hour >= ? AND hour <= ?';

/** Where there is no history: nothing is known, which is not the same as unused. */
export const NO_USE: UseReading = { uses: new Map(), sinceMs: null, watchedHours: () => 0 };

export function readUses(db: Database.Database): UseReading {
  // Texts by themselves: a join looks each of them up, and makes a workload's name for every row.
  const workloads = textsOf(db, 'SELECT id, name FROM workload');
  const rules = textsOf(db, 'SELECT id, text FROM rule');
  const uses = new Map<string, Map<string, Use>>();
  let [id, own] = [0, new Map<string, Use>()];
  const statement = db.prepare<[], [number, number, number, number, number]>(USES).raw();
  // All at once: a step for each row takes twice as long.
  for (const [workload, rule, firstMs, lastMs, queries] of statement.all()) {
    if (workload !== id) {
      [id, own] = [workload, new Map()];
      uses.set(workloads.get(workload) ?? '', own);
    }
    own.set(rules.get(rule) ?? '', { firstMs, lastMs, queries });
  }
  const since = db.prepare<[], number>('SELECT min(since_ms) FROM rule_use_since').pluck().get();
  const watched = db.prepare<[number, number], number>(WATCHED).pluck();
  return {
    uses,
    sinceMs: since ?? null,
    watchedHours: (sinceMs, untilMs) => {
      const seconds = watched.get(hourOf(sinceMs), hourOf(untilMs)) ?? 0;
      return Math.floor(seconds / 3600);
    },
  };
}

function textsOf(db: Database.Database, sql: string): ReadonlyMap<number, string> {
  return new Map(db.prepare<[], [number, string]>(sql).raw().all());
}

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS);
}

/** The use of some rules by all workloads together; those that nobody used are left out. */
export function usedByAnybody(uses: Uses, rules: readonly string[]): ReadonlyMap<string, Use> {
  const all = new Map<string, Use>();
  for (const rule of new Set(rules)) {
    for (const own of uses.values()) {
      const use = own.get(rule);
      if (use !== undefined) all.set(rule, joined(all.get(rule), use));
    }
  }
  return all;
}

function joined(a: Use | undefined, b: Use): Use {
  if (a === undefined) return b;
  return {
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
    queries: a.queries + b.queries,
  };
}

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

const READ = `
SELECT w.name, r.text, u.first_ms, u.last_ms, u.queries
FROM rule_use u CROSS JOIN rule r ON r.id = u.rule_id
CROSS JOIN workload w ON w.id = u.workload_id`;
const WATCHED = 'SELECT coalesce(sum(seconds), 0) FROM watched WHERE hour >= ? AND hour <= ?';

/** Where there is no history: nothing is known, which is not the same as unused. */
export const NO_USE: UseReading = { uses: new Map(), sinceMs: null, watchedHours: () => 0 };

export function readUses(db: Database.Database): UseReading {
  const uses = new Map<string, Map<string, Use>>();
  const statement = db.prepare<[], [string, string, number, number, number]>(READ).raw();
  // All at once: a step for each row takes twice as long.
  for (const [workload, rule, firstMs, lastMs, queries] of statement.all()) {
    let own = uses.get(workload);
    if (own === undefined) {
      own = new Map();
      uses.set(workload, own);
    }
    own.set(rule, { firstMs, lastMs, queries });
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

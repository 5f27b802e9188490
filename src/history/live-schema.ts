/**
 * The step of the schema for what people look at while it happens: the last commits for `tail`, the
 * days of each pair for its sparkline, and who was busy in each hour for `top`. All of it bounded.
 */

export const LIVE = `
-- The last commits, one row each; recent.ts says what a line holds.
CREATE TABLE recent (
  id INTEGER PRIMARY KEY,
  total INTEGER NOT NULL,            -- lines of all commits up to this one, those left out too
  lines TEXT NOT NULL
) STRICT;

-- Counts of days that are over, as day-counts.ts packs them; what is not in it belongs to last_day.
-- NULL: nothing but one day, or from before this step, when days were not told apart.
ALTER TABLE pair ADD COLUMN days BLOB;

-- An hour's counts: of every workload, and of the domains that had most of something.
CREATE TABLE busy (
  hour INTEGER PRIMARY KEY,          -- since the epoch, UTC
  workloads TEXT NOT NULL,           -- see busy.ts
  domains TEXT NOT NULL,
  missed INTEGER NOT NULL            -- queries of domains that are not listed
) STRICT;
`;

/**
 * The step of the schema for what each workload asked for on each day: a question about days reads
 * no row of a pair that was silent then, and of days that are over no row of a pair at all.
 */

export const WORKLOAD_DAYS = `
-- Pairs that were asked for on a day that their row in heard is not of. Only of days that have no
-- row in workload_day.
CREATE TABLE woken (
  workload_id INTEGER NOT NULL,
  day INTEGER NOT NULL,              -- since the epoch, UTC
  ids BLOB NOT NULL,                 -- of pairs, as packed-ids.ts has them
  PRIMARY KEY (workload_id, day, ids)
) STRICT, WITHOUT ROWID;

-- A day that is over: every pair that was asked for on it, as packed-counts.ts has them. With a
-- rowid, so that the index alone says which days there are.
CREATE TABLE workload_day (
  workload_id INTEGER NOT NULL,
  day INTEGER NOT NULL,
  counts BLOB NOT NULL,
  PRIMARY KEY (workload_id, day)
) STRICT;

-- Of days before this one the two say nothing; of later ones, with heard, everything.
CREATE TABLE days_from (day INTEGER NOT NULL) STRICT;
INSERT INTO days_from SELECT coalesce(max(last_day) + 1, 0) FROM pair;
`;

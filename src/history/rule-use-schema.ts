/**
 * The step of the schema for the use of rules: which rule decided for which workload, and when
 * last. What a report about a policy needs would otherwise take a walk through every pair.
 *
 * A rule is its text without its place, so that a line that moves in its file keeps its use. There
 * are as many rows as rules of policies were ever used: it grows by what people write, not by what
 * is asked for, and nothing of it is purged.
 */

export const RULE_USE = `
CREATE TABLE rule_use (
  workload_id INTEGER NOT NULL,
  rule_id INTEGER NOT NULL,          -- in table rule
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  queries INTEGER NOT NULL,          -- that it decided, whatever they got
  PRIMARY KEY (workload_id, rule_id)
) STRICT, WITHOUT ROWID;

-- Since when the table is kept; no row before the first daemon that does.
CREATE TABLE rule_use_since (since_ms INTEGER NOT NULL) STRICT;
`;

/**
 * The step of the schema for questions about names over very many pairs, and about verdicts that
 * few pairs have.
 *
 * The index by name has a stretch for every 65,536 pairs (migrations.ts says why), and a name costs
 * a seek in each: 153 for ten million pairs. A run has the domains of 16 stretches in one order; it
 * is made behind the writer (settling.ts) and never changes again, because neither the number of a
 * pair nor its domain ever does. Questions ask the runs, and the index for what no run has yet.
 */

export const DOMAINS = `
CREATE TABLE domain_run (
  number INTEGER PRIMARY KEY,        -- from 0 without a gap: of pairs id >> 20
  cursor TEXT                        -- the last domain that is in; NULL: all are
) STRICT;
CREATE TABLE domain (
  run INTEGER NOT NULL,
  name_rev TEXT NOT NULL,            -- as in pair
  ids TEXT NOT NULL,                 -- of its pairs, a JSON array in order
  PRIMARY KEY (run, name_rev)
) STRICT, WITHOUT ROWID;

-- Bits of verdicts that the pair had, as UNUSUAL below. The entry moves once a day, as in
-- pair_by_day, and a pair that was always allowed has none.
ALTER TABLE pair ADD COLUMN unusual INTEGER NOT NULL DEFAULT 0;
UPDATE pair SET unusual = (denied > 0) | (would_deny > 0) << 1 | (failed > 0) << 2
WHERE denied + would_deny + failed > 0;
CREATE INDEX pair_by_verdict ON pair (unusual, last_day, first_ms) WHERE unusual > 0;
`;

/** Bits of `pair.unusual`. */
export const UNUSUAL = { denied: 1, wouldDeny: 2, failed: 4 } as const;
export const ALL_UNUSUAL = UNUSUAL.denied | UNUSUAL.wouldDeny | UNUSUAL.failed;

/** Pairs of one run, as a power of two. */
export const RUN_SHIFT = 20;

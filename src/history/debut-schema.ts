/**
 * The step of the schema for "new for the whole network": of each domain the pair that asked first,
 * found behind the writer (debuts.ts), stretch after stretch of `pair_by_name`.
 *
 * A question would otherwise read every pair of its window: 19.8 s for nine million.
 */

export const DEBUTS = `
CREATE TABLE debut (
  first_ms INTEGER NOT NULL,         -- of the pair
  id INTEGER NOT NULL,               -- the pair; of the earliest by time, then number
  PRIMARY KEY (first_ms, id)
) STRICT, WITHOUT ROWID;

-- Every stretch before this one is done, and in it the domains up to the name.
CREATE TABLE debut_cursor (stretch INTEGER NOT NULL, name_rev TEXT NOT NULL) STRICT;
INSERT INTO debut_cursor VALUES (0, '');
`;

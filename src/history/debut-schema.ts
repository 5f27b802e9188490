/**
 * The steps of the schema for "new for the whole network": of each domain the pair that was first,
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

/** By name, too: whether a domain is new is one look, where it was one in each run and stretch. */
export const DEBUT_NAMES = `
ALTER TABLE debut RENAME TO debut_without_names;
CREATE TABLE debut (
  name_rev TEXT PRIMARY KEY,         -- the domain, as in pair
  first_ms INTEGER NOT NULL,         -- of the pair
  id INTEGER NOT NULL                -- the pair; of the earliest by time, then number
) STRICT, WITHOUT ROWID;
INSERT INTO debut SELECT p.name_rev, d.first_ms, d.id
FROM debut_without_names d CROSS JOIN pair p ON p.id = d.id ORDER BY p.name_rev;
DROP TABLE debut_without_names;
CREATE INDEX debut_by_time ON debut (first_ms, id);
`;

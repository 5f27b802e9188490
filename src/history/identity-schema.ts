/**
 * The step of the schema for who an address was: bindings of source prefixes to workloads with the
 * times that they were in force, and when a daemon ran to have them in force.
 *
 * Nothing of it is purged: it is what keeps a source in old rows right after its address was given
 * to somebody else, and it grows by what people change, not by what is asked for.
 */

export const IDENTITY = `
-- Outside of these times no daemon was there to be asked.
CREATE TABLE run (
  started_ms INTEGER PRIMARY KEY,
  seen_ms INTEGER NOT NULL,          -- it was still there; told every 10 s
  revision INTEGER NOT NULL,         -- whose bindings are in the table; 0: of none of this run yet
  digest TEXT NOT NULL               -- of those bindings
) STRICT;

CREATE TABLE binding (
  id INTEGER PRIMARY KEY,
  length INTEGER NOT NULL,           -- of the prefix, 0..128
  prefix BLOB NOT NULL,              -- 16 octets, IPv4 mapped
  workload TEXT NOT NULL,            -- it may never have asked, and then has no row in workload
  from_ms INTEGER NOT NULL,
  from_policy INTEGER NOT NULL,      -- the policy that brought it
  to_ms INTEGER,                     -- null while it is in force
  to_policy INTEGER                  -- the first policy without it
) STRICT;
CREATE INDEX binding_by_prefix ON binding (length, prefix, from_ms);
CREATE INDEX binding_in_force ON binding (id) WHERE to_ms IS NULL;
CREATE INDEX policy_by_time ON policy (loaded_ms);
`;

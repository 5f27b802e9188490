/**
 * The schema, as numbered steps; `user_version` of the file says how many it has had.
 *
 * A step that was released is never edited: a change is a new step. Integer keys and interned
 * strings keep a pair at about 150 octets with its indexes.
 */

/**
 * `application_id` of our files ("dnsv"), so that no other program's database is ever taken over.
 */
export const APPLICATION_ID = 0x646e7376;

const FIRST_SCHEMA = `
-- Totals are kept here because a listing must not read every pair.
CREATE TABLE workload (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  domains INTEGER NOT NULL DEFAULT 0,
  allowed INTEGER NOT NULL DEFAULT 0,
  denied INTEGER NOT NULL DEFAULT 0,
  would_deny INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cached INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Registrable domains, labels reversed, a dot after each: a suffix is a range.
CREATE TABLE domain (id INTEGER PRIMARY KEY, name_rev TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE rule (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

-- A policy snapshot: its number starts anew with the daemon, so its time belongs to it.
CREATE TABLE policy (
  id INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  loaded_ms INTEGER NOT NULL,
  UNIQUE (revision, loaded_ms)
) STRICT;

-- One row for ever: first-seen survives every purge of detail.
CREATE TABLE pair (
  workload_id INTEGER NOT NULL REFERENCES workload (id),
  domain_id INTEGER NOT NULL REFERENCES domain (id),
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  allowed INTEGER NOT NULL,
  denied INTEGER NOT NULL,
  would_deny INTEGER NOT NULL,   -- part of allowed and failed
  failed INTEGER NOT NULL,
  cached INTEGER NOT NULL,       -- part of allowed
  folded INTEGER NOT NULL,       -- queries without name detail, beyond the bound of names
  names INTEGER NOT NULL,        -- rows in table name
  first_source BLOB NOT NULL,    -- 16 octets, IPv4 mapped
  first_qtype INTEGER NOT NULL,
  first_verdict INTEGER NOT NULL,
  first_name TEXT NOT NULL,      -- below the domain, reversed; '' is the domain itself
  policy_id INTEGER REFERENCES policy (id),
  rule_id INTEGER REFERENCES rule (id),
  answers BLOB,                  -- first addresses answered, 16 octets each
  PRIMARY KEY (workload_id, domain_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX pair_by_time ON pair (first_ms);
CREATE INDEX pair_by_workload ON pair (workload_id, first_ms);
CREATE INDEX pair_by_domain ON pair (domain_id, first_ms);

CREATE TABLE name (
  workload_id INTEGER NOT NULL,
  domain_id INTEGER NOT NULL,
  name_rev TEXT NOT NULL,        -- below the domain, reversed; '' is the domain itself
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  allowed INTEGER NOT NULL,
  denied INTEGER NOT NULL,
  would_deny INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  PRIMARY KEY (workload_id, domain_id, name_rev)
) STRICT, WITHOUT ROWID;
`;

// `names` = -1 is new too: the pair's row is the detail of its only name (`SOLE_NAME`).
const ACTIVE_BY_DAY = `
-- Day of last_ms since the epoch. The index moves an entry once a day, one by last_ms would with
-- every flush; new pairs go to its end.
ALTER TABLE pair ADD COLUMN last_day INTEGER NOT NULL DEFAULT 0;
UPDATE pair SET last_day = last_ms / 86400000;
CREATE INDEX pair_by_day ON pair (last_day, first_ms);
`;

/** Step `i` brings a file from `user_version` i to i + 1. */
export const MIGRATIONS: readonly string[] = [FIRST_SCHEMA, ACTIVE_BY_DAY];

/** The `user_version` that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

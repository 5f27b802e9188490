/**
 * The schema, as numbered steps; `user_version` of the file says how many it has had.
 *
 * A step that was released is never edited: a change is a new step.
 */

import { ANSWERS } from './answer-schema.ts';
import { BLOCKS } from './block-schema.ts';
import { BUSY_DAYS } from './busy-schema.ts';
import { DEBUT_NAMES, DEBUTS } from './debut-schema.ts';
import { DOMAINS } from './domain-schema.ts';
import { IDENTITY } from './identity-schema.ts';
import { LIVE } from './live-schema.ts';
import { RULE_USE } from './rule-use-schema.ts';
import { WORKLOAD_DAYS } from './workload-day-schema.ts';

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

// A new pair touches three trees where it touched eight. Its row goes to the end of `pair`, because
// numbers grow in the order of first sight; its name goes to the stretch of `pair_by_name` that the
// last 65,536 pairs are in, which stays in memory: in one index over all names each new pair would
// dirty a page of its own, read from the disk before. What that costs is one seek for each stretch
// when a name is looked for; domain-schema.ts has what spares most of them.
const GENERATIONS = `
CREATE TABLE moved (
  workload_id INTEGER NOT NULL,
  domain_id INTEGER NOT NULL,
  pair_id INTEGER NOT NULL,
  PRIMARY KEY (workload_id, domain_id)
) STRICT, WITHOUT ROWID;
INSERT INTO moved SELECT workload_id, domain_id,
  row_number() OVER (ORDER BY first_ms, workload_id, domain_id) FROM pair;
ALTER TABLE pair RENAME TO old_pair;
ALTER TABLE name RENAME TO old_name;
DROP INDEX pair_by_time;
DROP INDEX pair_by_workload;
DROP INDEX pair_by_domain;
DROP INDEX pair_by_day;

-- One row for ever: first-seen survives every purge of detail.
CREATE TABLE pair (
  id INTEGER PRIMARY KEY,            -- in the order of first sight, but for what came late
  workload_id INTEGER NOT NULL,
  name_rev TEXT NOT NULL,            -- registrable domain, labels reversed, a dot after each
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  last_day INTEGER NOT NULL,         -- of last_ms, since the epoch; see the step before
  allowed INTEGER NOT NULL DEFAULT 0,
  denied INTEGER NOT NULL DEFAULT 0,
  would_deny INTEGER NOT NULL DEFAULT 0, -- part of allowed and failed
  failed INTEGER NOT NULL DEFAULT 0,
  cached INTEGER NOT NULL DEFAULT 0, -- part of allowed
  folded INTEGER NOT NULL DEFAULT 0, -- queries without name detail, beyond the bound of names
  names INTEGER NOT NULL DEFAULT -1, -- rows in table name; -1: the row is its only detail
  first_name TEXT NOT NULL,          -- below the domain, reversed; '' is the domain itself
  first BLOB NOT NULL,               -- of the first query, as first.ts has it
  answers BLOB                       -- first addresses answered, 16 octets each
) STRICT;
INSERT INTO pair SELECT m.pair_id, m.workload_id, d.name_rev, p.first_ms, p.last_ms, p.last_day,
  p.allowed, p.denied, p.would_deny, p.failed, p.cached, p.folded, p.names, p.first_name,
  unhex(hex(p.first_source) || printf('%04x%02x%08x%08x', p.first_qtype, p.first_verdict,
    coalesce(p.policy_id, 0), coalesce(p.rule_id, 0))), p.answers
FROM moved m CROSS JOIN old_pair p ON p.workload_id = m.workload_id AND p.domain_id = m.domain_id
CROSS JOIN domain d ON d.id = m.domain_id ORDER BY m.pair_id;
CREATE UNIQUE INDEX pair_by_name ON pair (id >> 16, name_rev, workload_id);
CREATE INDEX pair_by_day ON pair (last_day, first_ms);

-- Which pairs a workload has: a row for each transaction that brought some.
CREATE TABLE heard (
  workload_id INTEGER NOT NULL,
  newest_ms INTEGER NOT NULL,        -- no first_ms of its pairs is later
  id INTEGER NOT NULL,               -- the first of its pairs
  more BLOB,                         -- the others, 4 octets each, little-endian
  PRIMARY KEY (workload_id, newest_ms, id)
) STRICT, WITHOUT ROWID;
INSERT INTO heard SELECT workload_id, first_ms, id, NULL FROM pair ORDER BY 1, 2, 3;

CREATE TABLE name (
  id INTEGER PRIMARY KEY,
  pair_id INTEGER NOT NULL,
  name_rev TEXT NOT NULL,            -- below the domain, reversed; '' is the domain itself
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  allowed INTEGER NOT NULL,
  denied INTEGER NOT NULL,
  would_deny INTEGER NOT NULL,
  failed INTEGER NOT NULL
) STRICT;
INSERT INTO name (pair_id, name_rev, first_ms, last_ms, allowed, denied, would_deny, failed)
SELECT m.pair_id, n.name_rev, n.first_ms, n.last_ms, n.allowed, n.denied, n.would_deny, n.failed
FROM old_name n CROSS JOIN moved m
  ON m.workload_id = n.workload_id AND m.domain_id = n.domain_id ORDER BY n.first_ms;
CREATE UNIQUE INDEX name_by_pair ON name (id >> 18, pair_id, name_rev);

DROP TABLE old_name;
DROP TABLE old_pair;
DROP TABLE domain;
DROP TABLE moved;

-- See filters.ts; kind 0 is of pairs, 1 of names.
CREATE TABLE filter_key (k0 INTEGER NOT NULL, k1 INTEGER NOT NULL) STRICT;
INSERT INTO filter_key VALUES (random() & 0x7fffffff, random() & 0x7fffffff);
CREATE TABLE filter (
  kind INTEGER NOT NULL,
  part INTEGER NOT NULL,
  words BLOB NOT NULL,
  PRIMARY KEY (kind, part)
) STRICT;
`;

const DETECTION = `
-- What detectors found: a row for all that was said within an hour about the same thing.
CREATE TABLE finding (
  id INTEGER PRIMARY KEY,
  workload_id INTEGER NOT NULL,
  name_rev TEXT NOT NULL,            -- registrable domain as in pair; '': of no one domain
  type INTEGER NOT NULL,             -- FINDING_* of events/kinds.ts
  rule_id INTEGER NOT NULL,          -- that decided the gravest query; 0 for none
  found_ms INTEGER NOT NULL,         -- when it was first said
  first_ms INTEGER NOT NULL,         -- of the first query that the score is about
  last_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,            -- queries that it was said of
  denied INTEGER NOT NULL,           -- part of count
  score INTEGER NOT NULL,            -- the worst, with its threshold and parts
  threshold INTEGER NOT NULL,
  parts BLOB NOT NULL,               -- 4 octets each, little-endian; see detect/parts.ts
  full_rev TEXT NOT NULL,            -- name of the gravest query, reversed
  qtype INTEGER NOT NULL,            -- its type
  source BLOB NOT NULL               -- its address, 16 octets, IPv4 mapped
) STRICT;
CREATE INDEX finding_by_name ON finding (workload_id, name_rev, last_ms);
CREATE INDEX finding_by_time ON finding (last_ms);

-- What detectors held when it was last collected, to be put back at a start.
CREATE TABLE ledger (
  workload_id INTEGER NOT NULL,
  name_rev TEXT NOT NULL,            -- registrable domain as in pair; '': the workload's alone
  kind INTEGER NOT NULL,             -- KIND_* of detect/carry.ts: what the words mean
  seconds INTEGER NOT NULL,          -- since the epoch, when worth was so
  worth REAL NOT NULL,               -- bytes
  words BLOB NOT NULL,               -- 4 octets each, little-endian
  PRIMARY KEY (workload_id, name_rev, kind)
) STRICT, WITHOUT ROWID;
`;

// What `src/baseline` learns from. An hour without a row was silent, or nobody watched.
const BASELINES = `
CREATE TABLE activity (
  workload_id INTEGER NOT NULL,
  hour INTEGER NOT NULL,             -- since the epoch, UTC
  queries INTEGER NOT NULL,          -- let through or failed
  denied INTEGER NOT NULL,
  failed INTEGER NOT NULL,           -- part of queries
  nxdomain INTEGER NOT NULL,         -- part of queries
  domains INTEGER NOT NULL,          -- distinct registrable domains
  fresh INTEGER NOT NULL,            -- of them, let through and never asked for before
  day_domains INTEGER NOT NULL,      -- distinct ones from the day's begin to the hour's end
  learnt_queries INTEGER NOT NULL,   -- as far as they count as usual later on
  learnt_fresh INTEGER NOT NULL,
  learnt_nxdomain INTEGER NOT NULL,
  PRIMARY KEY (workload_id, hour)
) STRICT, WITHOUT ROWID;

-- For how many seconds of each hour a daemon was there to see.
CREATE TABLE watched (hour INTEGER PRIMARY KEY, seconds INTEGER NOT NULL) STRICT;

-- The last alert about each count of a workload; kind 3 is what its burn-in holds, until at_ms.
CREATE TABLE told (
  workload_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (workload_id, kind)
) STRICT, WITHOUT ROWID;
`;

/** Stretches of the indexes by name, as powers of two of the row number. */
export const PAIR_SHIFT = 16;
export const NAME_SHIFT = 18;

/** Step `i` brings a file from `user_version` i to i + 1. */
export const MIGRATIONS: readonly string[] = [
  FIRST_SCHEMA,
  ACTIVE_BY_DAY,
  GENERATIONS,
  DETECTION,
  BASELINES,
  IDENTITY,
  ANSWERS,
  RULE_USE,
  LIVE,
  DOMAINS,
  DEBUTS,
  WORKLOAD_DAYS,
  BLOCKS,
  DEBUT_NAMES,
  BUSY_DAYS,
];

/** The `user_version` that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * The schema of the store of overrides, as numbered steps; `user_version` of the file says how many
 * it has had. A step that was released is never edited: a change is a new step.
 */

/** `application_id` of the file ("dnsx"), so that no other database is ever taken for it. */
export const OVERRIDES_APPLICATION_ID = 0x646e7378;

/** In the state directory. */
export const OVERRIDES_FILE = 'overrides.db';

const FIRST_SCHEMA = `
CREATE TABLE exception (
  number INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  workload TEXT NOT NULL,
  pattern TEXT NOT NULL,
  types TEXT,                      -- JSON list of numbers
  overrides_feeds INTEGER NOT NULL,
  reason TEXT NOT NULL,
  ticket TEXT,
  requester TEXT NOT NULL,
  requester_uid INTEGER NOT NULL,
  requested_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  is_break_glass INTEGER NOT NULL,
  approver TEXT,
  approver_uid INTEGER,
  approved_ms INTEGER,
  approve_by_ms INTEGER NOT NULL,
  start_ms INTEGER,
  until_ms INTEGER,                -- these four are the end, or all NULL
  left_ms INTEGER,
  boot_id TEXT,
  boot_end_ms INTEGER,
  ended_ms INTEGER,
  renewals INTEGER NOT NULL,
  queries INTEGER NOT NULL,
  first_use_ms INTEGER,
  last_use_ms INTEGER
) STRICT;

CREATE TABLE quarantine (
  number INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  workload TEXT,
  pattern TEXT,
  lifelines TEXT NOT NULL,         -- JSON list of patterns
  reason TEXT,
  ordered_by TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  until_ms INTEGER,
  left_ms INTEGER,
  boot_id TEXT,
  boot_end_ms INTEGER,
  ended_ms INTEGER,
  released_by TEXT,
  evidence TEXT,
  evidence_sha256 TEXT
) STRICT;

CREATE TABLE transition (
  seq INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  act TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  actor TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
CREATE INDEX transition_subject ON transition (subject, seq);
`;

export const STEPS: readonly string[] = [FIRST_SCHEMA];
export const OVERRIDES_SCHEMA_VERSION = STEPS.length;

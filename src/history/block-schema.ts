/**
 * The step of the schema for walks by number that end early, and for what a workload was not always
 * allowed.
 *
 * Numbers of pairs grow nearly in the order of first sight, but a pair may come late, or turn out
 * to have asked before. With the oldest of each block (blocks.ts) a walk knows when no pair that
 * follows can be older than those it has.
 */

import { ALL_UNUSUAL, UNUSUAL } from './domain-schema.ts';

/** Pairs of one block, as a power of two. */
export const BLOCK_SHIFT = 12;

const BITS = `
  (denied > 0) * ${UNUSUAL.denied} + (would_deny > 0) * ${UNUSUAL.wouldDeny}
  + (failed > 0) * ${UNUSUAL.failed}`;

export const BLOCKS = `
CREATE TABLE block (
  number INTEGER PRIMARY KEY,        -- of pairs id >> ${BLOCK_SHIFT}
  oldest_ms INTEGER NOT NULL         -- the least first_ms of them
) STRICT;
INSERT INTO block SELECT id >> ${BLOCK_SHIFT}, min(first_ms) FROM pair GROUP BY 1;

-- The step that brought \`unusual\` shifted too far, for "|" and "<<" bind alike in SQLite: of what
-- was denied, or would have been, it set a bit beyond all of them.
UPDATE pair SET unusual = ${BITS} WHERE unusual > ${ALL_UNUSUAL};
CREATE INDEX pair_by_workload ON pair (workload_id, unusual, first_ms) WHERE unusual > 0;
`;

/** The step of the schema for which addresses workloads were given for which names, and when. */

export const ANSWERS = `
CREATE TABLE answer (
  address BLOB NOT NULL,             -- 16 octets, IPv4 mapped
  workload_id INTEGER NOT NULL,
  name_rev TEXT NOT NULL,            -- registrable domain as in pair
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  last_day INTEGER NOT NULL,         -- of last_ms: the index moves an entry once a day
  count INTEGER NOT NULL,            -- times that it was told, not queries
  PRIMARY KEY (address, workload_id, name_rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_by_day ON answer (last_day);
`;

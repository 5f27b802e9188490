/** The step of the schema for `top` over many days: sums of the hours of a day (busy-days.ts). */

export const BUSY_DAYS = `
CREATE TABLE busy_day (
  day INTEGER PRIMARY KEY,           -- since the epoch, UTC; it is over
  first_hour INTEGER NOT NULL,       -- of those that busy has
  last_hour INTEGER NOT NULL,
  workloads TEXT NOT NULL,           -- names, and their counts: Sums.lists as JSON
  domains TEXT NOT NULL,
  missed INTEGER NOT NULL
) STRICT;
`;

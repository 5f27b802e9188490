/**
 * Channels: the words of a row about one (workload, registrable domain), after those of rows.ts.
 * Its worth is the ledger of novel information, in bytes.
 */

import { ROW_FIRST } from './rows.ts';

/** Names asked for that were not remembered, since the row was made. */
export const CHANNEL_DISTINCT = ROW_FIRST;
/** Wall clock until which the domain is denied to the workload, s; 0 for never. */
export const CHANNEL_DENIED_UNTIL = ROW_FIRST + 1;

/** Words of a row: 1 kB. */
export const CHANNEL_WORDS = 256;

/**
 * examine, examineAnswer: the detectors' two places in a query's life. Fast lane, and only for what
 * goes upstream: what the store answers never leaves, so it carries nothing.
 */

import type { Memory } from '../memory.ts';
import { isNamed } from '../policy/authorize.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import { examineStanding } from './reputation.ts';

/** Charges a question that is about to go upstream; may turn its decision into a denial. */
export function examine(query: Query, tables: Tables, memory: Memory): void {
  if (isNamed(query.decision)) return;
  examineStanding(query, tables, memory);
}

/** Takes in what an upstream answered to one client's question: `memory.clean`. */
export function examineAnswer(query: Query, _tables: Tables, _memory: Memory): void {
  if (isNamed(query.decision)) return;
}

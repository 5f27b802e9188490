/**
 * examine, examineAnswer: the detectors' two places in a query's life. Fast lane, and only for what
 * goes upstream: what the store answers never leaves, so it carries nothing.
 */

import type { Memory } from '../memory.ts';
import { isNamed } from '../policy/authorize.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import { chargeBudgetAnswer, examineBudget } from './budget.ts';
import { chargeAnswer } from './download.ts';
import { denyGenerated, noteGenerated } from './generated.ts';
import { ledgerLabel } from './registrable.ts';
import { examineStanding } from './reputation.ts';
import { chargeName } from './tunnel.ts';
import { isOdd } from './types.ts';

/** Charges a question that is about to go upstream; may turn its decision into a denial. */
export function examine(query: Query, tables: Tables, memory: Memory): void {
  examineBudget(query, tables, memory);
  if (query.decision.allowed === 0 || isExempt(query, tables)) return;
  examineStanding(query, tables, memory);
  if (query.decision.allowed === 0) return;
  chargeName(query, ledgerLabel(query.name, tables.suffixes), tables, memory);
  if (query.decision.allowed === 1) denyGenerated(query, tables, memory);
}

/** Takes in what an upstream answered to one client's question: `memory.clean`. */
export function examineAnswer(query: Query, tables: Tables, memory: Memory): void {
  chargeBudgetAnswer(query, tables, memory);
  if (isExempt(query, tables)) return;
  noteGenerated(query, tables, memory);
  if (memory.clean.answers > 0 && isOdd(query.qtype)) {
    chargeAnswer(query, ledgerLabel(query.name, tables.suffixes), tables, memory);
  }
}

/** A name that a person chose, and one that does not leave the house. */
function isExempt(query: Query, tables: Tables): boolean {
  if (isNamed(query.decision) || query.isAlias === 1) return true;
  tables.routes.find(query.name);
  return tables.routes.internal === 1;
}

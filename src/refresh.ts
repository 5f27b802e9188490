/**
 * refresh: may the answer that a client was just given be asked for anew before its end?
 *
 * Fast lane, for hits that the store calls due. What leaves so does it in the name of the workload
 * that asked, by the decision that it got, and is charged as any question of its is. Where that
 * says more than "this name may be resolved" (an exception that ends, a budget, a mode that alone
 * lets it through), nobody asks but the clients.
 */

import { WAS_DUE } from './cache/entry.ts';
import { findEntry } from './cache/lookup.ts';
import { examine } from './detect/examine.ts';
import { OUTCOME_CACHED, OUTCOME_NXDOMAIN_CACHED } from './events/ledger.ts';
import type { Memory } from './memory.ts';
import { ADMITTED } from './overload/rates.ts';
import { isExcepted } from './overrides/in-force.ts';
import type { Query } from './query.ts';
import type { Tables } from './tables.ts';
import { RD } from './wire/constants.ts';

/** Whether `query`, which was answered from the store, leads to a refresh: once for an entry. */
export function mayRefresh(query: Query, tables: Tables, memory: Memory): boolean {
  if (!isFitting(query, tables) || !hasSpare(query, memory)) return false;
  const { store } = memory;
  const entry = findEntry(query, store);
  if (entry === -1) return false;
  store.mark(entry, WAS_DUE);
  if (tables.rates.miss(query) !== ADMITTED) return false;
  examine(query, tables, memory);
  return query.decision.allowed === 1;
}

function isFitting({ decision, outcome, flags, isAlias }: Query, tables: Tables): boolean {
  // With RD=0 an answer says nothing to those who ask with RD=1, and is not stored.
  if (isAlias === 1 || (flags & RD) === 0) return false;
  if (outcome !== OUTCOME_CACHED && outcome !== OUTCOME_NXDOMAIN_CACHED) return false;
  if (decision.allowed === 0 || decision.wouldDeny === 1 || isExcepted(decision)) return false;
  return tables.budgets.of(decision.rule) === 0;
}

/** The places of those who wait are not for this once half of them are taken. */
function hasSpare({ workload }: Query, { inflight, waiters }: Memory): boolean {
  return inflight.count * 2 <= inflight.capacity && waiters.hasSpare(workload);
}

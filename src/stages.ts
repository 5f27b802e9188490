/**
 * What both halves of a query's life do: find the workload, decide about the name, count the
 * outcome.
 */

import { registrableLabel } from './detect/registrable.ts';
import { REASON_CHAIN } from './events/kinds.ts';
import {
  OUTCOME_CACHED,
  OUTCOME_DENIED,
  OUTCOME_FAILED,
  OUTCOME_NXDOMAIN_CACHED,
} from './events/ledger.ts';
import { NONE } from './events/slots.ts';
import { identify } from './identity/identify.ts';
import type { Memory } from './memory.ts';
import { allowedTarget, authorize, globallyDenied } from './policy/authorize.ts';
import { resetDecision } from './policy/decision.ts';
import type { Query } from './query.ts';
import type { Tables } from './tables.ts';
import { NOERROR, SERVFAIL } from './wire/constants.ts';
import { messageFlags, rcodeOf } from './wire/header.ts';
import type { WireName } from './wire/name.ts';
import { zoneKind } from './zones/kind.ts';

export function identifyBy(tables: Tables, query: Query): void {
  identify(query, tables.prefixes);
  query.mode = tables.workloads.mode[query.workload]!;
  query.revision = tables.revision;
  if (tables.overrides.hasExceptions) tables.overrides.begin(query);
}

/** @param zone the local zone that holds the name, or -1 */
export function authorizeIn(zone: number, query: Query, tables: Tables): void {
  const kind = zoneKind(query.name, zone, tables.zones);
  authorize(query.name, query.qtype, query.workload, tables, kind, query.decision);
}

/**
 * Whether an alias of a local zone may be followed: quarantines, global deny and feeds hold for its
 * target; `chain: inspect` asks the workload's own lists too. `memory.chain` says why not.
 */
export function mayFollow(
  query: Query,
  target: WireName,
  tables: Tables,
  { chain }: Memory,
): boolean {
  const { qtype, workload } = query;
  resetDecision(chain.decision);
  chain.reason = REASON_CHAIN;
  if (globallyDenied(target, qtype, tables, chain.decision)) return false;
  if (tables.workloads.inspectChain[workload] === 0) return true;
  return allowedTarget(target, qtype, workload, tables, chain.decision);
}

/** A hit is an answer, or the denial of one, or a failure that is remembered. */
export function outcomeOfHit(query: Query): number {
  if (query.decision.allowed === 0) return OUTCOME_DENIED;
  const rcode = rcodeOf(messageFlags(query.out, query.outStart));
  if (rcode === NOERROR) return OUTCOME_CACHED;
  return rcode === SERVFAIL ? OUTCOME_FAILED : OUTCOME_NXDOMAIN_CACHED;
}

/** Counts what became of a query. Returns its (workload, registrable domain) pair. */
export function account(query: Query, outcome: number, tables: Tables, memory: Memory): number {
  return count(query, memory.ledger.find(query), outcome, tables, memory);
}

/** The same for a caller who looked: `known` is what `ledger.find` said, and nothing came since. */
export function count(
  query: Query,
  known: number,
  outcome: number,
  tables: Tables,
  memory: Memory,
): number {
  const { ledger } = memory;
  query.outcome = outcome;
  if (known !== NONE) return ledger.countKnown(query, known, outcome);
  return ledger.countNew(query, registrableLabel(query.name, tables.suffixes), outcome);
}

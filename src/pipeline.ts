/**
 * The whole life of a query, and of a response: `decide` and `settle`.
 *
 * ```
 * decide:  parse -> identify -> authorize (with reputation) -> local zone -> lookup -> FORWARD
 * settle:  sanitise -> inspect -> admit to the store -> respond to each waiter
 * ```
 *
 * Synchronous, no I/O, no throw, no allocation, no clock of its own. UDP batches, TCP streams and
 * `explain` all come through here: there is one engine.
 */

import { hasFailed, rememberFailure } from './cache/failures.ts';
import { inspect, targetsPass } from './cache/inspect.ts';
import {
  findAnswer,
  lookup,
  noteAlert,
  noteWouldDeny,
  refuse,
  writeAnswer,
} from './cache/lookup.ts';
import { sanitise, setMessage } from './cache/sanitise.ts';
import { EVERY_TYPE, HAS_ALERT, HAS_TARGETS, IS_NXDOMAIN } from './cache/store.ts';
import {
  ALLOWED,
  DENIED,
  DROPPED_MALFORMED,
  FAILED,
  FAULTS,
  FORMERR_COUNT,
  LOCAL,
  NOTIMP_COUNT,
  REFUSED_COUNT,
  TRUNCATED,
  UNMAPPED,
  UPSTREAM_MALFORMED,
  WOULD_DENY,
} from './counters.ts';
import { registrableLabel } from './detect/registrable.ts';
import { REASON_CHAIN, REASON_MODE, REASON_NONE, REASON_REBINDING } from './events/kinds.ts';
import {
  OUTCOME_ALLOWED,
  OUTCOME_CACHED,
  OUTCOME_DENIED,
  OUTCOME_FAILED,
} from './events/ledger.ts';
import { identify } from './identity/identify.ts';
import type { Memory } from './memory.ts';
import { allowedTarget, authorize, globallyDenied } from './policy/authorize.ts';
import { resetDecision } from './policy/decision.ts';
import { deny } from './policy/deny.ts';
import { DROP, FORWARD, type Query, RESPOND, type Verdict } from './query.ts';
import type { Tables } from './tables.ts';
import { KEY_DO, KEY_NO_RD } from './upstream/inflight.ts';
import { writeAny } from './wire/any.ts';
import {
  BADVERS,
  CLASS_IN,
  EDE_CACHED_ERROR,
  EDE_NETWORK_ERROR,
  EDE_OTHER,
  FORMERR,
  NOERROR,
  NOTIMP,
  NXDOMAIN,
  REFUSED,
  SERVFAIL,
  TYPE_ANY,
  TYPE_META_FIRST,
} from './wire/constants.ts';
import { messageFlags, rcodeOf } from './wire/header.ts';
import { copyName } from './wire/name.ts';
import { PARSE_DROP, PARSE_FORMERR, PARSE_OK, PARSE_OPCODE, parse } from './wire/parse.ts';
import { appendOpt, respondEmpty } from './wire/response.ts';
import { appendTarget } from './zones/alias.ts';
import { CHAIN_LEAVES } from './zones/answer.ts';
import { zoneKind } from './zones/kind.ts';

const NO_TEXT = new Uint8Array(0);

/**
 * Decides one query.
 *
 * @returns RESPOND with the response in `query.out`, DROP, or FORWARD: the question must go
 *   upstream
 */
export function decide(query: Query, tables: Tables, memory: Memory): Verdict {
  const parsed = parse(query);
  if (parsed !== PARSE_OK) return reject(query, parsed, memory);
  if (query.ednsVersion > 0) return respond(query, BADVERS);
  identifyBy(tables, query);
  query.isAlias = 0;
  if (query.qclass !== CLASS_IN || isMeta(query.qtype)) return refuseKind(query, memory);

  const zone = tables.zones.find(query.name);
  authorizeIn(zone, query, tables);
  countDecision(query, memory);
  if (query.decision.allowed === 0) {
    account(query, OUTCOME_DENIED, tables, memory);
    return deny(query, tables);
  }
  if (zone !== -1) return answerLocally(query, zone, tables, memory);
  if (query.qtype === TYPE_ANY) return answerAny(query, tables, memory);
  if (lookup(query, tables, memory) === RESPOND) {
    account(query, outcomeOfHit(query), tables, memory);
    return RESPOND;
  }
  return FORWARD;
}

function identifyBy(tables: Tables, query: Query): void {
  identify(query, tables.prefixes);
  query.mode = tables.workloads.mode[query.workload]!;
  query.revision = tables.revision;
}

/** @param zone the local zone that holds the name, or -1 */
function authorizeIn(zone: number, query: Query, tables: Tables): void {
  const kind = zoneKind(query.name, zone, tables.zones);
  authorize(query.name, query.qtype, query.workload, tables, kind, query.decision);
}

/** A hit is an answer, or the denial of one, or a failure that is remembered. */
function outcomeOfHit(query: Query): number {
  if (query.decision.allowed === 0) return OUTCOME_DENIED;
  const rcode = rcodeOf(messageFlags(query.out, query.outStart));
  return rcode === SERVFAIL ? OUTCOME_FAILED : OUTCOME_CACHED;
}

/**
 * `decide`, for callers that must go on whatever happens: when deciding fails by a defect, nothing
 * is known about the name, so it is refused (fail closed), or for a workload with `fail_open` asked
 * upstream. Counted; `onFault` says it in the log.
 */
export function decideSafely(
  query: Query,
  tables: Tables,
  memory: Memory,
  onFault: (error: unknown, isOpen: boolean) => void,
): Verdict {
  try {
    query.workload = 0;
    return decide(query, tables, memory);
  } catch (error) {
    memory.counters[FAULTS]!++;
    const isOpen = tables.workloads.failOpen[query.workload] === 1;
    onFault(error, isOpen);
    if (isOpen) {
      letThrough(query, tables);
      return FORWARD;
    }
    respondEmpty(query, SERVFAIL, EDE_OTHER);
    return RESPOND;
  }
}

/** `fail_open`: what was decided before the defect does not count. */
function letThrough(query: Query, tables: Tables): void {
  resetDecision(query.decision);
  query.decision.allowed = 1;
  query.decision.wouldDeny = 1;
  query.decision.reason = REASON_MODE;
  query.revision = tables.revision;
  query.isAlias = 0;
}

/** What cannot be read, and what is no query (RFC 1035 4.1.1, RFC 8906). */
function reject(query: Query, parsed: number, memory: Memory): Verdict {
  if (parsed === PARSE_DROP) {
    memory.counters[DROPPED_MALFORMED]!++;
    return DROP;
  }
  memory.counters[parsed === PARSE_OPCODE ? NOTIMP_COUNT : FORMERR_COUNT]!++;
  return respond(query, parsed === PARSE_FORMERR ? FORMERR : NOTIMP);
}

function respond(query: Query, rcode: number): Verdict {
  respondEmpty(query, rcode, -1);
  return RESPOND;
}

/** Query and meta types that are not ANY: zone transfers, TKEY, TSIG, MAILB (RFC 6895 3.1). */
function isMeta(qtype: number): boolean {
  return qtype >= TYPE_META_FIRST && qtype < TYPE_ANY;
}

/** Never forwarded, whatever the name: other classes tell nothing, transfers are refused. */
function refuseKind(query: Query, memory: Memory): Verdict {
  memory.counters[REFUSED_COUNT]!++;
  return respond(query, REFUSED);
}

function countDecision(query: Query, memory: Memory): void {
  const { decision } = query;
  const { counters } = memory;
  counters[decision.allowed === 1 ? ALLOWED : DENIED]!++;
  counters[WOULD_DENY]! += decision.wouldDeny;
  if (query.workload === 0) counters[UNMAPPED]!++;
}

function answerLocally(query: Query, zone: number, tables: Tables, memory: Memory): Verdict {
  memory.counters[LOCAL]!++;
  if (tables.zones.answer(query, zone) === CHAIN_LEAVES) return followAlias(query, tables, memory);
  account(query, OUTCOME_ALLOWED, tables, memory);
  return RESPOND;
}

/** The chain leads out of the local zones: its target is vetted, and asked for like any name. */
function followAlias(query: Query, tables: Tables, memory: Memory): Verdict {
  const { chain, aliasTarget, store, aliasAnswer } = memory;
  copyName(tables.zones.target, aliasTarget);
  if (!mayFollow(query, tables, memory)) {
    refuse(query, chain.reason, chain.decision.rule, memory);
    account(query, OUTCOME_DENIED, tables, memory);
    return deny(query, tables);
  }
  // A private zone is not entered from outside: the client gets the alias alone.
  const isLocal = tables.zones.find(aliasTarget) !== -1;
  if (!isLocal && hasFailed(query, aliasTarget, memory)) {
    respondFailure(query, EDE_CACHED_ERROR, tables, memory);
    return RESPOND;
  }
  const entry = isLocal ? -1 : findAnswer(query, aliasTarget, tables, memory);
  if (!isLocal && entry === -1) {
    query.isAlias = 1;
    return FORWARD;
  }
  account(query, isLocal ? OUTCOME_ALLOWED : OUTCOME_CACHED, tables, memory);
  if (isLocal) return RESPOND;
  aliasAnswer.octets = store.octets;
  aliasAnswer.start = store.messageAt(entry);
  aliasAnswer.length = store.messageLength(entry);
  aliasAnswer.age = store.age(entry, query.nowSeconds);
  appendTarget(query, aliasAnswer);
  return RESPOND;
}

/**
 * Global deny and feeds hold for the target; `chain: inspect` asks the workload's own lists too.
 */
function mayFollow(query: Query, tables: Tables, memory: Memory): boolean {
  const { chain, aliasTarget } = memory;
  const { qtype, workload } = query;
  resetDecision(chain.decision);
  chain.reason = REASON_CHAIN;
  if (globallyDenied(aliasTarget, qtype, tables, chain.decision)) return false;
  if (tables.workloads.inspectChain[workload] === 0) return true;
  return allowedTarget(aliasTarget, qtype, workload, tables, chain.decision);
}

/** ANY never goes upstream: one small record says so. */
function answerAny(query: Query, tables: Tables, memory: Memory): Verdict {
  memory.counters[LOCAL]!++;
  writeAny(query);
  account(query, OUTCOME_ALLOWED, tables, memory);
  return RESPOND;
}

/** Counts what became of a query. Returns its (workload, registrable domain) pair. */
function account(query: Query, outcome: number, tables: Tables, memory: Memory): number {
  const { ledger } = memory;
  const known = ledger.find(query);
  if (known !== -1) return ledger.countKnown(query, known, outcome);
  return ledger.countNew(query, registrableLabel(query.name, tables.suffixes), outcome);
}

/**
 * Takes an upstream's answer to `question` (name, type, DO as they were asked).
 *
 * @returns false when it is malformed: ignored, as if it never came. Otherwise the clean answer is
 *   in `memory.clean`, was put into the store where it may be, and `respondToWaiter` can use it.
 */
export function settle(
  octets: Uint8Array,
  start: number,
  end: number,
  question: Query,
  keyFlags: number,
  tables: Tables,
  memory: Memory,
): boolean {
  const { clean, inspection, store } = memory;
  setMessage(octets, start, end);
  question.dnssecOk = (keyFlags & KEY_DO) === 0 ? 0 : 1;
  if (!sanitise(question, tables.limits, clean)) {
    memory.counters[UPSTREAM_MALFORMED]!++;
    return false;
  }
  if (!isUsable(clean.rcode)) {
    rememberFailure(question, keyFlags, memory);
    return true;
  }
  inspect(clean.octets, 0, clean.length, question.name, tables, inspection);
  if (clean.seconds > 0 && keyFlags < KEY_NO_RD) {
    const isNxdomain = (clean.content & IS_NXDOMAIN) !== 0;
    clean.content |= HAS_TARGETS | (inspection.decision.feed === 0 ? 0 : HAS_ALERT);
    const key = ((isNxdomain ? EVERY_TYPE : question.qtype) << 8) | keyFlags;
    const entry = store.put(question.name, key, clean, question.nowSeconds);
    if (entry !== -1) {
      store.setInspection(entry, tables.revision, inspection.reason, inspection.decision.rule);
    }
  }
  return true;
}

/**
 * Whether an upstream's rcode is an answer; all others are failures to the client (RFC 9520 2.1).
 */
function isUsable(rcode: number): boolean {
  return rcode === NOERROR || rcode === NXDOMAIN;
}

/**
 * Writes the response for one waiter from the clean answer, by its own workload's policy: by the
 * one of now, when the tables were swapped while it waited.
 */
export function respondToWaiter(query: Query, tables: Tables, memory: Memory): void {
  const { clean, inspection } = memory;
  const isOutdated = query.revision !== tables.revision;
  // The zone that led to the target may lead elsewhere by now: the client asks again.
  if (!isUsable(clean.rcode) || (isOutdated && query.isAlias === 1)) {
    respondFailure(query, clean.ede, tables, memory);
    return;
  }
  if (isOutdated) {
    identifyBy(tables, query);
    authorizeIn(tables.zones.find(query.name), query, tables);
  }
  if (query.decision.allowed === 1) inspectFor(query, tables, memory);
  if (query.decision.allowed === 0) {
    respondDenied(query, tables, memory);
    return;
  }
  const pair = account(query, OUTCOME_ALLOWED, tables, memory);
  if (inspection.addressCount > 0 && memory.ledger.wantsAnswers(pair)) {
    memory.ledger.addAnswers(pair, inspection.addresses, inspection.addressCount);
  }
  if (query.isAlias === 1) {
    respondWithAlias(query, tables, memory);
  } else if (writeAnswer(query, clean.octets, 0, clean.length)) {
    appendOpt(query, 0, clean.ede, NO_TEXT, 0, 0);
  } else {
    memory.counters[TRUNCATED]!++;
  }
}

/** The zone's chain once more (it may have been reloaded since), then what its target has. */
function respondWithAlias(query: Query, tables: Tables, memory: Memory): void {
  const { aliasAnswer, clean } = memory;
  const zone = tables.zones.find(query.name);
  if (zone === -1 || tables.zones.answer(query, zone) !== CHAIN_LEAVES) {
    respondEmpty(query, SERVFAIL, EDE_OTHER);
    return;
  }
  aliasAnswer.octets = clean.octets;
  aliasAnswer.start = 0;
  aliasAnswer.length = clean.length;
  aliasAnswer.age = 0;
  appendTarget(query, aliasAnswer);
}

/** Turns the decision into a denial when this workload must not have the answer. */
function inspectFor(query: Query, tables: Tables, memory: Memory): void {
  const { clean, inspection, chain } = memory;
  noteAlert(query, inspection);
  if (inspection.reason !== REASON_NONE) {
    refuse(query, inspection.reason, inspection.decision.rule, memory);
  } else if (tables.workloads.inspectChain[query.workload] === 1) {
    const passes = targetsPass(clean.octets, 0, clean.length, query, tables, chain);
    if (passes) noteWouldDeny(query, chain, memory);
    else refuse(query, chain.reason, chain.decision.rule, memory);
  }
}

function respondDenied(query: Query, tables: Tables, memory: Memory): void {
  const { inspection, ledger } = memory;
  const pair = account(query, OUTCOME_DENIED, tables, memory);
  const hasAddress = query.decision.reason === REASON_REBINDING && inspection.addressCount > 0;
  if (hasAddress) ledger.refuse(pair, inspection.addresses, 0);
  // Somebody waits for this response: a feed that asks for none has spoken too late.
  if (deny(query, tables) === DROP) respondEmpty(query, REFUSED, -1);
}

/** SERVFAIL with an EDE: nobody answered, or not usefully. */
export function respondFailure(query: Query, ede: number, tables: Tables, memory: Memory): void {
  memory.counters[FAILED]!++;
  // The number of a workload means nothing to tables that were swapped in while it waited.
  if (query.revision !== tables.revision) identifyBy(tables, query);
  account(query, OUTCOME_FAILED, tables, memory);
  respondEmpty(query, SERVFAIL, ede === -1 ? EDE_NETWORK_ERROR : ede);
}

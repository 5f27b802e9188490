/**
 * The whole life of a query, `decide`; that of a response is `settle.ts`.
 *
 * ```
 * decide:  identify -> rate -> parse -> cookie -> why -> recall, or authorize (with reputation)
 *          -> local zone -> lookup -> FORWARD
 * settle:  sanitise -> inspect -> admit to the store -> respond to each waiter
 * ```
 *
 * Synchronous, no I/O, no throw, no allocation, no clock of its own. UDP batches, TCP streams and
 * `explain` all come through here: there is one engine.
 */

import { hasFailed } from './cache/failures.ts';
import { findAnswer, lookup, refuse } from './cache/lookup.ts';
import { answerCookie, checkCookie } from './cookies.ts';
import {
  ALLOWED,
  DENIED,
  DROPPED_MALFORMED,
  FAULTS,
  FORMERR_COUNT,
  FORWARDER_REFUSED,
  LOCAL,
  NOTIMP_COUNT,
  RATE_MISSES,
  RATE_REFUSED,
  RATE_SHED,
  REFUSED_COUNT,
  TRUNCATED,
  UNMAPPED,
  WOULD_DENY,
} from './counters.ts';
import { examine } from './detect/examine.ts';
import { tellDenied } from './detect/reputation.ts';
import { REASON_MODE, REASON_REPUTATION } from './events/kinds.ts';
import {
  OUTCOME_ALLOWED,
  OUTCOME_CACHED,
  OUTCOME_DENIED,
  OUTCOME_FAILED,
  OUTCOME_NONE,
} from './events/ledger.ts';
import { NONE } from './events/slots.ts';
import { DIRECT, isSaid } from './identity/forwarded.ts';
import { UNMAPPED as NOBODY } from './identity/workloads.ts';
import type { Memory } from './memory.ts';
import { ADMITTED, SHED } from './overload/rates.ts';
import { capTtls } from './overrides/cap.ts';
import { isExcepted } from './overrides/in-force.ts';
import { resetDecision } from './policy/decision.ts';
import { deny } from './policy/deny.ts';
import { FORGOTTEN, recall, remember } from './policy/recall.ts';
import { answerWhy, decideWhy, isWhy } from './policy/why.ts';
import { DROP, FORWARD, type Query, RESPOND, type Verdict } from './query.ts';
import { respondFailure } from './settle.ts';
import { account, authorizeIn, count, identifyBy, mayFollow, outcomeOfHit } from './stages.ts';
import type { Tables } from './tables.ts';
import { writeAny } from './wire/any.ts';
import {
  BADVERS,
  CLASS_IN,
  EDE_CACHED_ERROR,
  EDE_OTHER,
  EDE_PROHIBITED,
  FORMERR,
  NOTIMP,
  REFUSED,
  SERVFAIL,
  TYPE_ANY,
  TYPE_META_FIRST,
} from './wire/constants.ts';
import { copyName } from './wire/name.ts';
import {
  PARSE_COOKIE,
  PARSE_DROP,
  PARSE_FORMERR,
  PARSE_OK,
  PARSE_OPCODE,
  parse,
} from './wire/parse.ts';
import { isCut, respondEmpty, respondWhy } from './wire/response.ts';
import { appendTarget } from './zones/alias.ts';
import { CHAIN_LEAVES } from './zones/answer.ts';

/**
 * Decides one query.
 *
 * @returns RESPOND with the response in `query.out`, DROP, or FORWARD: the question must go
 *   upstream
 */
export function decide(query: Query, tables: Tables, memory: Memory): Verdict {
  const verdict = decideUncapped(query, tables, memory);
  const { overrides } = tables;
  if (overrides.leftMs !== Number.POSITIVE_INFINITY) {
    if (verdict === RESPOND && query.decision.allowed === 1) capTtls(query, overrides);
    overrides.leftMs = Number.POSITIVE_INFINITY;
  }
  return verdict;
}

function decideUncapped(query: Query, tables: Tables, memory: Memory): Verdict {
  query.outcome = OUTCOME_NONE;
  query.isDue = 0;
  // Whose a query is that a forwarder passed on may stand in it: then it is read first.
  const isDirect = query.relay === DIRECT;
  let rate = ADMITTED;
  if (isDirect) {
    rate = identified(query, tables);
    if (rate === SHED) return shed(query, tables, memory);
    if (tables.rates.isBurst && query.overTcp === 0) noteBurst(query, tables, memory);
  }
  const parsed = parse(query);
  if (parsed === PARSE_COOKIE) return answerCookie(query, tables, memory);
  if (parsed !== PARSE_OK) return reject(query, parsed, memory);
  if (query.ednsVersion > 0) return respond(query, BADVERS);
  if (!isDirect) {
    if (!isSaid(query)) return refuseUnsaid(query, memory);
    rate = identified(query, tables);
    if (rate === SHED) return shed(query, tables, memory);
  }
  if (rate !== ADMITTED) return refuseRate(query, tables, memory);
  if (checkCookie(query, tables, memory) === RESPOND) return RESPOND;
  query.isAlias = 0;
  if (query.qclass !== CLASS_IN || isMeta(query.qtype)) return refuseKind(query, memory);
  if (isWhy(query.name)) return sayWhy(query, tables, memory);

  const known = memory.ledger.find(query);
  const zone = decideName(query, known, tables, memory);
  countDecision(query, tables, memory);
  if (query.decision.allowed === 0) {
    count(query, known, OUTCOME_DENIED, tables, memory);
    if (query.decision.reason === REASON_REPUTATION) tellDenied(query, tables, memory);
    return deny(query, tables);
  }
  if (zone !== -1) return answerLocally(query, zone, tables, memory);
  if (query.qtype === TYPE_ANY) return answerAny(query, tables, memory);
  if (lookup(query, tables, memory) === RESPOND) {
    count(query, known, outcomeOfHit(query), tables, memory);
    return RESPOND;
  }
  return leave(query, tables, memory);
}

/** Finds the workload. @returns what its rate limit says */
function identified(query: Query, tables: Tables): number {
  identifyBy(tables, query);
  return tables.rates.query(query);
}

/** The one way upstream: what detectors and budgets let go. */
function leave(query: Query, tables: Tables, memory: Memory): Verdict {
  if (tables.rates.miss(query) !== ADMITTED) return refuseMiss(query, tables, memory);
  examine(query, tables, memory);
  if (query.decision.allowed === 1) return FORWARD;
  account(query, OUTCOME_DENIED, tables, memory);
  return deny(query, tables);
}

/** The decision about the name; made once for a name that is known. Returns its local zone. */
function decideName(query: Query, known: number, tables: Tables, memory: Memory): number {
  const { names } = memory.ledger;
  if (known !== NONE) {
    const zone = recall(query, known, names, tables);
    if (zone !== FORGOTTEN) return zone;
  }
  const zone = tables.zones.find(query.name);
  authorizeIn(zone, query, tables);
  if (known !== NONE) remember(query, known, zone, tables, names);
  return zone;
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
  if (tables.taps.isOn === 1) return decideTapped(query, tables, memory, onFault);
  return decideCaught(query, tables, memory, onFault);
}

/** The same, told to the query log and to dnstap. */
function decideTapped(
  query: Query,
  tables: Tables,
  memory: Memory,
  onFault: (error: unknown, isOpen: boolean) => void,
): Verdict {
  const { tap } = memory;
  tap.begin(query);
  const verdict = decideCaught(query, tables, memory, onFault);
  tap.query(query, tables.taps, verdict === DROP);
  if (verdict === RESPOND) tap.response(query, tables.taps);
  else if (verdict === DROP) tap.noResponse(query, tables.taps);
  return verdict;
}

function decideCaught(
  query: Query,
  tables: Tables,
  memory: Memory,
  onFault: (error: unknown, isOpen: boolean) => void,
): Verdict {
  try {
    query.workload = 0;
    const verdict = decide(query, tables, memory);
    if (verdict === RESPOND && isCut(query)) memory.counters[TRUNCATED]!++;
    return verdict;
  } catch (error) {
    memory.counters[FAULTS]!++;
    const isOpen = mayFailOpen(query.workload, tables) && !isWhy(query.name);
    onFault(error, isOpen);
    if (isOpen) {
      letThrough(query, tables);
      return FORWARD;
    }
    query.outcome = OUTCOME_FAILED;
    respondEmpty(query, SERVFAIL, EDE_OTHER);
    return RESPOND;
  }
}

/**
 * `fail_open` lifts no budget, because nothing could be charged, and no quarantine, because nothing
 * is known about the name.
 */
function mayFailOpen(workload: number, { workloads, budgets, overrides }: Tables): boolean {
  if (workloads.failOpen[workload] !== 1 || budgets.memory.holds[workload] === 1) return false;
  return !overrides.hasDomains && !overrides.isContained(workload);
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

/** One source alone has no burst as large as its workload: the kernel may have to drop some. */
function noteBurst({ peer, peerAt, workload, nowMs }: Query, tables: Tables, memory: Memory): void {
  memory.shield.noteBurst(peer, peerAt, tables.rates.memory.queries[workload]!, nowMs);
}

/** Not even read: all that it costs is the way through the kernel. */
function shed(query: Query, tables: Tables, memory: Memory): Verdict {
  query.qtype = 0;
  const { queries } = tables.rates.memory;
  // What a forwarder passed on has another address on the socket.
  if (query.relay === DIRECT) {
    memory.shield.note(query.peer, query.peerAt, queries[query.workload]!, query.nowMs);
  }
  memory.counters[RATE_SHED]!++;
  memory.meter.limited(query, tables);
  return DROP;
}

/** REFUSED and not NXDOMAIN: nothing was decided about the name, and no client may keep it. */
function refuseRate(query: Query, tables: Tables, memory: Memory): Verdict {
  memory.counters[RATE_REFUSED]!++;
  memory.meter.limited(query, tables);
  respondWhy(query, REFUSED, EDE_OTHER, tables.rates.memory.texts, 1 + query.workload * 2);
  return RESPOND;
}

/** Before it is examined: what does not leave is charged to nobody. */
function refuseMiss(query: Query, tables: Tables, memory: Memory): Verdict {
  memory.counters[RATE_MISSES]!++;
  memory.meter.limited(query, tables);
  account(query, OUTCOME_FAILED, tables, memory);
  respondWhy(query, REFUSED, EDE_OTHER, tables.rates.memory.texts, 2 + query.workload * 2);
  return RESPOND;
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

/** A trusted forwarder that does not say whose a query is has not made it its own. */
function refuseUnsaid(query: Query, memory: Memory): Verdict {
  memory.counters[FORWARDER_REFUSED]!++;
  respondEmpty(query, REFUSED, EDE_PROHIBITED);
  return RESPOND;
}

/** Never forwarded, whatever the name: other classes tell nothing, transfers are refused. */
function refuseKind(query: Query, memory: Memory): Verdict {
  memory.counters[REFUSED_COUNT]!++;
  return respond(query, REFUSED);
}

function countDecision(query: Query, tables: Tables, memory: Memory): void {
  const { decision } = query;
  const { counters } = memory;
  counters[decision.allowed === 1 ? ALLOWED : DENIED]!++;
  counters[WOULD_DENY]! += decision.wouldDeny;
  if (query.workload === 0) counters[UNMAPPED]!++;
  if (isExcepted(decision)) tables.overrides.use(decision.rule);
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
  if (!mayFollow(query, aliasTarget, tables, memory)) {
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
    return leave(query, tables, memory);
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

/** Answered here for every workload, about itself; a source that none claims is told nothing. */
function sayWhy(query: Query, tables: Tables, memory: Memory): Verdict {
  decideWhy(query, query.workload !== NOBODY);
  countDecision(query, tables, memory);
  if (query.decision.allowed === 0) {
    account(query, OUTCOME_DENIED, tables, memory);
    return deny(query, tables);
  }
  memory.counters[LOCAL]!++;
  query.outcome = OUTCOME_ALLOWED;
  if (query.qtype === TYPE_ANY) writeAny(query);
  else answerWhy(query, tables);
  return RESPOND;
}

/** ANY never goes upstream: one small record says so. */
function answerAny(query: Query, tables: Tables, memory: Memory): Verdict {
  memory.counters[LOCAL]!++;
  writeAny(query);
  account(query, OUTCOME_ALLOWED, tables, memory);
  return RESPOND;
}

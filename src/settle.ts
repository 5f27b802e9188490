/**
 * The life of a response: `settle` for the answer, `respondToWaiter` for each client that waits.
 *
 * ```
 * settle:  sanitise -> inspect -> admit to the store
 * respond: by the workload's own policy, as it is now
 * ```
 */

import { EVERY_TYPE, HAS_ALERT, HAS_TARGETS, IS_NXDOMAIN } from './cache/entry.ts';
import { endStale, rememberFailure } from './cache/failures.ts';
import { inspect, targetsPass } from './cache/inspect.ts';
import {
  isServedStale,
  lookup,
  noteAlert,
  noteWouldDeny,
  refuse,
  writeAnswer,
} from './cache/lookup.ts';
import { sanitise, setMessage } from './cache/sanitise.ts';
import { FAILED, TRUNCATED, UPSTREAM_MALFORMED } from './counters.ts';
import { examineAnswer } from './detect/examine.ts';
import { registrableLabel } from './detect/registrable.ts';
import { noteAddresses } from './detect/reputation.ts';
import { REASON_NONE, REASON_REBINDING } from './events/kinds.ts';
import {
  OUTCOME_ALLOWED,
  OUTCOME_DENIED,
  OUTCOME_FAILED,
  OUTCOME_NXDOMAIN,
} from './events/ledger.ts';
import { NONE } from './events/slots.ts';
import type { Memory } from './memory.ts';
import { capTtls } from './overrides/cap.ts';
import { isExcepted } from './overrides/in-force.ts';
import { deny } from './policy/deny.ts';
import { DROP, type Query } from './query.ts';
import { account, authorizeIn, identifyBy, mayFollow, outcomeOfHit } from './stages.ts';
import type { Tables } from './tables.ts';
import { KEY_DO, KEY_NO_RD } from './upstream/inflight.ts';
import {
  EDE_NETWORK_ERROR,
  EDE_OTHER,
  NOERROR,
  NXDOMAIN,
  REFUSED,
  SERVFAIL,
} from './wire/constants.ts';
import { appendOpt, isCut, respondEmpty, respondWhy } from './wire/response.ts';
import { appendTarget } from './zones/alias.ts';
import { CHAIN_LEAVES } from './zones/answer.ts';

const NO_TEXT = new Uint8Array(0);
const TEXT = new TextEncoder().encode('overloaded: too many questions wait for upstreams');
const OVERLOADED = { octets: TEXT, starts: new Uint32Array([0, 0, TEXT.length]) };

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
    rememberFailure(question, keyFlags, tables.limits.staleSeconds, memory);
    return true;
  }
  if (tables.limits.staleSeconds > 0) endStale(question, keyFlags, memory);
  inspect(clean.octets, 0, clean.length, question.name, tables, inspection);
  noteAddresses(question.name, clean.seconds, question.nowSeconds, tables, memory);
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
 * one of now, when the tables were swapped while it waited, or when the exception that let it
 * through has ended since.
 */
export function respondToWaiter(query: Query, tables: Tables, memory: Memory): void {
  respondUncapped(query, tables, memory);
  capToException(query, tables);
  if (isCut(query)) memory.counters[TRUNCATED]!++;
}

/** The same for one whose question nobody answered: by an answer of before where one may serve. */
export function respondUnanswered(query: Query, ede: number, tables: Tables, memory: Memory): void {
  respondStaleOrFailure(query, ede, tables, memory);
  capToException(query, tables);
  if (isCut(query)) memory.counters[TRUNCATED]!++;
}

/**
 * Takes in, for the workload in whose name it was asked, an answer that goes to nobody: charged as
 * one that is given out, and its addresses are kept. No query is counted, and no denial: whoever
 * asks next is told.
 */
export function takeIn(query: Query, tables: Tables, memory: Memory): void {
  if (!isUsable(memory.clean.rcode)) return;
  decideAnew(query, tables);
  tables.overrides.leftMs = Number.POSITIVE_INFINITY;
  if (query.decision.allowed === 0 || !mayBeGiven(query, tables, memory)) return;
  examineAnswer(query, tables, memory);
  const { inspection, ledger } = memory;
  const pair = ledger.pairOf(query, registrableLabel(query.name, tables.suffixes));
  if (pair !== NONE && inspection.addressCount > 0 && ledger.wantsAnswers(pair)) {
    ledger.addAnswers(pair, inspection.addresses, inspection.addressCount);
  }
}

/** What `inspectFor` says, with nothing counted. */
function mayBeGiven(query: Query, tables: Tables, { clean, inspection, chain }: Memory): boolean {
  if (inspection.reason !== REASON_NONE) return false;
  if (tables.workloads.inspectChain[query.workload] === 0) return true;
  return targetsPass(clean.octets, 0, clean.length, query, tables, chain);
}

function capToException(query: Query, { overrides }: Tables): void {
  if (overrides.leftMs === Number.POSITIVE_INFINITY) return;
  if (query.decision.allowed === 1) capTtls(query, overrides);
  overrides.leftMs = Number.POSITIVE_INFINITY;
}

function respondUncapped(query: Query, tables: Tables, memory: Memory): void {
  const { clean, inspection } = memory;
  // The zone that led to the target may lead elsewhere by now: the client asks again.
  const isAstray = query.isAlias === 1 && query.revision < tables.policyRevision;
  if (!isUsable(clean.rcode) || isAstray) {
    respondStaleOrFailure(query, clean.ede, tables, memory);
    return;
  }
  const isOtherDecision = decideAnew(query, tables);
  if (isOtherDecision && query.isAlias === 1) vetTarget(query, tables, memory);
  if (query.decision.allowed === 1) inspectFor(query, tables, memory);
  if (query.decision.allowed === 0) {
    respondDenied(query, tables, memory);
    return;
  }
  examineAnswer(query, tables, memory);
  const outcome = clean.rcode === NXDOMAIN ? OUTCOME_NXDOMAIN : OUTCOME_ALLOWED;
  const pair = account(query, outcome, tables, memory);
  if (inspection.addressCount > 0 && memory.ledger.wantsAnswers(pair)) {
    memory.ledger.addAnswers(pair, inspection.addresses, inspection.addressCount);
  }
  if (query.isAlias === 1) {
    respondWithAlias(query, tables, memory);
  } else if (writeAnswer(query, clean.octets, 0, clean.length)) {
    appendOpt(query, 0, clean.ede, NO_TEXT, 0, 0);
  }
}

/**
 * The decision of now, when another policy or other overrides came into force since the query was
 * decided, or the exception that let it through has ended. Returns whether it was made.
 */
function decideAnew(query: Query, tables: Tables): boolean {
  const { decision, revision } = query;
  const { overrides } = tables;
  if (overrides.hasExceptions) overrides.begin(query);
  const hasEnded = isExcepted(decision) && !overrides.holds(decision.rule);
  if (revision === tables.revision && !hasEnded) return false;
  identifyBy(tables, query);
  authorizeIn(tables.zones.find(query.name), query, tables);
  return true;
}

/** The target of a local alias by what is in force now. */
function vetTarget(query: Query, tables: Tables, memory: Memory): void {
  if (query.decision.allowed === 0) return;
  const { zones } = tables;
  const zone = zones.find(query.name);
  if (zone === -1 || zones.answer(query, zone) !== CHAIN_LEAVES) return;
  const { chain } = memory;
  if (mayFollow(query, zones.target, tables, memory)) return;
  refuse(query, chain.reason, chain.decision.rule, memory);
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

function respondStaleOrFailure(query: Query, ede: number, tables: Tables, memory: Memory): void {
  const mayServe = tables.limits.staleSeconds > 0 && query.isAlias === 0;
  if (!mayServe || !isServedStale(query, memory)) {
    respondFailure(query, ede, tables, memory);
    return;
  }
  decideAnew(query, tables);
  if (query.decision.allowed === 0) {
    respondDenied(query, tables, memory);
    return;
  }
  lookup(query, tables, memory);
  account(query, outcomeOfHit(query), tables, memory);
}

/** SERVFAIL with EDE 0 and a text: there was no place to wait, or another needed it. */
export function respondOverloaded(query: Query, tables: Tables, memory: Memory): void {
  if (decideAnew(query, tables) && query.decision.allowed === 0) {
    respondDenied(query, tables, memory);
    return;
  }
  memory.counters[FAILED]!++;
  account(query, OUTCOME_FAILED, tables, memory);
  respondWhy(query, SERVFAIL, EDE_OTHER, OVERLOADED, 1);
}

/**
 * SERVFAIL with an EDE: nobody answered, or not usefully. Who may not have the name any more is
 * told that instead.
 */
export function respondFailure(query: Query, ede: number, tables: Tables, memory: Memory): void {
  if (decideAnew(query, tables) && query.decision.allowed === 0) {
    respondDenied(query, tables, memory);
    return;
  }
  memory.counters[FAILED]!++;
  account(query, OUTCOME_FAILED, tables, memory);
  respondEmpty(query, SERVFAIL, ede === -1 ? EDE_NETWORK_ERROR : ede);
}

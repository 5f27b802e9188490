/**
 * lookup: answer from the store, or say that it has nothing.
 *
 * The decision about the name was made before; what a stored answer holds is looked at here again
 * whenever the tables changed since, so that no answer outlives the policy that let it in and none
 * crosses from one workload to another.
 */

import { CACHED, CHAIN_DENIED, NETWORK_DENIED, REBINDING, STALE, WOULD_DENY } from '../counters.ts';
import {
  FLAG_CHAIN,
  FLAG_REBINDING,
  REASON_NETWORK,
  REASON_NONE,
  REASON_REBINDING,
} from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import { deny } from '../policy/deny.ts';
import { CONTINUE, type Query, RESPOND, type Verdict } from '../query.ts';
import type { Tables } from '../tables.ts';
import { KEY_CD, KEY_DO } from '../upstream/inflight.ts';
import {
  AD,
  AT_ANCOUNT,
  CD,
  EDE_CACHED_ERROR,
  EDE_STALE,
  HEADER_SIZE,
  NXDOMAIN,
  RA,
  RCODE_MASK,
  SERVFAIL,
  TYPE_SOA,
} from '../wire/constants.ts';
import { answerCount, authorityCount, messageFlags } from '../wire/header.ts';
import type { WireName } from '../wire/name.ts';
import { copyOctets, readU32, writeU32 } from '../wire/octets.ts';
import { copyExpanded, RecordPlace, readRecord } from '../wire/records.ts';
import {
  appendOpt,
  beginResponse,
  optRoom,
  respondEmpty,
  respondTruncated,
  responseLimit,
  setCounts,
} from '../wire/response.ts';
import {
  EVERY_TYPE,
  HAS_ALERT,
  HAS_TARGETS,
  IS_FAILURE,
  IS_STALE,
  STALE_SECONDS,
} from './entry.ts';
import { type Inspection, inspect, targetsPass } from './inspect.ts';
import type { Store } from './store.ts';

const NO_TEXT = new Uint8Array(0);
const NXDOMAIN_KEY = EVERY_TYPE << 8;
const record = new RecordPlace();

/** CD and DO change what an answer holds; they are part of every key. */
export function keyFlagsOf(query: Query): number {
  return ((query.flags & CD) === 0 ? 0 : KEY_CD) | (query.dnssecOk === 1 ? KEY_DO : 0);
}

/**
 * @returns RESPOND with the response written, or CONTINUE when the store has nothing. A refused
 *   answer (its chain or its addresses) is RESPOND with `query.decision` turned into the denial.
 */
export function lookup(query: Query, tables: Tables, memory: Memory): Verdict {
  const { store } = memory;
  const { name, nowSeconds } = query;
  const flags = keyFlagsOf(query);
  let entry = store.find(name, 0, (query.qtype << 8) | flags, nowSeconds);
  // NXDOMAIN holds for every type (RFC 2308 section 5).
  if (entry === -1 && store.denials.mayHold(name, 0)) {
    entry = store.find(name, 0, NXDOMAIN_KEY | flags, nowSeconds);
  }
  if (entry === -1) return lookupAbove(query, tables, memory, flags);
  store.touch(entry);
  const content = store.content(entry);
  if ((content & IS_FAILURE) !== 0) {
    respondEmpty(query, SERVFAIL, EDE_CACHED_ERROR);
    memory.counters[CACHED]!++;
    return RESPOND;
  }
  if ((content & HAS_TARGETS) !== 0 && !passes(query, entry, tables, memory)) return RESPOND;
  memory.counters[CACHED]!++;
  const at = store.messageAt(entry);
  const length = store.messageLength(entry);
  if (!writeAnswer(query, store.octets, at, length)) return RESPOND;
  if ((content & IS_STALE) !== 0) {
    finishStale(query, entry, memory);
    return RESPOND;
  }
  ageTtls(query, store, entry);
  appendOpt(query, 0, -1, NO_TEXT, 0, 0);
  if (tables.limits.prefetch && store.isDue(entry, nowSeconds)) query.isDue = 1;
  return RESPOND;
}

/**
 * A usable answer about another name than the query's: the target of a local alias.
 *
 * @returns its entry, or -1 when there is none that may be given out
 */
export function findAnswer(query: Query, name: WireName, tables: Tables, memory: Memory): number {
  const { store, inspection } = memory;
  const flags = keyFlagsOf(query);
  let entry = store.find(name, 0, (query.qtype << 8) | flags, query.nowSeconds);
  if (entry === -1) entry = store.find(name, 0, NXDOMAIN_KEY | flags, query.nowSeconds);
  if (entry === -1 || (store.content(entry) & (IS_FAILURE | IS_STALE)) !== 0) return -1;
  const at = store.messageAt(entry);
  const length = store.messageLength(entry);
  inspect(store.octets, at, length, name, tables, inspection);
  if (inspection.reason !== REASON_NONE) return -1;
  if (tables.workloads.inspectChain[query.workload] === 1) return -1;
  store.touch(entry);
  return entry;
}

/** Whether the answer may be given to this workload; writes the denial when it may not. */
function passes(query: Query, entry: number, tables: Tables, memory: Memory): boolean {
  const { store, inspection } = memory;
  const at = store.messageAt(entry);
  const length = store.messageLength(entry);
  const hasAlert = (store.content(entry) & HAS_ALERT) !== 0;
  if (hasAlert || store.revision(entry) !== tables.revision) {
    inspect(store.octets, at, length, query.name, tables, inspection);
    const { reason, decision } = inspection;
    store.setInspection(entry, tables.revision, reason, decision.rule);
    if (noteAlert(query, inspection)) store.mark(entry, HAS_ALERT);
  }
  const reason = store.inspection(entry);
  if (reason !== REASON_NONE) {
    refuse(query, reason, store.rule(entry), memory);
    deny(query, tables);
    return false;
  }
  if (tables.workloads.inspectChain[query.workload] === 0) return true;
  if (targetsPass(store.octets, at, length, query, tables, inspection)) {
    noteWouldDeny(query, inspection, memory);
    return true;
  }
  refuse(query, inspection.reason, inspection.decision.rule, memory);
  deny(query, tables);
  return false;
}

/** Notes that `enforce` would have denied a target of the answer, when nothing else would have. */
export function noteWouldDeny(query: Query, found: Inspection, memory: Memory): void {
  if (found.wouldDeny === 0 || query.decision.wouldDeny === 1) return;
  query.decision.wouldDeny = 1;
  memory.counters[WOULD_DENY]!++;
}

/** Adds the feed that alerts of a target to the decision. Returns whether there is one. */
export function noteAlert(query: Query, found: Inspection): boolean {
  const { feed, flags } = found.decision;
  if (feed === 0 || found.reason !== REASON_NONE) return false;
  query.decision.flags |= flags;
  if (query.decision.feed === 0) query.decision.feed = feed;
  return true;
}

/** Turns a decision that let the name through into the denial of its answer. */
export function refuse(query: Query, reason: number, rule: number, memory: Memory): void {
  const { decision } = query;
  decision.allowed = 0;
  decision.wouldDeny = 0;
  decision.reason = reason;
  decision.rule = rule;
  if (reason === REASON_NETWORK) {
    memory.counters[NETWORK_DENIED]!++;
    return;
  }
  decision.flags |= reason === REASON_REBINDING ? FLAG_REBINDING : FLAG_CHAIN;
  memory.counters[reason === REASON_REBINDING ? REBINDING : CHAIN_DENIED]!++;
}

/**
 * An NXDOMAIN for a name above says that nothing is below (RFC 8020). Used where it is safe without
 * validation: only for names that the same servers answer for, and not for DO, whose proof is about
 * another name.
 */
function lookupAbove(query: Query, tables: Tables, memory: Memory, flags: number): Verdict {
  const { name } = query;
  if (name.labelCount < 2 || query.dnssecOk === 1) return CONTINUE;
  tables.routes.find(name);
  const last = Math.min(tables.routes.label, name.labelCount - 1);
  for (let label = 1; label <= last; label++) {
    if (!memory.store.denials.mayHold(name, label)) continue;
    const entry = memory.store.find(name, label, NXDOMAIN_KEY | flags, query.nowSeconds);
    if (entry === -1 || (memory.store.content(entry) & IS_STALE) !== 0) continue;
    memory.counters[CACHED]!++;
    writeCut(query, memory.store, entry);
    return RESPOND;
  }
  return CONTINUE;
}

/** NXDOMAIN for the qname with the SOA of the entry above it, aged. */
function writeCut(query: Query, store: Store, entry: number): void {
  const start = store.messageAt(entry);
  const end = start + store.messageLength(entry);
  beginResponse(query, 0, NXDOMAIN);
  let at = start + HEADER_SIZE + store.nameLength(entry) + 4;
  const count = answerCount(store.octets, start) + authorityCount(store.octets, start);
  for (let i = 0; i < count; i++) {
    at = readRecord(store.octets, at, end, record);
    if (at === -1) break;
    if (record.type !== TYPE_SOA) continue;
    const outAt = query.outStart + query.outLength;
    const after = copyExpanded(store.octets, start, record, query.out, outAt);
    if (after === -1 || after - query.outStart + optRoom(query, -1) > responseLimit(query)) break;
    ageExpanded(query, outAt, store.age(entry, query.nowSeconds));
    query.outLength = after - query.outStart;
    setCounts(query, 0, 1);
    break;
  }
  appendOpt(query, 0, -1, NO_TEXT, 0, 0);
}

function ageExpanded(query: Query, at: number, age: number): void {
  let position = at;
  while (query.out[position] !== 0) position += 1 + query.out[position]!;
  const ttl = readU32(query.out, position + 5);
  writeU32(query.out, position + 5, ttl > age ? ttl - age : 0);
}

/**
 * Writes a clean message as the response to `query`, without the OPT record: its own ID and
 * question, the flags of a forwarder, and AD only for who asked for it (RFC 6840 5.8).
 *
 * @returns false when it did not fit and was answered with TC instead, OPT included
 */
export function writeAnswer(query: Query, octets: Uint8Array, at: number, length: number): boolean {
  const flags = messageFlags(octets, at);
  const wantsAd = query.dnssecOk === 1 || (query.flags & AD) !== 0;
  const kept = RA | (wantsAd ? flags & AD : 0);
  if (length + optRoom(query, -1) > responseLimit(query)) {
    respondTruncated(query, kept, flags & RCODE_MASK);
    return false;
  }
  beginResponse(query, kept, flags & RCODE_MASK);
  const question = query.outLength;
  copyOctets(octets, at + AT_ANCOUNT, query.out, query.outStart + AT_ANCOUNT, 4);
  copyOctets(octets, at + question, query.out, query.outStart + question, length - question);
  query.outLength = length;
  return true;
}

/** Whether an answer whose time is over serves now, because no upstream answers. */
export function isServedStale(query: Query, { store }: Memory): boolean {
  const entry = findEntry(query, store);
  return entry !== -1 && (store.content(entry) & IS_STALE) !== 0;
}

/** What the store has for the query, -1 for nothing. */
export function findEntry(query: Query, store: Store): number {
  const flags = keyFlagsOf(query);
  const entry = store.find(query.name, 0, (query.qtype << 8) | flags, query.nowSeconds);
  if (entry !== -1) return entry;
  return store.find(query.name, 0, NXDOMAIN_KEY | flags, query.nowSeconds);
}

/** Short TTLs, and EDE 3 where it fits (RFC 8767 section 4, RFC 8914 section 4.4). */
function finishStale(query: Query, entry: number, memory: Memory): void {
  const { store, counters } = memory;
  const { octets } = store;
  counters[STALE]!++;
  let at = store.ttlsAt(entry);
  for (let i = store.ttlCount(entry); i > 0; i--, at += 2) {
    writeU32(query.out, query.outStart + (octets[at]! | (octets[at + 1]! << 8)), STALE_SECONDS);
  }
  const fits = query.outLength + optRoom(query, 0) <= responseLimit(query);
  appendOpt(query, 0, fits ? EDE_STALE : -1, NO_TEXT, 0, 0);
}

function ageTtls(query: Query, store: Store, entry: number): void {
  const age = store.age(entry, query.nowSeconds);
  if (age === 0) return;
  const { octets } = store;
  let at = store.ttlsAt(entry);
  for (let i = store.ttlCount(entry); i > 0; i--, at += 2) {
    const ttlAt = query.outStart + (octets[at]! | (octets[at + 1]! << 8));
    const ttl = readU32(query.out, ttlAt);
    writeU32(query.out, ttlAt, ttl > age ? ttl - age : 0);
  }
}

/**
 * deny: what a denied query gets. The verdict stands; this writes it so that the service owner sees
 * at once that it was policy and not the network.
 *
 * NXDOMAIN with an SOA whose minimum is the deny TTL (RFC 2308), AA, and an EDE that names
 * workload, rule and whom to ask; or NODATA, REFUSED or an address where the workload says so, or
 * what an RPZ entry asks for. All types alike. Nothing is sent upstream.
 */

import { IS_USED_UP } from '../detect/budgets.ts';
import { REASON_BUDGET, REASON_CHAIN, REASON_FEED, REASON_UNMAPPED } from '../events/kinds.ts';
import {
  ANSWER_ADDRESS,
  ANSWER_NODATA,
  ANSWER_REFUSED,
  HAS_V4,
  HAS_V6,
} from '../identity/workloads.ts';
import { DROP, type Query, RESPOND, type Verdict } from '../query.ts';
import { ACTION_DATA, ACTION_DROP, ACTION_NODATA } from '../reputation/memory.ts';
import type { Tables } from '../tables.ts';
import {
  AA,
  CLASS_IN,
  EDE_BLOCKED,
  EDE_FILTERED,
  EDE_PROHIBITED,
  HEADER_SIZE,
  NOERROR,
  NXDOMAIN,
  REFUSED,
  SERVFAIL,
  TC,
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  TYPE_SOA,
} from '../wire/constants.ts';
import { copyOctets, readU16, writeU16, writeU32 } from '../wire/octets.ts';
import { appendOpt, beginResponse, optRoom, responseLimit, setCounts } from '../wire/response.ts';
import { isByFeed, sayWhyDenied, sentence, sentenceLength } from './sentence.ts';

const encoder = new TextEncoder();

/** mname `dnsvalve.invalid.` and rname `hostmaster.dnsvalve.invalid.` with the name as suffix. */
const SOA_NAMES = encoder.encode(
  '\x08dnsvalve\x07invalid\x00\x0ahostmaster\x08dnsvalve\x07invalid\x00',
);
const SOA_FIXED = 20;
const SOA_REFRESH = 3600;
const SOA_RETRY = 600;
const SOA_EXPIRE = 86400;

/** RFC 8914: 15 for a policy deny, 17 for a feed, 18 for an unmapped source. */
function edeCode(query: Query, tables: Tables): number {
  const { reason, rule } = query.decision;
  if (reason === REASON_UNMAPPED) return EDE_PROHIBITED;
  if (reason === REASON_FEED) return EDE_FILTERED;
  return reason === REASON_CHAIN && isRuleOfFeed(rule, tables) ? EDE_FILTERED : EDE_BLOCKED;
}

/** A chain may end in a rule of everyone or in a feed; both are rules to the store. */
function isRuleOfFeed(rule: number, tables: Tables): boolean {
  const { rules } = tables.reputation.feeds;
  for (let feed = 1; feed < rules.length; feed++) if (rules[feed] === rule) return true;
  return false;
}

/** Writes the denial that `query.decision` and the workload's settings ask for. */
export function deny(query: Query, tables: Tables): Verdict {
  const { reputation, workloads } = tables;
  const isFeed = isByFeed(query);
  if (isFeed && reputation.action === ACTION_DROP) return DROP;
  if (isFeed && reputation.action === ACTION_DATA) {
    beginResponse(query, AA, NOERROR);
    writeData(query, tables);
  } else {
    const answer = workloads.answer[query.workload]!;
    const nodata = isFeed && reputation.action === ACTION_NODATA;
    // Nothing is wrong with the name, and in a moment it may be had: not to be kept as a denial.
    if (isTransient(query, tables)) beginResponse(query, 0, SERVFAIL);
    else if (answer === ANSWER_REFUSED && !nodata) {
      beginResponse(query, 0, REFUSED);
    } else if (answer === ANSWER_ADDRESS && !nodata) {
      beginResponse(query, AA, NOERROR);
      writeAddress(query, tables);
    } else {
      beginResponse(query, AA, nodata || answer === ANSWER_NODATA ? NOERROR : NXDOMAIN);
      writeSoa(query, tables.denyTtlSeconds);
    }
  }
  finish(query, tables);
  return RESPOND;
}

function isTransient({ decision }: Query, { budgets }: Tables): boolean {
  return decision.reason === REASON_BUDGET && budgets.denied !== IS_USED_UP;
}

/** The EDE goes in only as far as it fits; the denial itself always does. */
function finish(query: Query, tables: Tables): void {
  // Without EDNS nobody reads it: a tenth of what a denial costs beside the kernel.
  if (query.hasEdns === 0) return;
  sayWhyDenied(query, tables);
  const room = responseLimit(query) - query.outLength - optRoom(query, 0);
  const length = room < 0 ? 0 : sentenceLength(room);
  appendOpt(query, 0, room < 0 ? -1 : edeCode(query, tables), sentence, 0, length);
}

/** One SOA owned by the qname: it is its own closest encloser as far as this answer goes. */
export function writeSoa(query: Query, ttl: number): void {
  const { out } = query;
  let at = beginRecord(query, TYPE_SOA, ttl, SOA_NAMES.length + SOA_FIXED);
  copyOctets(SOA_NAMES, 0, out, at, SOA_NAMES.length);
  at += SOA_NAMES.length;
  writeU32(out, at, 1);
  writeU32(out, at + 4, SOA_REFRESH);
  writeU32(out, at + 8, SOA_RETRY);
  writeU32(out, at + 12, SOA_EXPIRE);
  writeU32(out, at + 16, ttl);
  query.outLength = at + SOA_FIXED - query.outStart;
  setCounts(query, 0, 1);
}

/**
 * Writes owner (a pointer to the qname), type, class, TTL and RDLENGTH; returns where RDATA goes.
 */
export function beginRecord(query: Query, type: number, ttl: number, rdlength: number): number {
  const { out } = query;
  const at = query.outStart + query.outLength;
  writeU16(out, at, 0xc000 | HEADER_SIZE);
  writeU16(out, at + 2, type);
  writeU16(out, at + 4, CLASS_IN);
  writeU32(out, at + 6, ttl);
  writeU16(out, at + 10, rdlength);
  return at + 12;
}

function writeAddress(query: Query, tables: Tables): void {
  const { workloads, denyTtlSeconds } = tables;
  const families = workloads.addressFamilies[query.workload]!;
  const isV4 = query.qtype === TYPE_A && (families & HAS_V4) !== 0;
  const isV6 = query.qtype === TYPE_AAAA && (families & HAS_V6) !== 0;
  if (!isV4 && !isV6) {
    writeSoa(query, denyTtlSeconds);
    return;
  }
  const size = isV4 ? 4 : 16;
  const at = beginRecord(query, query.qtype, denyTtlSeconds, size);
  copyOctets(isV4 ? workloads.v4 : workloads.v6, query.workload * size, query.out, at, size);
  query.outLength = at + size - query.outStart;
  setCounts(query, 1, 0);
}

/**
 * Local data of an RPZ entry: its records of the query's type, or its CNAME; else NODATA. All of
 * them, or TC (RFC 2181 9).
 */
function writeData(query: Query, tables: Tables): void {
  const { data, dataEnd } = tables.reputation;
  let count = 0;
  for (let at = tables.reputation.dataStart; at + 4 <= dataEnd; ) {
    const type = readU16(data, at);
    const length = readU16(data, at + 2);
    if (type === query.qtype || type === TYPE_CNAME) {
      if (query.outLength + 12 + length + optRoom(query, 0) > responseLimit(query)) {
        beginResponse(query, AA | TC, NOERROR);
        return;
      }
      const rdata = beginRecord(query, type, tables.denyTtlSeconds, length);
      copyOctets(data, at + 4, query.out, rdata, length);
      query.outLength = rdata + length - query.outStart;
      count++;
    }
    at += 4 + length;
  }
  if (count === 0) writeSoa(query, tables.denyTtlSeconds);
  else setCounts(query, count, 0);
}

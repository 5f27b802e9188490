/**
 * deny: what a denied query gets. The verdict stands; this writes it so that the service owner sees
 * at once that it was policy and not the network.
 *
 * NXDOMAIN with an SOA whose minimum is the deny TTL (RFC 2308), AA, and an EDE that names
 * workload, rule and whom to ask; or NODATA, REFUSED or an address where the workload says so, or
 * what an RPZ entry asks for. All types alike. Nothing is sent upstream.
 */

import { IS_USED_UP } from '../detect/budgets.ts';
import { ledgerLabel } from '../detect/registrable.ts';
import {
  REASON_BUDGET,
  REASON_CHAIN,
  REASON_FEED,
  REASON_GLOBAL_DENY,
  REASON_MODE,
  REASON_NETWORK,
  REASON_REBINDING,
  REASON_REPUTATION,
  REASON_TUNNEL,
  REASON_UNMAPPED,
} from '../events/kinds.ts';
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
import type { WireName } from '../wire/name.ts';
import { copyOctets, readU16, writeU16, writeU32 } from '../wire/octets.ts';
import { appendOpt, beginResponse, optRoom, responseLimit, setCounts } from '../wire/response.ts';
import type { Texts, TextsMemory } from './texts.ts';

const encoder = new TextEncoder();
const OF_MODE = encoder.encode(': not in its allowlist');
const OF_UNMAPPED = encoder.encode(': no workload claims this source address');
const OF_CHAIN = encoder.encode(': the answer leads to a denied name, ');
const OF_REBINDING = encoder.encode(': the answer holds an internal address');
const OF_NETWORK = encoder.encode(': the answer holds an address that is denied by ');
const OF_RULE = encoder.encode(': denied by ');
const OF_TUNNEL = encoder.encode(': too much data in names under ');
const OF_BUDGET = encoder.encode(': ');
const USED_UP = encoder.encode(' used up, frees in ');
const NOT_TO_BE_HAD = encoder.encode(' cannot be charged now');
const MINUTES = encoder.encode(' min');
const SECONDS = encoder.encode(' s');
const BY = encoder.encode(', by ');
const OF_ENTRY = encoder.encode(', entry ');
const OF_STANDING = encoder.encode(': reputation ');
const OF_HUNDRED = encoder.encode(' of 100, below ');
const NAME_OPEN = encoder.encode(' [');
const NAME_CLOSE = encoder.encode(']');
const COLON = encoder.encode(': ');
const COMMA = encoder.encode(', ');
/** By BECAUSE_*: short, so that several fit. */
const STANDING_REASONS: readonly Uint8Array[] = [
  '',
  'listed by a feed',
  'a top-level domain with much abuse',
  'new in this network',
  'spelled like a generated name',
  'reads like another name',
  'reads like another name',
  'spelled almost like another name',
  'another name with a log-in word',
  'holds another name',
  'the name of another domain',
  'another domain below its own',
  'another name below its own',
  'addresses in many networks',
].map((reason) => encoder.encode(reason));
const DOT = encoder.encode('.');
const SEPARATOR = encoder.encode('; ');
const OF_WHY = encoder.encode('; see TXT _why.');

/** mname `dnsvalve.invalid.` and rname `hostmaster.dnsvalve.invalid.` with the name as suffix. */
const SOA_NAMES = encoder.encode(
  '\x08dnsvalve\x07invalid\x00\x0ahostmaster\x08dnsvalve\x07invalid\x00',
);
const SOA_FIXED = 20;
const SOA_REFRESH = 3600;
const SOA_RETRY = 600;
const SOA_EXPIRE = 86400;
/** An EDE text longer than this is cut: it must leave room for the rest within 512 octets. */
const TEXT_MAX = 230;

/** The EDE text of the last denial; one thread, used before the next. */
const text = new Uint8Array(TEXT_MAX + 1);
let textLength = 0;

/** What `compose` wrote. */
export const sentence = text;

/** Composes the EDE text of a denial, without the hint to `_why`. @returns its length */
export function compose(query: Query, tables: Tables): number {
  explain(query, tables);
  return textLength;
}

function append(octets: Uint8Array, at: number, length: number): void {
  const room = Math.min(length, text.length - textLength);
  copyOctets(octets, at, text, textLength, room);
  textLength += room;
}

function appendText(texts: Texts, id: number): void {
  append(texts.octets, texts.start(id), texts.end(id) - texts.start(id));
}

function appendName({ octets, starts }: TextsMemory, id: number): void {
  append(octets, starts[id]!, starts[id + 1]! - starts[id]!);
}

/** Composes `payments-api: denied by payments.yaml:40 deny x; ask team-payments`. */
function explain(query: Query, tables: Tables): void {
  const { reason, rule } = query.decision;
  textLength = 0;
  appendText(tables.workloads.names, query.workload + 1);
  if (reason === REASON_UNMAPPED && rule === 0) append(OF_UNMAPPED, 0, OF_UNMAPPED.length);
  else if (reason === REASON_MODE) append(OF_MODE, 0, OF_MODE.length);
  else if (reason === REASON_REBINDING) append(OF_REBINDING, 0, OF_REBINDING.length);
  else if (reason === REASON_NETWORK) append(OF_NETWORK, 0, OF_NETWORK.length);
  else if (reason === REASON_REPUTATION) appendStanding(query, tables);
  else if (reason === REASON_TUNNEL) appendLedger(query, tables);
  else if (reason === REASON_BUDGET) appendBudget(tables);
  else if (reason === REASON_CHAIN) append(OF_CHAIN, 0, OF_CHAIN.length);
  else append(OF_RULE, 0, OF_RULE.length);
  // The rule of a name that is denied for its score is the one that would have let it through.
  if (rule !== 0 && reason !== REASON_REPUTATION) appendText(tables.rules, rule);
  if (isByFeed(query)) appendEntry(query);
  const ask = query.workload + 1;
  if (tables.asks.end(ask) === tables.asks.start(ask)) return;
  append(SEPARATOR, 0, SEPARATOR.length);
  appendText(tables.asks, ask);
}

/** `; see TXT _why.x.example`: where the name alone decided, why.ts has more to say. */
function appendHint({ name, decision }: Query): void {
  const { reason } = decision;
  if (reason < REASON_GLOBAL_DENY || (reason > REASON_MODE && reason !== REASON_REPUTATION)) return;
  append(OF_WHY, 0, OF_WHY.length);
  appendLabels(name, 0);
}

/** `: reputation 25 of 100, below 30: holds another name [paypal.com]`. */
function appendStanding(query: Query, tables: Tables): void {
  const { standing } = tables;
  const score = standing.again(query.name, query.decision.feed);
  append(OF_STANDING, 0, OF_STANDING.length);
  appendNumber(score);
  append(OF_HUNDRED, 0, OF_HUNDRED.length);
  appendNumber(standing.memory.denyBelow[query.workload]!);
  for (let i = 0; i < standing.partCount; i++) {
    append(i === 0 ? COLON : COMMA, 0, 2);
    const reason = STANDING_REASONS[standing.parts[i]! & 0xff]!;
    append(reason, 0, reason.length);
  }
  if (standing.name === -1) return;
  append(NAME_OPEN, 0, NAME_OPEN.length);
  appendName(standing.memory.likeness.names, standing.name + 1);
  append(NAME_CLOSE, 0, NAME_CLOSE.length);
}

/** `: too much data in names under tunnel.example, by `; the rule follows that allowed the name. */
function appendLedger({ name }: Query, tables: Tables): void {
  append(OF_TUNNEL, 0, OF_TUNNEL.length);
  appendLabels(name, ledgerLabel(name, tables.suffixes));
  append(BY, 0, BY.length);
}

/** `: budget of 1kB/h used up, frees in 12 min, by `; the rule follows. */
function appendBudget({ budgets }: Tables): void {
  append(OF_BUDGET, 0, OF_BUDGET.length);
  appendText(budgets.texts, budgets.budget);
  if (budgets.denied === IS_USED_UP) {
    const { freesSeconds } = budgets;
    append(USED_UP, 0, USED_UP.length);
    appendNumber(freesSeconds < 120 ? freesSeconds : Math.ceil(freesSeconds / 60));
    if (freesSeconds < 120) append(SECONDS, 0, SECONDS.length);
    else append(MINUTES, 0, MINUTES.length);
  } else append(NOT_TO_BE_HAD, 0, NOT_TO_BE_HAD.length);
  append(BY, 0, BY.length);
}

/** Decimal digits of a whole number below 10^9. */
function appendNumber(number: number): void {
  let unit = 1;
  while (unit * 10 <= number) unit *= 10;
  for (; unit >= 1 && textLength < text.length; unit = Math.floor(unit / 10)) {
    text[textLength++] = 0x30 + (Math.floor(number / unit) % 10);
  }
}

/** The suffix of the name that the feed lists, `, entry evil.example`. */
function appendEntry({ name, decision }: Query): void {
  append(OF_ENTRY, 0, OF_ENTRY.length);
  appendLabels(name, decision.matchedLabel);
}

/** The name from a label on; odd octets show as `?`. */
function appendLabels({ octets, labelAt, labelCount }: WireName, first: number): void {
  for (let label = first; label < labelCount; label++) {
    const start = labelAt[label]!;
    for (let i = 1; i <= octets[start]! && textLength < text.length; i++) {
      const octet = octets[start + i]!;
      text[textLength++] = octet > 0x20 && octet < 0x7f ? octet : 0x3f /* '?' */;
    }
    if (label + 1 < labelCount) append(DOT, 0, DOT.length);
  }
}

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

/** Whether a feed denied the qname: only then does the feed's own action say how to answer. */
function isByFeed(query: Query): boolean {
  const { reason, feed, rule } = query.decision;
  return reason === REASON_FEED || (reason === REASON_UNMAPPED && feed !== 0 && rule !== 0);
}

/** Writes the denial that `query.decision` and the workload's settings ask for. */
export function deny(query: Query, tables: Tables): Verdict {
  explain(query, tables);
  appendHint(query);
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

/** Octets of the text that fit in `room`: a character is not cut in two (RFC 8914 2: UTF-8). */
function cutText(room: number): number {
  if (textLength <= room) return textLength;
  let length = room;
  while (length > 0 && (text[length]! & 0xc0) === 0x80) length--;
  return length;
}

/** The EDE goes in only as far as it fits; the denial itself always does. */
function finish(query: Query, tables: Tables): void {
  const room = responseLimit(query) - query.outLength - optRoom(query, 0);
  const length = room < 0 ? 0 : cutText(Math.min(room, TEXT_MAX));
  appendOpt(query, 0, room < 0 ? -1 : edeCode(query, tables), text, 0, length);
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

/**
 * sentence: why a query is denied, in UTF-8, with workload, rule and whom to ask. Fast lane:
 * the text of the EDE (RFC 8914), and what `_why` says.
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
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import type { WireName } from '../wire/name.ts';
import { copyOctets } from '../wire/octets.ts';
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

/** An EDE text longer than this is cut: it must leave room for the rest within 512 octets. */
const TEXT_MAX = 230;

/** The EDE text of the last denial; one thread, used before the next. */
const text = new Uint8Array(TEXT_MAX + 1);
let textLength = 0;

/** What `compose` and `sayWhyDenied` wrote. */
export const sentence = text;

/** Composes the EDE text of a denial, without the hint to `_why`. @returns its length */
export function compose(query: Query, tables: Tables): number {
  explain(query, tables);
  return textLength;
}

/** Composes the EDE text of a denial, the hint included; `sentenceLength` says how long it is. */
export function sayWhyDenied(query: Query, tables: Tables): void {
  explain(query, tables);
  appendHint(query);
}

/** Octets of it that fit in `room`: a character is not cut in two (RFC 8914 2: UTF-8). */
export function sentenceLength(room: number): number {
  const most = Math.min(room, TEXT_MAX);
  if (textLength <= most) return textLength;
  let length = most;
  while (length > 0 && (text[length]! & 0xc0) === 0x80) length--;
  return length;
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

/** Whether a feed denied the qname: only then does the feed's own action say how to answer. */
export function isByFeed(query: Query): boolean {
  const { reason, feed, rule } = query.decision;
  return reason === REASON_FEED || (reason === REASON_UNMAPPED && feed !== 0 && rule !== 0);
}

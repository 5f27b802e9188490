/**
 * why: `TXT _why.<name>`, asked by a workload, is answered here with what the policy says about
 * `<name>` for that very workload: the sentence of a denial, and the command that asks for access.
 *
 * Fast lane. The label `_why` is the valve's own: nothing of such a query leaves, is charged, or is
 * counted as a sight of the name. It is decided by the tables alone and written in place, so a
 * flood of them costs what a flood of denials costs.
 */

import {
  FLAG_UNMAPPED,
  REASON_DOMAIN_QUARANTINE,
  REASON_LOCAL_ZONE,
  REASON_MODE,
  REASON_QUARANTINE,
  REASON_REPUTATION,
  REASON_SPECIAL_USE,
  REASON_UNMAPPED,
  REASON_WORKLOAD_DENY,
} from '../events/kinds.ts';
import { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import { AA, NOERROR, TC, TYPE_A, TYPE_TXT } from '../wire/constants.ts';
import type { WireName } from '../wire/name.ts';
import { copyOctets } from '../wire/octets.ts';
import { appendOpt, beginResponse, optRoom, responseLimit, setCounts } from '../wire/response.ts';
import { zoneKind } from '../zones/kind.ts';
import { authorize } from './authorize.ts';
import { resetDecision } from './decision.ts';
import { beginRecord, writeSoa } from './deny.ts';
import { compose, sentence } from './sentence.ts';
import type { Texts } from './texts.ts';

const encoder = new TextEncoder();
/** Octets of the label with its length. */
const LABEL_SIZE = 5;
const OF_RULE = encoder.encode(': allowed by ');
const OF_ZONE = encoder.encode(': allowed, a local zone holds it');
const OF_MODE = encoder.encode('let through by its mode only; enforce would deny it');
const OF_ANSWER = encoder.encode('where an answer was refused all the same, its EDE text says why');
const OF_TYPES = encoder.encode('this is about type A; rules for the name depend on the type');
const OF_EVERYBODY = encoder.encode(
  'it is denied for everybody; ask who keeps that list, or for an exception with --override-feeds',
);
const OF_QUARANTINE = encoder.encode('only the release of the quarantine opens it');
const REQUEST = encoder.encode('to ask: dnsvalve exception request ');
const REQUEST_TIME = encoder.encode(' --for ');
const REQUEST_END = encoder.encode(' --reason TEXT');
/** RFC 1035 3.3: a character-string; a longer line goes on in the next one. */
const STRING_MAX = 255;
const NO_TEXT = new Uint8Array(0);

/** What is asked about, as if it were asked for; one thread, used before the next. */
const about = new Query();
/** A line: at most a workload's name (63), a name (253) and the words around them. */
const line = new Uint8Array(512);
let lineLength = 0;
let lines = 0;
let isWhole = true;

/** Whether the first label is `_why` and a name follows. */
export function isWhy({ octets, labelCount }: WireName): boolean {
  return (
    octets[0] === 4 &&
    octets[1] === 0x5f /* '_' */ &&
    octets[2] === 0x77 /* 'w' */ &&
    octets[3] === 0x68 /* 'h' */ &&
    octets[4] === 0x79 /* 'y' */ &&
    labelCount > 1
  );
}

/** Whether a denial for this reason is one that an exception opens. */
export function opensByException(reason: number): boolean {
  return reason === REASON_MODE || reason === REASON_WORKLOAD_DENY || reason === REASON_REPUTATION;
}

/** Whether the name can stand in a rule, and in a shell, as it is. */
export function isPlain({ octets, labelAt, labelCount }: WireName): boolean {
  let isNumber = true;
  for (let label = 0; label < labelCount; label++) {
    const start = labelAt[label]!;
    isNumber = true;
    for (let i = 1; i <= octets[start]!; i++) {
      const octet = octets[start + i]!;
      const isDigit = octet >= 0x30 && octet <= 0x39;
      const isLetter = octet >= 0x61 && octet <= 0x7a;
      if (!isDigit && !isLetter && octet !== 0x2d /* '-' */ && octet !== 0x5f) return false;
      if (!isDigit) isNumber = false;
    }
  }
  return !isNumber;
}

/** Sets `query.decision` to what the question itself gets: an answer of the valve's own. */
export function decideWhy(query: Query, isMapped: boolean): void {
  const { decision } = query;
  resetDecision(decision);
  decision.allowed = isMapped ? 1 : 0;
  decision.reason = isMapped ? REASON_SPECIAL_USE : REASON_UNMAPPED;
  if (!isMapped) decision.flags |= FLAG_UNMAPPED;
}

/** Writes the whole response for a workload's `_why` query. */
export function answerWhy(query: Query, tables: Tables): void {
  beginResponse(query, AA, NOERROR);
  if (query.qtype === TYPE_TXT) writeLines(query, tables);
  else writeSoa(query, tables.denyTtlSeconds);
  appendOpt(query, 0, -1, NO_TEXT, 0, 0);
}

function writeLines(query: Query, tables: Tables): void {
  const { decision, name } = about;
  nameBehind(query.name, name);
  about.workload = query.workload;
  const zone = zoneKind(name, tables.zones.find(name), tables.zones);
  authorize(name, TYPE_A, query.workload, tables, zone, decision);
  const { isTyped } = tables.policy;
  lines = 0;
  isWhole = true;
  if (decision.allowed === 0) writeDenied(query, tables);
  else writeAllowed(query, tables);
  if (isTyped) write(query, tables, OF_TYPES);
  if (isWhole) setCounts(query, lines, 0);
  else beginResponse(query, AA | TC, NOERROR);
}

function writeDenied(query: Query, tables: Tables): void {
  lineLength = 0;
  append(sentence, 0, compose(about, tables));
  writeLine(query, tables);
  const { reason } = about.decision;
  if (reason === REASON_QUARANTINE || reason === REASON_DOMAIN_QUARANTINE) {
    write(query, tables, OF_QUARANTINE);
  } else if (!opensByException(reason)) write(query, tables, OF_EVERYBODY);
  else if (isPlain(about.name)) writeRequest(query, tables);
}

function writeAllowed(query: Query, tables: Tables): void {
  const { decision } = about;
  lineLength = 0;
  if (decision.wouldDeny === 1) append(sentence, 0, compose(about, tables));
  else {
    appendText(tables.workloads.names, about.workload + 1);
    if (decision.reason === REASON_LOCAL_ZONE) append(OF_ZONE, 0, OF_ZONE.length);
    else append(OF_RULE, 0, OF_RULE.length);
    appendText(tables.rules, decision.rule);
  }
  writeLine(query, tables);
  write(query, tables, decision.wouldDeny === 1 ? OF_MODE : OF_ANSWER);
}

/** `to ask: dnsvalve exception request payments-api x.example --for 4h --reason TEXT`. */
function writeRequest(query: Query, tables: Tables): void {
  const { octets, length } = about.name;
  lineLength = 0;
  append(REQUEST, 0, REQUEST.length);
  appendText(tables.workloads.names, about.workload + 1);
  line[lineLength++] = 0x20;
  // The lengths between the labels become dots, the first one and the root go.
  const start = lineLength;
  append(octets, 1, length - 2);
  for (let label = 1; label < about.name.labelCount; label++) {
    line[start + about.name.labelAt[label]! - 1] = 0x2e /* '.' */;
  }
  append(REQUEST_TIME, 0, REQUEST_TIME.length);
  appendText(tables.requestTimes, about.workload + 1);
  append(REQUEST_END, 0, REQUEST_END.length);
  writeLine(query, tables);
}

/** The name without its first label; its hashes are those of the suffixes. */
function nameBehind(from: WireName, to: WireName): void {
  const labels = from.labelCount - 1;
  to.length = from.length - LABEL_SIZE;
  to.labelCount = labels;
  to.registrable = -1;
  copyOctets(from.octets, LABEL_SIZE, to.octets, 0, to.length);
  for (let label = 0; label <= labels; label++) {
    to.labelAt[label] = from.labelAt[label + 1]! - LABEL_SIZE;
    to.low[label] = from.low[label + 1]!;
    to.high[label] = from.high[label + 1]!;
  }
}

function append(octets: Uint8Array, at: number, length: number): void {
  const room = Math.min(length, line.length - lineLength);
  copyOctets(octets, at, line, lineLength, room);
  lineLength += room;
}

function appendText(texts: Texts, id: number): void {
  append(texts.octets, texts.start(id), texts.end(id) - texts.start(id));
}

function write(query: Query, tables: Tables, octets: Uint8Array): void {
  lineLength = 0;
  append(octets, 0, octets.length);
  writeLine(query, tables);
}

/** A record for each line, so that a tool that prints one record a line prints them so. */
function writeLine(query: Query, tables: Tables): void {
  const size = lineLength + Math.ceil(lineLength / STRING_MAX);
  if (query.outLength + 12 + size + optRoom(query, -1) > responseLimit(query)) isWhole = false;
  if (!isWhole) return;
  let at = beginRecord(query, TYPE_TXT, tables.denyTtlSeconds, size);
  for (let from = 0; from < lineLength; from += STRING_MAX) {
    const length = Math.min(STRING_MAX, lineLength - from);
    query.out[at] = length;
    copyOctets(line, from, query.out, at + 1, length);
    at += 1 + length;
  }
  query.outLength = at - query.outStart;
  lines++;
}

/**
 * Response policy zones as text, the part that is about the qname: NXDOMAIN (`CNAME .`), NODATA
 * (`CNAME *.`), `rpz-passthru.`, `rpz-drop.`, and local data of all types that zones may hold.
 * Owner `x` is that name, `*.x` is below. Triggers on addresses and name servers are counted as
 * rejects, never guessed. So is local data that cannot be served; but its owner is listed all the
 * same, because a name that a zone wants answered otherwise must not get its own answer.
 *
 * Not a master-file parser: no $INCLUDE, no escapes in owners, parentheses only to be skipped
 * (SOA).
 */

import { SCOPE_BELOW, SCOPE_EXACT } from './entries.ts';
import { SAYS_ALLOW, SAYS_DENY, SAYS_DROP, SAYS_NODATA } from './memory.ts';
import type { RejectKind } from './rejects.ts';
import { LocalData } from './rpz-data.ts';
import { equalText, RpzOwner } from './rpz-owner.ts';
import { isBlank, type SourceText } from './source-text.ts';

const QUOTE = 34; // '"'
const DOLLAR = 36; // '$'
const OPEN = 40; // '('
const CLOSE = 41; // ')'
const STAR = 42; // '*'
const DOT = 46; // '.'
const SEMICOLON = 59; // ';'
const BACKSLASH = 92; // '\\'

const encoder = new TextEncoder();
const ORIGIN = encoder.encode('$origin');
const TTL = encoder.encode('$ttl');
const CLASSES = ['in', 'ch', 'hs'].map((text) => encoder.encode(text));
const CNAME = encoder.encode('cname');
const SOA = encoder.encode('soa');
/** What a zone needs to be a zone, and its signatures: nothing about any name. */
const ZONE_TYPES = [
  'ns',
  'rrsig',
  'nsec',
  'nsec3',
  'nsec3param',
  'dnskey',
  'cdnskey',
  'cds',
  'zonemd',
].map((text) => encoder.encode(text));
const PASSTHRU = encoder.encode('rpz-passthru.');
const DROP = encoder.encode('rpz-drop.');
const TCP_ONLY = encoder.encode('rpz-tcp-only.');
const TRIGGERS = (['rpz-ip', 'rpz-client-ip', 'rpz-nsip', 'rpz-nsdname'] as const).map(
  (kind): readonly [RejectKind, Uint8Array] => [kind, encoder.encode(kind)],
);

export function parseRpz(text: SourceText): void {
  const owner = new RpzOwner();
  const data = new LocalData(text);
  while (text.nextLine()) {
    const unclosed = cutComment(text);
    const blank = text.skipBlanks(text.from) === text.to;
    const refused = blank ? null : parseRecord(text, owner, data);
    if (refused !== null) text.reject(refused);
    if (unclosed > 0) skipParentheses(text, unclosed);
  }
}

/** Ends the line before its comment. @returns parentheses that it leaves open */
function cutComment(text: SourceText): number {
  let depth = 0;
  let quoted = false;
  for (let at = text.from; at < text.to; at++) {
    const octet = text.octets[at];
    if (octet === BACKSLASH) at++;
    else if (octet === QUOTE) quoted = !quoted;
    else if (quoted) continue;
    else if (octet === OPEN) depth++;
    else if (octet === CLOSE) depth--;
    else if (octet === SEMICOLON) text.to = at;
  }
  while (text.to > text.from && isBlank(text.octets[text.to - 1]!)) text.to--;
  return depth;
}

function skipParentheses(text: SourceText, unclosed: number): void {
  for (let depth = unclosed; depth > 0 && text.nextLine(); ) depth += cutComment(text);
}

/** Adds what a record says. @returns why it cannot be used, or null */
function parseRecord(text: SourceText, owner: RpzOwner, data: LocalData): RejectKind | null {
  const { octets, from } = text;
  if (octets[from] === DOLLAR) return parseDirective(text, owner);
  let at = from;
  if (!isBlank(octets[from]!)) {
    at = text.wordEnd(from);
    owner.set(octets, from, at);
  }
  at = text.skipBlanks(at);
  let end = text.wordEnd(at);
  // TTL and class, in either order (RFC 1035 5.1). A TTL starts with a digit and no type does.
  for (let field = 0; field < 2 && isTtlOrClass(octets, at, end); field++) {
    at = text.skipBlanks(end);
    end = text.wordEnd(at);
  }
  if (at === end) return 'syntax';
  if (equalText(octets, at, end, SOA)) {
    owner.setZone();
    return null;
  }
  if (ZONE_TYPES.some((type) => equalText(octets, at, end, type))) return null;
  const refused = owner.resolve() ?? triggerOf(owner);
  if (refused !== null) return refused;
  const code = codeOf(owner, data, at, end);
  if (typeof code === 'number') return addOwner(text, owner, code);
  const instead = codeInstead(code, data);
  return (instead === null ? null : addOwner(text, owner, instead)) ?? code;
}

/** What a name says whose record cannot be served; null where nothing is to be done with it. */
function codeInstead(refused: RejectKind, data: LocalData): number | null {
  if (refused === 'rpz-wildcard-target') return SAYS_DENY;
  return refused === 'rpz-type' || refused === 'rpz-data' ? data.noCode() : null;
}

function parseDirective(text: SourceText, owner: RpzOwner): RejectKind | null {
  const end = text.wordEnd(text.from);
  if (equalText(text.octets, text.from, end, TTL)) return null;
  const at = text.skipBlanks(end);
  const to = text.wordEnd(at);
  if (!equalText(text.octets, text.from, end, ORIGIN) || at === to) return 'syntax';
  owner.setOrigin(text.octets, at, to);
  return null;
}

function isTtlOrClass(octets: Uint8Array, from: number, to: number): boolean {
  if (octets[from]! >= 48 && octets[from]! <= 57 && from < to) return true;
  return CLASSES.some((word) => equalText(octets, from, to, word));
}

function triggerOf(owner: RpzOwner): RejectKind | null {
  const { octets, from, to } = owner;
  let label = to;
  while (label > from && octets[label - 1] !== DOT) label--;
  if (octets[label] !== 114 /* 'r' */ && octets[label] !== 82 /* 'R' */) return null;
  for (const [kind, word] of TRIGGERS) if (equalText(octets, label, to, word)) return kind;
  return null;
}

/** What the type at `type` and its rdata say. @returns a SAYS_* code, or why it is unusable */
function codeOf(
  owner: RpzOwner,
  data: LocalData,
  type: number,
  typeEnd: number,
): number | RejectKind {
  const { text } = data;
  const from = text.skipBlanks(typeEnd);
  const to = text.wordEnd(from);
  if (from === to) return 'syntax';
  if (!equalText(text.octets, type, typeEnd, CNAME)) {
    return data.recordCode(owner, type, typeEnd, from);
  }
  return actionOf(text.octets, from, to) ?? targetCode(owner, data, from, to);
}

/** The targets that are actions, or null. */
function actionOf(octets: Uint8Array, from: number, to: number): number | RejectKind | null {
  if (to - from === 1 && octets[from] === DOT) return SAYS_DENY;
  if (octets[from] === STAR && octets[from + 1] === DOT) {
    return to - from === 2 ? SAYS_NODATA : 'rpz-wildcard-target';
  }
  if (equalText(octets, from, to, PASSTHRU)) return SAYS_ALLOW;
  if (equalText(octets, from, to, DROP)) return SAYS_DROP;
  return equalText(octets, from, to, TCP_ONLY) ? 'rpz-tcp-only' : null;
}

function targetCode(
  owner: RpzOwner,
  data: LocalData,
  from: number,
  to: number,
): number | RejectKind {
  // Before `rpz-passthru.` there was, a name that points to itself passed.
  if (owner.isSelf(data.text.octets, from, to)) return SAYS_ALLOW;
  return data.targetCode(owner, from, to);
}

function addOwner(text: SourceText, owner: RpzOwner, code: number): RejectKind | null {
  const wild = owner.octets[owner.from] === STAR && owner.octets[owner.from + 1] === DOT;
  const from = wild ? owner.from + 2 : owner.from;
  const refused = text.reader.read(owner.octets, from, owner.to);
  if (refused === null) text.entries.add(text.reader.name, wild ? SCOPE_BELOW : SCOPE_EXACT, code);
  return refused;
}

/**
 * Adblock lists, the part that a resolver can apply: `||x^` is the name and everything below it,
 * `@@||x^` exempts it from this list. `$important` and `$all` are taken and change nothing, since
 * such a rule already covers every kind of request; any other modifier narrows a rule to something
 * that a DNS query does not tell, so the rule is rejected instead of widened.
 */

import { SAYS_ALLOW, SAYS_DENY } from './memory.ts';
import { addPattern } from './plain.ts';
import type { RejectKind } from './rejects.ts';
import { isBlank, type SourceText } from './source-text.ts';

const encoder = new TextEncoder();
const EXCEPTION = encoder.encode('@@');
const DOMAIN = encoder.encode('||');
const MODIFIERS = [encoder.encode('important'), encoder.encode('all')];
const BANG = 33; // '!'
const HASH = 35; // '#'
const DOLLAR = 36; // '$'
const COMMA = 44; // ','
const SLASH = 47; // '/'
const BRACKET = 91; // '['
const CARET = 94; // '^'
const PIPE = 124; // '|'

export function parseAdblock(text: SourceText): void {
  while (text.nextLine()) {
    const start = text.skipBlanks(text.from);
    if (start === text.to || isRemark(text, start)) continue;
    const refused = parseRule(text, start);
    if (refused !== null) text.reject(refused);
  }
}

/** `! text`, `[Adblock Plus 2.0]`, `# text`; but `##.banner` is a cosmetic rule. */
function isRemark(text: SourceText, at: number): boolean {
  const first = text.octets[at];
  if (first === BANG || first === BRACKET) return true;
  return first === HASH && (at + 1 === text.to || isBlank(text.octets[at + 1]!));
}

/** Adds the name of a rule, or says why it is no entry. */
function parseRule(text: SourceText, start: number): RejectKind | null {
  const exempt = text.has(start, EXCEPTION);
  const at = exempt ? start + 2 : start;
  if (!text.has(at, DOMAIN)) return kindOfOther(text, at);
  const name = at + 2;
  let end = name;
  while (end < text.to && !endsName(text.octets[end]!)) end++;
  const after = end + 1;
  if (end === text.to || text.octets[end] !== CARET) return kindOfOther(text, end);
  // `||x^|` says that the URL ends there, which for a name is the same.
  const options = text.octets[after] === PIPE && after < text.to ? after + 1 : after;
  if (options < text.to) {
    if (text.octets[options] !== DOLLAR) return kindOfOther(text, options);
    if (!areModifiersNeutral(text, options + 1)) return 'modifier';
  }
  addPattern(text, name, end, exempt ? SAYS_ALLOW : SAYS_DENY);
  return null;
}

function endsName(octet: number): boolean {
  return octet === CARET || octet === SLASH || octet === DOLLAR || octet === HASH;
}

function areModifiersNeutral(text: SourceText, from: number): boolean {
  for (let at = from; at <= text.to; ) {
    let end = at;
    while (end < text.to && text.octets[end] !== COMMA) end++;
    if (!MODIFIERS.some((word) => word.length === end - at && text.has(at, word))) return false;
    at = end + 1;
  }
  return true;
}

/** What a rule is that does not name a domain. */
function kindOfOther(text: SourceText, at: number): RejectKind {
  const { octets, to } = text;
  for (let i = at; i + 1 < to; i++) {
    if (octets[i] !== HASH) continue;
    // `##`, `#@#`, `#?#`, `#$#`, `#%#`
    if (octets[i + 1] === HASH || (i + 2 < to && octets[i + 2] === HASH)) return 'cosmetic';
  }
  if (octets[at] === SLASH && octets[to - 1] === SLASH && to - at > 2) return 'regex';
  for (let i = at; i < to; i++) if (octets[i] === SLASH) return 'url';
  return 'pattern';
}

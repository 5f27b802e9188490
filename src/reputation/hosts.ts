/**
 * Hosts files: `0.0.0.0 name...`. An entry is that exact name, as a hosts file means it on any
 * system. Lines for the machine itself (localhost and the like) are no entries; a line that gives a
 * name a real address is a redirect, which a blocklist has no business with, and is rejected.
 */

import { LOWER } from '../wire/octets.ts';
import { SCOPE_EXACT } from './entries.ts';
import { SAYS_DENY } from './memory.ts';
import { isComment } from './plain.ts';
import type { SourceText } from './source-text.ts';

const encoder = new TextEncoder();
/** Addresses that mean "nowhere". */
const SINKS = ['0.0.0.0', '127.0.0.1', '::', '::1', '0', '0000::', '::0', '127.0.1.1'].map((text) =>
  encoder.encode(text),
);
/** What systems and list makers put into every hosts file. */
const OWN_NAMES = [
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost6',
  'local',
  'broadcasthost',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
  '0.0.0.0',
].map((text) => encoder.encode(text));
const OWN_NAME_FIRSTS = new Set(OWN_NAMES.map((name) => name[0]));

export function parseHosts(text: SourceText): void {
  while (text.nextLine()) {
    const start = text.skipBlanks(text.from);
    if (start === text.to || isComment(text.octets[start]!)) continue;
    const end = text.wordEnd(start);
    const sink = isOneOf(text, start, end, SINKS);
    if (!sink && !looksLikeAddress(text.octets, start, end)) {
      text.reject('syntax');
      continue;
    }
    addNames(text, end, sink);
  }
}

function addNames(text: SourceText, from: number, sink: boolean): void {
  let names = 0;
  for (let at = text.skipBlanks(from); at < text.to; ) {
    if (isComment(text.octets[at]!)) break;
    const end = commentAt(text, at, text.wordEnd(at));
    names++;
    if (!isOwnName(text, at, end)) {
      if (sink) text.addName(at, end, SCOPE_EXACT, SAYS_DENY);
      else text.reject('hosts-address');
    }
    at = text.skipBlanks(end);
  }
  if (names === 0) text.reject('syntax');
}

/** hosts(5): a comment may follow a name without a blank. */
function commentAt(text: SourceText, from: number, to: number): number {
  for (let at = from; at < to; at++) if (text.octets[at] === 35 /* '#' */) return at;
  return to;
}

function isOwnName(text: SourceText, from: number, to: number): boolean {
  // Nearly no name of a list starts like one of these, so most cost one set look-up.
  return OWN_NAME_FIRSTS.has(text.octets[from]) && isOneOf(text, from, to, OWN_NAMES);
}

function isOneOf(
  text: SourceText,
  from: number,
  to: number,
  words: readonly Uint8Array[],
): boolean {
  for (const word of words) if (word.length === to - from && text.has(from, word)) return true;
  return false;
}

/** Four numbers, or hex digits up to a colon (an IPv6 address may carry a zone, `fe80::1%lo0`). */
function looksLikeAddress(octets: Uint8Array, from: number, to: number): boolean {
  let dots = 0;
  let letters = 0;
  for (let at = from; at < to; at++) {
    const octet = LOWER[octets[at]!]!;
    if (octet === 58 /* ':' */) return true;
    if (octet === 46 /* '.' */) dots++;
    else if (octet >= 97 /* 'a' */ && octet <= 102 /* 'f' */) letters++;
    else if (octet < 48 || octet > 57) return false;
  }
  return dots === 3 && letters === 0;
}

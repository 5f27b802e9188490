/**
 * Names and name patterns of the configuration. Hostnames and underscores only, in normal form:
 * what is almost right is refused with the form that would be accepted, never repaired in silence.
 * Not the matcher, which compares wire labels.
 */

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { parse } from 'tldts';
import { LABEL_MAX } from '../wire/constants.ts';
import { nameToWire } from '../wire/text.ts';
import type { Pattern } from './types.ts';

/** RFC 1035 2.3.4: 255 octets in wire form are 253 characters without the trailing dot. */
const TEXT_MAX = 253;
const NORMAL = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
const FORMS = 'accepted are "example.com", "*.example.com" (below it) and ".example.com" (both)';
const SUFFIX_OPTIONS = { allowPrivateDomains: true, extractHostname: false };

/** A pattern, or the problem with `text` as one sentence that shows the accepted form. */
export function parsePattern(text: string): Pattern | string {
  const kind = kindOf(text);
  const name = text.slice(kind === 'below' ? 2 : kind === 'both' ? 1 : 0);
  if (isNormal(name)) return { kind, name, wire: nameToWire(name), text };
  return explain(text, patternCandidate(text), FORMS);
}

/** A name without wildcard in normal form, or the problem with `text`. The root is not a name. */
export function parseName(text: string): { name: string; wire: Uint8Array } | string {
  if (isNormal(text)) return { name: text, wire: nameToWire(text) };
  return explain(
    text,
    normalise(text.replaceAll('*', '').replace(/^\.+/, '')),
    'a name is expected',
  );
}

/**
 * Whether any stranger can get a name directly below `name`: it stands on the public suffix list,
 * private section included. tldts counts the base of a wildcard rule (`kawasaki.jp`) as well.
 */
export function isSharedSuffix(name: string): boolean {
  const { publicSuffix, isIcann, isPrivate } = parse(name, SUFFIX_OPTIONS);
  return publicSuffix === name && (isIcann === true || isPrivate === true);
}

function kindOf(text: string): Pattern['kind'] {
  if (text.startsWith('*.')) return 'below';
  return text.startsWith('.') ? 'both' : 'exact';
}

function isNormal(name: string): boolean {
  return name.length <= TEXT_MAX && NORMAL.test(name) && !endsInDigits(name);
}

/** RFC 1123 2.1: no name has a numeric last label, so that a name is never taken for an address. */
function endsInDigits(name: string): boolean {
  const last = name.charCodeAt(name.length - 1);
  return last >= 48 /* '0' */ && last <= 57 /* '9' */ && /(?:^|\.)\d+$/.test(name);
}

/** What the writer of `text` most likely means, in normal form; may be no pattern at all. */
function patternCandidate(text: string): string {
  const trimmed = text.trim();
  const star = trimmed.lastIndexOf('*');
  if (star >= 0) return `*.${normalise(trimmed.slice(star + 1).replace(/^\.+/, ''))}`;
  const dotted = trimmed.startsWith('.') ? '.' : '';
  return dotted + normalise(trimmed.replace(/^\.+/, ''));
}

function normalise(text: string): string {
  const plain = text.trim().replace(/\.+$/, '').toLowerCase();
  // IDNA (UTS 46) only where it is needed: it also rewrites what looks like an address.
  return /[^\0-\x7f]/.test(plain) ? domainToASCII(plain) : plain;
}

function explain(text: string, candidate: string, forms: string): string {
  const shown = JSON.stringify(text.length > 300 ? `${text.slice(0, 60)}...` : text);
  const bare = text.trim().replace(/^\[|\]$/g, '');
  if (isIP(bare.replace(/\/\d+$/, '')) !== 0) {
    return `${shown} is an address; rules are about names: ${forms}`;
  }
  const candidateName = candidate.replace(/^\*?\./, '');
  if (candidate !== text && isNormal(candidateName)) {
    return `${shown} is not in normal form; use "${candidate}"`;
  }
  return `${shown} ${fault(text)}; ${forms}`;
}

function fault(text: string): string {
  const name = text.replace(/^\*?\./, '').replace(/\.$/, '');
  const labels = name.split('.');
  if (text.trim() === '') return 'is empty';
  if (/^[*.]+$/.test(text)) return 'names everything (that is mode: open)';
  if (labels.includes('')) return 'has an empty label';
  const long = labels.find((label) => label.length > LABEL_MAX);
  if (long !== undefined) return `has a label of ${long.length} octets, at most ${LABEL_MAX}`;
  if (name.length > TEXT_MAX) return `has ${name.length} octets, at most ${TEXT_MAX}`;
  if (endsInDigits(name)) return 'ends in a label of digits only';
  return 'holds characters other than a-z, 0-9, "-" and "_"';
}

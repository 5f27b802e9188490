/**
 * Guesses the format of a feed from its first lines: what most of them look like. Comments tell
 * nothing. It runs once a load, over at most 64 kB.
 */

import type { KnownFormat } from './parse.ts';

const LOOK_AT_OCTETS = 65_536;

/** In this order on a tie: the more special form first. */
const FORMS: readonly (readonly [KnownFormat, RegExp])[] = [
  ['rpz', /^\$(ttl|origin)\s|\s(soa|ns|cname|a|aaaa|txt)\s+\S/i],
  ['adblock', /^(\|\||@@|\[adblock)|#[@?$%]?#|\^(\$|$)/i],
  ['hosts', /^\s*([0-9.]+|[0-9a-f:]*:[0-9a-f:%a-z]*)\s+\S/i],
  ['plain', /^\s*(\*?\.)?[^\s/|^]+\s*([#!;].*)?$/],
];

/** The format that fits best; `plain` for a text without entries. */
export function detectFormat(octets: Uint8Array): KnownFormat {
  const start = new TextDecoder().decode(octets.subarray(0, LOOK_AT_OCTETS));
  const counts = new Map<KnownFormat, number>();
  for (const line of start.split('\n')) {
    if (/^\s*([;!]|#(?![#@?$%])|$)/.test(line)) continue;
    const form = FORMS.find(([, looks]) => looks.test(line.trimEnd()));
    if (form !== undefined) counts.set(form[0], (counts.get(form[0]) ?? 0) + 1);
  }
  let best: KnownFormat = 'plain';
  for (const [format] of FORMS) {
    if ((counts.get(format) ?? 0) > (counts.get(best) ?? 0)) best = format;
  }
  return best;
}

/**
 * Plain lists: one name per line. `x` and `.x` are the name and everything below it, `*.x` is below
 * only. Comments start with `#`, `!` or `;`, also after a name.
 */

import { SCOPE_BELOW, SCOPE_BOTH } from './entries.ts';
import { SAYS_DENY } from './memory.ts';
import type { SourceText } from './source-text.ts';

const DOT = 46; // '.'
const STAR = 42; // '*'

export function parsePlain(text: SourceText): void {
  while (text.nextLine()) {
    const start = text.skipBlanks(text.from);
    if (start === text.to || isComment(text.octets[start]!)) continue;
    const end = text.wordEnd(start);
    const rest = text.skipBlanks(end);
    if (rest < text.to && !isComment(text.octets[rest]!)) {
      text.reject('syntax');
      continue;
    }
    addPattern(text, start, end, SAYS_DENY);
  }
}

/** Adds `x`, `.x` or `*.x`. */
export function addPattern(text: SourceText, from: number, to: number, code: number): void {
  const first = text.octets[from];
  if (first === STAR && text.octets[from + 1] === DOT) {
    text.addName(from + 2, to, SCOPE_BELOW, code);
  } else {
    text.addName(first === DOT ? from + 1 : from, to, SCOPE_BOTH, code);
  }
}

/** `#`, `!` or `;`. */
export function isComment(octet: number): boolean {
  return octet === 35 || octet === 33 || octet === 59;
}

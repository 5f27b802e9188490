/**
 * Lists of indicators as they come from a report: a name a line, with the marks that keep people
 * from clicking on them, as URLs, as patterns, or as lines of a hosts file.
 */

import { isIP } from 'node:net';
import { reversedFromText } from '../history/names.ts';

/** Names in one list. */
const NAMES_MAX = 100_000;

export interface Indicators {
  /** Reversed names, each once, in the order of the list. */
  readonly names: readonly string[];
  /** Lines that hold addresses, which this is no question about. */
  readonly addresses: number;
  /** `12: "a..b": what is wrong` */
  readonly problems: readonly string[];
}

export function readIndicators(text: string): Indicators {
  const names = new Set<string>();
  const problems: string[] = [];
  let addresses = 0;
  for (const [i, line] of text.split(/\r\n|\r|\n/).entries()) {
    const asked = indicatorOf(line);
    if (asked === null) continue;
    if (isIP(asked) !== 0) addresses += 1;
    else if (names.size >= NAMES_MAX) problems.push(`${i + 1}: beyond ${NAMES_MAX} names`);
    else addName(asked, i + 1);
  }
  return { names: [...names], addresses, problems };

  function addName(asked: string, number: number): void {
    try {
      const reversed = reversedFromText(asked);
      if (reversed === '') problems.push(`${number}: "${asked}": every name is below the root`);
      else names.add(reversed);
    } catch {
      problems.push(`${number}: "${asked}": not a domain name`);
    }
  }
}

/** The name or address of a line; null where it holds none. */
function indicatorOf(line: string): string | null {
  const words = line
    .replace(/^\uFEFF/, '')
    .replace(/(^|\s)[#;!].*$/, '')
    .trim()
    .split(/[\s,;]+/);
  const [first = '', second = ''] = words.map(plainOf);
  // A line of a hosts file has the name behind the address.
  return (isIP(first) !== 0 && second !== '' ? second : first) || null;
}

/** Without brackets around dots, quotes, scheme, port and path. `*.x` and `.x` are x. */
function plainOf(word: string): string {
  return word
    .replace(/^["']|["']$/g, '')
    .replace(/\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)/gi, '.')
    .replace(/\[:\]/g, ':')
    .replace(/^(\|\||[a-z][a-z0-9+.-]*:\/\/([^/@]*@)?)/i, '')
    .replace(/[/^?].*$/, '')
    .replace(/^\*?\.(?=.)/, '')
    .replace(/^([^:]+):\d{1,5}$/, '$1');
}

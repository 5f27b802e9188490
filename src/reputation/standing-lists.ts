/** Reads the two lists that a score needs: risky-tlds.txt with its points, imitated-names.list. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DnsvalveError } from '../errors.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'blocklists');

export interface ImitatedNames {
  /** Domains that are imitated. */
  readonly names: readonly string[];
  /** Domains that look like one and are none. */
  readonly honest: readonly string[];
  /** Words that imitations put beside a name. */
  readonly words: readonly string[];
}

/** Points by top-level domain. */
export function readRiskyTlds(): Map<string, number> {
  return parseRiskyTlds(readFileSync(join(FOLDER, 'risky-tlds.txt'), 'utf8'));
}

export function readImitatedNames(): ImitatedNames {
  return parseImitatedNames(readFileSync(join(FOLDER, 'imitated-names.list'), 'utf8'));
}

/** A comment `# points: N` holds for the lines below it; without one a line counts nothing. */
export function parseRiskyTlds(text: string): Map<string, number> {
  const points = new Map<string, number>();
  let current = 0;
  for (const line of text.split('\n')) {
    const found = /^# points: (\d{1,2})$/.exec(line);
    if (found !== null) current = Number(found[1]);
    else if (/^[a-z0-9-]+$/.test(line) && current > 0) points.set(line, current);
  }
  return points;
}

/** @throws DnsvalveError CONFIG for a line that is none of those the file's header names */
export function parseImitatedNames(text: string): ImitatedNames {
  const names: string[] = [];
  const honest: string[] = [];
  const words: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [kind, ...rest] = line.split(' ');
    const first = rest[0];
    if (line === '' || line.startsWith('#')) continue;
    if (kind === 'name' && first !== undefined) {
      names.push(first);
      honest.push(...rest);
    } else if (kind === 'word') words.push(...rest);
    else if (kind === 'carrier' || kind === 'honest') honest.push(...rest);
    else {
      const what = 'expected is name, word, carrier or honest';
      throw new DnsvalveError('CONFIG', `imitated-names.list: line ${index + 1}: ${what}`);
    }
  }
  return { names: [...new Set(names)], honest, words };
}

/** One feed from octets to entries: finds the format where it is `auto`, and runs its parser. */

import type { FeedFormat } from '../config/types.ts';
import { parseAdblock } from './adblock.ts';
import { detectFormat } from './detect.ts';
import type { Entries } from './entries.ts';
import { parseHosts } from './hosts.ts';
import { parsePlain } from './plain.ts';
import { parseRpz } from './rpz.ts';
import { SourceText } from './source-text.ts';

export type KnownFormat = Exclude<FeedFormat, 'auto'>;

const PARSERS: Readonly<Record<KnownFormat, (text: SourceText) => void>> = {
  hosts: parseHosts,
  plain: parsePlain,
  adblock: parseAdblock,
  rpz: parseRpz,
};

export interface ParsedFeed {
  readonly format: KnownFormat;
  /** Entries, rejects, records of local data, and how many names were converted to A-labels. */
  readonly text: SourceText;
}

/**
 * Parses a whole feed. Never throws on content: what is no entry is counted.
 *
 * @param entries where they go; one that also keeps the names is in `src/hunt`
 */
export function parseFeed(octets: Uint8Array, format: FeedFormat, entries?: Entries): ParsedFeed {
  const known = format === 'auto' ? detectFormat(octets) : format;
  const text = new SourceText(octets, entries);
  PARSERS[known](text);
  return { format: known, text };
}

/**
 * The names of a list in any feed format, as the history writes names. Feeds that decide keep
 * hashes only; a search in the past needs the names themselves.
 */

import type { FeedFormat } from '../config/types.ts';
import { reversedName } from '../history/names.ts';
import { Entries } from '../reputation/entries.ts';
import { SAYS_ALLOW } from '../reputation/memory.ts';
import { parseFeed } from '../reputation/parse.ts';
import type { Reject } from '../reputation/rejects.ts';
import type { WireName } from '../wire/name.ts';

/** Reversed names, each with what its entries speak about: SCOPE_* of `entries.ts`, or both. */
export type Indicators = ReadonlyMap<string, number>;

export interface ParsedIndicators {
  readonly indicators: Indicators;
  /** What was no name to look for. */
  readonly rejects: readonly Reject[];
}

class NamedEntries extends Entries {
  readonly scopes = new Map<string, number>();

  /** Exceptions of a list name what is harmless, so they are not looked for. */
  override add(name: WireName, scope: number, code: number): void {
    if (code === SAYS_ALLOW) return;
    const wire = Buffer.from(name.octets.buffer, name.octets.byteOffset, name.length);
    const reversed = reversedName(wire.toString('latin1'));
    this.scopes.set(reversed, (this.scopes.get(reversed) ?? 0) | scope);
  }
}

export function parseIndicators(octets: Uint8Array, format: FeedFormat): ParsedIndicators {
  const entries = new NamedEntries();
  const { text } = parseFeed(octets, format, entries);
  return { indicators: entries.scopes, rejects: text.rejects.list() };
}

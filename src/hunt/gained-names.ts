/** The names behind gained entries, read from the list of their feed, and bounded. */

import type { FeedFormat } from '../config/types.ts';
import { reversedName } from '../history/names.ts';
import { Entries } from '../reputation/entries.ts';
import { SAYS_ALLOW } from '../reputation/memory.ts';
import { parseFeed } from '../reputation/parse.ts';
import type { WireName } from '../wire/name.ts';
import type { Gained } from './gained.ts';
import type { Indicators } from './indicators.ts';
import type { Touched } from './touched.ts';

export interface GainedNames {
  readonly indicators: Indicators;
  /** Gained entries beyond the bound, which are not looked for. */
  readonly beyond: number;
}

export interface GainedBy {
  readonly gained: Gained;
  /** Number of the feed, 1 or more. */
  readonly feed: number;
  /** Leaves out what the history cannot know; null where looking for all is cheaper. */
  readonly touched: Touched | null;
  /** Names kept at most. */
  readonly max: number;
}

class GainedEntries extends Entries {
  readonly scopes = new Map<string, number>();
  beyond = 0;
  readonly #by: GainedBy;

  constructor(by: GainedBy) {
    super();
    this.#by = by;
  }

  override add(name: WireName, said: number, code: number): void {
    if (code === SAYS_ALLOW) return;
    const { gained, feed, touched, max } = this.#by;
    const scope = said & gained.scope(feed, name.low[0] ?? 0, name.high[0] ?? 0);
    if (scope === 0 || touched?.mayKnow(name) === false) return;
    const wire = Buffer.from(name.octets.buffer, name.octets.byteOffset, name.length);
    const reversed = reversedName(wire.toString('latin1'));
    const known = this.scopes.get(reversed);
    if (known === undefined && this.scopes.size >= max) this.beyond++;
    else this.scopes.set(reversed, (known ?? 0) | scope);
  }
}

export function gainedNames(octets: Uint8Array, format: FeedFormat, by: GainedBy): GainedNames {
  const entries = new GainedEntries(by);
  parseFeed(octets, format, entries);
  return { indicators: entries.scopes, beyond: entries.beyond };
}

/**
 * Entries of one feed as columns of numbers, in the order of the file. Not a table: `compile.ts`
 * makes one of all feeds.
 */

import type { WireName } from '../wire/name.ts';

/** The entry speaks about the name itself. */
export const SCOPE_EXACT = 1;
/** The entry speaks about the names below. */
export const SCOPE_BELOW = 2;
export const SCOPE_BOTH = SCOPE_EXACT | SCOPE_BELOW;

const START_ROOM = 1024;

export class Entries {
  /** Hash halves of the entry's whole name; valid up to `count`. */
  low = new Int32Array(START_ROOM);
  high = new Int32Array(START_ROOM);
  /** Holds `code * 4 + scope`: SAYS_* of memory.ts and SCOPE_*. */
  items = new Int32Array(START_ROOM);
  count = 0;

  /**
   * Adds a hashed name. `code` is SAYS_ALLOW or more; local data counts the records of its feed.
   */
  add(name: WireName, scope: number, code: number): void {
    if (this.count === this.items.length) this.#grow();
    this.low[this.count] = name.low[0]!;
    this.high[this.count] = name.high[0]!;
    this.items[this.count++] = code * 4 + scope;
  }

  #grow(): void {
    const room = this.count * 2;
    this.low = widened(this.low, room);
    this.high = widened(this.high, room);
    this.items = widened(this.items, room);
  }
}

function widened(column: Int32Array, room: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(room);
  wider.set(column);
  return wider;
}

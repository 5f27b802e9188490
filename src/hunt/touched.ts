/**
 * Which names the history may know anything of, in 8 MB whatever its size: two bit sets of hashes,
 * filled by one walk over its domains. It errs to one side: a name that is left out is not there.
 */

import type Database from 'better-sqlite3';
import { readNameText } from '../backtest/name-text.ts';
import { textOfReversed } from '../history/names.ts';
import { WireName } from '../wire/name.ts';
import { domainsOf } from './candidates.ts';

/** 2^25 bits each: with a million domains, 3 of 100 other names come through. */
const BITS_LOG2 = 25;
const WORD_BITS = 5;

export class Touched {
  /** Registrable domains of the history. */
  readonly #domains = new Uint32Array(2 ** (BITS_LOG2 - WORD_BITS));
  /** What lies above them. */
  readonly #above = new Uint32Array(2 ** (BITS_LOG2 - WORD_BITS));

  constructor(db: Database.Database) {
    const name = new WireName();
    for (const reversed of domainsOf(db)) {
      if (!readNameText(textOfReversed(reversed), name)) continue;
      set(this.#domains, name.high[0] ?? 0);
      for (let label = 1; label < name.labelCount; label++) set(this.#above, name.high[label] ?? 0);
    }
  }

  /** Whether the name may be a domain of the history, or lie above or below one. */
  mayKnow(name: WireName): boolean {
    if (has(this.#above, name.high[0] ?? 0)) return true;
    for (let label = 0; label < name.labelCount; label++) {
      if (has(this.#domains, name.high[label] ?? 0)) return true;
    }
    return false;
  }
}

function set(bits: Uint32Array, hash: number): void {
  const bit = hash >>> (32 - BITS_LOG2);
  bits[bit >>> WORD_BITS] = (bits[bit >>> WORD_BITS] ?? 0) | (1 << (bit & 31));
}

function has(bits: Uint32Array, hash: number): boolean {
  const bit = hash >>> (32 - BITS_LOG2);
  return ((bits[bit >>> WORD_BITS] ?? 0) & (1 << (bit & 31))) !== 0;
}

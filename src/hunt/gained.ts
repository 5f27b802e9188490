/**
 * What the feeds of one policy list and those of the one before did not, by the tables that decide:
 * both are there anyway, and a million entries are compared in a tenth of a second. They hold
 * hashes; the names come from the lists (gained-names.ts).
 */

import { Fingerprints } from '../fingerprints.ts';
import { SCOPE_BELOW, SCOPE_BOTH, SCOPE_EXACT } from '../reputation/entries.ts';
import { type ReputationMemory, SAYS_ALLOW, SAYS_WORDS } from '../reputation/memory.ts';

const SLOT_WORDS = 3;

export class Gained {
  readonly #before: ReputationMemory;
  readonly #after: ReputationMemory;
  readonly #old: Fingerprints;
  readonly #new: Fingerprints;

  /** @param before may have other feeds; built with the same hash key */
  constructor(before: ReputationMemory, after: ReputationMemory) {
    this.#before = before;
    this.#after = after;
    this.#old = new Fingerprints(before.table.words, before.table.count);
    this.#new = new Fingerprints(after.table.words, after.table.count);
  }

  /** Entries of each feed, by its number, 1 or more. What two feeds gained is the first one's. */
  count(): Map<number, number> {
    const counts = new Map<number, number>();
    const { words } = this.#new;
    for (let at = 0; at < words.length; at += SLOT_WORDS) {
      const statement = words[at + 2]!;
      if (statement === 0) continue;
      const feed = this.#feedOf(statement, this.#scopeOf(words[at]!, words[at + 1]!, statement));
      if (feed !== 0) counts.set(feed, (counts.get(feed) ?? 0) + 1);
    }
    return counts;
  }

  /** SCOPE_* that `feed` lists a name with, and no feed did before; 0 for none. */
  scope(feed: number, low: number, high: number): number {
    const statement = this.#new.find(low, high);
    if (statement === 0) return 0;
    const scope = this.#scopeOf(low, high, statement);
    return this.#feedOf(statement, scope) === feed ? scope : 0;
  }

  #scopeOf(low: number, high: number, statement: number): number {
    const old = this.#old.find(low, high);
    const before = old === 0 ? 0 : scopeListed(this.#before.statements, old);
    return scopeListed(this.#after.statements, statement) & ~before;
  }

  /** The first feed that lists any of it. */
  #feedOf(statement: number, scope: number): number {
    const words = this.#after.statements;
    const end = statement + 1 + words[statement]! * SAYS_WORDS;
    for (let at = statement + 1; at < end && scope !== 0; at += SAYS_WORDS) {
      if ((scopeAt(words, at) & scope) !== 0) return words[at]!;
    }
    return 0;
  }
}

/** What a statement's feeds list together. */
function scopeListed(words: Int32Array, statement: number): number {
  const end = statement + 1 + words[statement]! * SAYS_WORDS;
  let scope = 0;
  for (let at = statement + 1; at < end && scope !== SCOPE_BOTH; at += SAYS_WORDS) {
    scope |= scopeAt(words, at);
  }
  return scope;
}

function scopeAt(words: Int32Array, at: number): number {
  const exact = words[at + 1]! > SAYS_ALLOW ? SCOPE_EXACT : 0;
  return words[at + 2]! > SAYS_ALLOW ? exact | SCOPE_BELOW : exact;
}

/**
 * Retro-hunt: what feeds gained, looked for in the history. Who asked for a name before anybody
 * knew that it is bad. Runs in a thread of its own (retro-worker.ts), bounded in what it keeps.
 */

import type { Feed } from '../config/types.ts';
import { Decision } from '../policy/decision.ts';
import type { ReputationMemory } from '../reputation/memory.ts';
import { Reputation, VET_NOTHING } from '../reputation/vet.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';
import { Gained } from './gained.ts';
import { gainedNames } from './gained-names.ts';
import { type Hit, huntEach, type Past, WALK_FROM } from './hunt.ts';
import { Touched } from './touched.ts';

/** Names looked for at most, of each feed: 100 octets each. */
export const NAMES_MAX = 100_000;
/** Rows taken of one name: an entry such as a whole TLD must not bring the history into memory. */
export const ROWS_MAX = 10_000;
/** Hits told one by one. */
export const HITS_MAX = 100;

export interface Lists {
  readonly before: ReputationMemory;
  readonly after: ReputationMemory;
  /** Those of `after`, in their order. */
  readonly feeds: readonly Feed[];
  /** The list of a feed as it is now; null where it cannot be read. */
  read(feed: Feed): Promise<Uint8Array | null>;
}

/** A pair of workload and name that a feed lists now. */
export interface RetroHit extends Hit {
  readonly feed: string;
  readonly rule: string;
}

export interface RetroFound {
  /** Those seen last first: what goes on is to be stopped first. */
  readonly hits: readonly RetroHit[];
  /** Hits of each feed that are beyond the bound. */
  readonly more: ReadonlyMap<string, number>;
  /** Gained names of each feed that were not looked for. */
  readonly unlooked: ReadonlyMap<string, number>;
}

/** @param most hits that are kept */
export async function retroHunt(past: Past, lists: Lists, most = HITS_MAX): Promise<RetroFound> {
  const gained = new Gained(lists.before, lists.after);
  const counts = gained.count();
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const touched = total < WALK_FROM ? null : new Touched(past.db);
  const meant = new Meant(lists);
  const best = new Best(most);
  const unlooked = new Map<string, number>();
  for (const feed of [...counts.keys()].sort((a, b) => a - b)) {
    const list = lists.feeds[feed - 1];
    const octets = list === undefined ? null : await lists.read(list);
    if (list === undefined || octets === null) continue;
    const by = { gained, feed, touched, max: NAMES_MAX };
    const { indicators, beyond } = gainedNames(octets, list.format, by);
    if (beyond > 0) unlooked.set(list.name, beyond);
    const rule = `feed ${list.name} (category ${list.category})`;
    const filter = { workload: null, sinceMs: 0, limit: ROWS_MAX };
    huntEach(past, indicators, filter, (hit) => {
      if (meant.has(hit.name)) best.add({ ...hit, feed: list.name, rule });
    });
  }
  return { hits: best.hits, more: best.more, unlooked };
}

/** What is listed as a whole: an exception of the list, or an entry above, may say otherwise. */
class Meant {
  readonly #before: Reputation;
  readonly #after: Reputation;
  readonly #name = new WireName();
  readonly #decision = new Decision();

  constructor({ before, after }: Lists) {
    this.#before = new Reputation(before);
    this.#after = new Reputation(after);
  }

  has(text: string): boolean {
    const wire = nameToWire(text);
    readName(wire, 0, wire.length, this.#name);
    if (this.#after.vet(this.#name, this.#decision) === VET_NOTHING) return false;
    return this.#before.vet(this.#name, this.#decision) === VET_NOTHING;
  }
}

/** The hits that were seen last, each pair of workload and name once. */
class Best {
  readonly more = new Map<string, number>();
  readonly #most: number;
  #hits: RetroHit[] = [];
  readonly #known = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  add(hit: RetroHit): void {
    const key = `${hit.workload}\n${hit.name}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.#hits.push(hit);
    if (this.#hits.length >= this.#most * 2) this.#cut();
  }

  get hits(): readonly RetroHit[] {
    this.#cut();
    return this.#hits;
  }

  #cut(): void {
    this.#hits.sort((a, b) => b.lastMs - a.lastMs);
    for (const { feed, workload, name } of this.#hits.splice(this.#most)) {
      this.more.set(feed, (this.more.get(feed) ?? 0) + 1);
      this.#known.delete(`${workload}\n${name}`);
    }
  }
}

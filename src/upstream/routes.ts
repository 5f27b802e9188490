/**
 * Routes: which group of servers a name is asked of. Split horizon, the longest suffix wins.
 *
 * It decides where a question goes, never whether: that is policy.
 */

import type { Config } from '../config/types.ts';
import { Fingerprints, FingerprintsBuilder, type FingerprintsMemory } from '../fingerprints.ts';
import { readName, WireName } from '../wire/name.ts';

/** A route's value in the table: group + 1, and this bit for internal names. */
const INTERNAL = 1 << 16;

export interface RoutesMemory {
  readonly suffixes: FingerprintsMemory;
}

export class Routes {
  /** Set by `find`: group of servers, -1 when no rule covers the name. */
  group = -1;
  /** Set by `find`: 1 when answers may hold private addresses (an internal zone). */
  internal = 0;
  /** Set by `find`: label where the rule's suffix starts in the name. */
  label = 0;
  readonly #suffixes: Fingerprints;
  /** The name that was asked for last: four stages of a query ask for the same. */
  #low = 0;
  #high = 0;
  #labelCount = -1;

  constructor(memory: RoutesMemory) {
    this.#suffixes = new Fingerprints(memory.suffixes.words, memory.suffixes.count);
  }

  find(name: WireName): void {
    const low = name.low[0]!;
    const high = name.high[0]!;
    const isLast = this.#low === low && this.#high === high;
    if (isLast && this.#labelCount === name.labelCount) return;
    this.#low = low;
    this.#high = high;
    this.#labelCount = name.labelCount;
    this.#look(name);
  }

  #look(name: WireName): void {
    for (let label = 0; label <= name.labelCount; label++) {
      const value = this.#suffixes.find(name.low[label]!, name.high[label]!);
      if (value === 0) continue;
      this.group = (value & 0xffff) - 1;
      this.internal = (value & INTERNAL) === 0 ? 0 : 1;
      this.label = label;
      return;
    }
    this.group = -1;
    this.internal = 0;
    this.label = name.labelCount;
  }
}

/** Groups are numbered as `config.upstreams` lists them. */
export function compileRoutes(config: Config): RoutesMemory {
  const builder = new FingerprintsBuilder(config.forward.length);
  const groups = new Map(config.upstreams.map((upstream, index) => [upstream.name, index]));
  const name = new WireName();
  for (const rule of config.forward) {
    readName(rule.wire, 0, rule.wire.length, name);
    const group = groups.get(rule.upstream) ?? -1;
    const value = (group + 1) | (rule.internal ? INTERNAL : 0);
    builder.set(name.low[0] ?? 0, name.high[0] ?? 0, value);
  }
  return { suffixes: builder.finish() };
}

/**
 * Busy: who asked for how much in an hour. Exact for workloads; of domains those are kept that have
 * most of something, in bounded memory: where more than that are asked for, what is asked for once
 * by somebody new is not among them. Memory only; busy-rows.ts keeps it.
 */

import { nameToWire } from '../wire/text.ts';
import type { FourCounts } from './day-counts.ts';
import type { PairGather } from './gather.ts';
import { reversedName, textOfReversed, type WireText } from './names.ts';
import type { Tally } from './tally.ts';

/** Domains in memory; when there are twice as many, those with fewest queries are forgotten. */
const DOMAINS_MAX = 8192;
/** Domains of a row: those with most queries, and with most denied, would deny and failed. */
const MOST_QUERIES = 250;
const MOST_OF_OTHERS = 50;

/** A name (of a domain reversed), then allowed, denied, would deny, failed. */
export type BusyEntry = readonly [string, ...FourCounts];

export interface BusyHour {
  readonly workloads: readonly BusyEntry[];
  readonly domains: readonly BusyEntry[];
  /** Queries for domains that are not listed. */
  readonly missed: number;
}

class Counts {
  allowed = 0;
  denied = 0;
  wouldDeny = 0;
  failed = 0;

  add({ allowed, denied, wouldDeny, failed }: Counts | Tally): void {
    this.allowed += allowed;
    this.denied += denied;
    this.wouldDeny += wouldDeny;
    this.failed += failed;
  }

  get queries(): number {
    return this.allowed + this.denied + this.failed;
  }
}

export class Busy {
  readonly #workloads = new Map<string, Counts>();
  #domains = new Map<WireText, Counts>();

  /** Begins with what a row holds; with nothing where that is null. */
  load(hour: Pick<BusyHour, 'workloads' | 'domains'> | null): void {
    this.#workloads.clear();
    this.#domains.clear();
    for (const [name, ...counts] of hour?.workloads ?? []) {
      this.#workloads.set(name, countsOf(counts));
    }
    for (const [reversed, ...counts] of hour?.domains ?? []) {
      const wire = Buffer.from(nameToWire(textOfReversed(reversed))).toString('latin1');
      this.#domains.set(wire, countsOf(counts));
    }
  }

  add(pairs: readonly PairGather[]): void {
    for (const pair of pairs) {
      const { domain, workload } = pair.known;
      const ofWorkload = this.#workloads.get(workload.name);
      if (ofWorkload === undefined) this.#workloads.set(workload.name, copyOf(pair));
      else ofWorkload.add(pair);
      const ofDomain = this.#domains.get(domain);
      if (ofDomain !== undefined) ofDomain.add(pair);
      else if (this.#hasRoomFor(pair)) this.#domains.set(domain, copyOf(pair));
    }
  }

  /** What is to be kept of the hour. */
  hour(): BusyHour {
    const workloads = [...this.#workloads].map(([name, counts]) => entryOf(name, counts));
    const total = [...this.#workloads.values()].reduce((sum, { queries }) => sum + queries, 0);
    const domains = this.#listed();
    const listed = domains.reduce((sum, [, counts]) => sum + counts.queries, 0);
    return {
      workloads,
      domains: domains.map(([wire, counts]) => entryOf(reversedName(wire), counts)),
      missed: Math.max(0, total - listed),
    };
  }

  /** A flood of new domains, each asked for once, costs a look and no more. */
  #hasRoomFor(pair: PairGather): boolean {
    if (this.#domains.size < DOMAINS_MAX) return true;
    if (pair.isNew && pair.queries < 2) return false;
    if (this.#domains.size >= 2 * DOMAINS_MAX) {
      const most = this.#most((counts) => counts.queries, DOMAINS_MAX);
      this.#domains = new Map(most);
    }
    return true;
  }

  #listed(): [WireText, Counts][] {
    return [
      ...new Map([
        ...this.#most((counts) => counts.queries, MOST_QUERIES),
        ...this.#most((counts) => counts.denied, MOST_OF_OTHERS),
        ...this.#most((counts) => counts.wouldDeny, MOST_OF_OTHERS),
        ...this.#most((counts) => counts.failed, MOST_OF_OTHERS),
      ]),
    ];
  }

  #most(of: (counts: Counts) => number, count: number): [WireText, Counts][] {
    const some = [...this.#domains].filter(([, counts]) => of(counts) > 0);
    return some.sort(([, a], [, b]) => of(b) - of(a)).slice(0, count);
  }
}

function countsOf([allowed = 0, denied = 0, wouldDeny = 0, failed = 0]: readonly number[]): Counts {
  return Object.assign(new Counts(), { allowed, denied, wouldDeny, failed });
}

function copyOf(pair: PairGather): Counts {
  const counts = new Counts();
  counts.add(pair);
  return counts;
}

function entryOf(name: string, { allowed, denied, wouldDeny, failed }: Counts): BusyEntry {
  return [name, allowed, denied, wouldDeny, failed];
}

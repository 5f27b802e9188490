/**
 * Busy: who asked for how much in an hour. Exact for workloads; of domains those are kept that have
 * most of something, in bounded memory: where more than that are asked for, what is asked for once
 * by somebody new is not among them. Memory only; busy-rows.ts keeps it.
 */

import { nameToWire } from '../wire/text.ts';
import type { FourCounts } from './day-counts.ts';
import type { PairGather } from './gather.ts';
import { reversedName, textOfReversed, type WireText } from './names.ts';
import type { Workload } from './snapshots.ts';
import type { Tally } from './tally.ts';

/** Domains in memory; when there are twice as many, those with fewest queries are forgotten. */
const DOMAINS_MAX = 4096;
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
  /** The same, by the number of the workload in this process. */
  #byNumber: Counts[] = [];
  #domains = new Map<WireText, Counts>();

  /** Begins with what a row holds; with nothing where that is null. */
  load(hour: Pick<BusyHour, 'workloads' | 'domains'> | null): void {
    this.#workloads.clear();
    this.#byNumber = [];
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
      this.#ofWorkload(workload).add(pair);
      // A flood of new domains, each asked for once, costs no look.
      if (this.#domains.size >= DOMAINS_MAX && pair.isNew && pair.queries < 2) continue;
      const ofDomain = this.#domains.get(domain);
      if (ofDomain !== undefined) ofDomain.add(pair);
      else this.#addDomain(domain, pair);
    }
  }

  #ofWorkload({ name, number }: Workload): Counts {
    const known = this.#byNumber[number];
    if (known !== undefined) return known;
    const counts = this.#workloads.get(name) ?? new Counts();
    this.#workloads.set(name, counts);
    this.#byNumber[number] = counts;
    return counts;
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

  #addDomain(domain: WireText, pair: PairGather): void {
    if (this.#domains.size >= 2 * DOMAINS_MAX) {
      this.#domains = new Map(this.#most((counts) => counts.queries, DOMAINS_MAX));
    }
    const counts = new Counts();
    counts.add(pair);
    this.#domains.set(domain, counts);
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

function entryOf(name: string, { allowed, denied, wouldDeny, failed }: Counts): BusyEntry {
  return [name, allowed, denied, wouldDeny, failed];
}

/**
 * Traffic in which nothing is to be found, or of which nobody says what it is: how much there was,
 * and what was said about it all the same.
 */

import { CARRIES, type Finding, OF_WORKLOAD } from './finding.ts';
import type { Outcome } from './replay.ts';
import type { Sample } from './sample.ts';

const DAY_SECONDS = 86_400;

/** What was told about one (client, domain) or one client, by type: one line for a person. */
export interface Alert {
  readonly source: string;
  readonly client: string;
  /** The domain, or where the finding is about the workload, the last one asked for. */
  readonly domain: string;
  /** The first finding. */
  readonly finding: Finding;
  /** Seconds into its timeline. */
  readonly seconds: number;
  count: number;
}

interface Span {
  first: number;
  last: number;
}

/** One file. */
export class Source {
  readonly name: string;
  queries = 0;
  forwarded = 0;
  denied = 0;
  unmapped = 0;
  readonly alerts = new Map<string, Alert>();
  readonly #pairs = new Set<string>();
  readonly #clients = new Map<string, Span>();

  constructor(name: string) {
    this.name = name;
  }

  /** @param timeline tells clients of different clocks apart */
  add(timeline: string, sample: Sample, outcome: Outcome): void {
    this.queries++;
    if (outcome.isForwarded) this.forwarded++;
    if (outcome.isDenied) this.denied++;
    if (outcome.workload === 0) this.unmapped++;
    const client = `${timeline}\t${sample.client}`;
    this.#pairs.add(`${client}\t${outcome.domain}`);
    const span = this.#clients.get(client);
    if (span === undefined) this.#clients.set(client, { first: sample.at, last: sample.at });
    else span.last = sample.at;
  }

  tell(timeline: string, sample: Sample, finding: Finding): void {
    const { client } = sample;
    const about = OF_WORKLOAD.has(finding.type) ? '' : finding.domain;
    const key = `${timeline}\t${client}\t${finding.type}\t${about}`;
    const alert = this.alerts.get(key);
    if (alert !== undefined) {
      alert.count++;
      return;
    }
    const { domain } = finding;
    const first = { source: this.name, client, domain, finding, seconds: sample.at, count: 1 };
    this.alerts.set(key, first);
  }

  get clients(): number {
    return this.#clients.size;
  }

  get pairs(): number {
    return this.#pairs.size;
  }

  /** From the first query to the last, summed over the clients. */
  get clientDays(): number {
    let seconds = 0;
    for (const { first, last } of this.#clients.values()) seconds += last - first;
    return seconds / DAY_SECONDS;
  }

  /** Alerts of data in names and answers. */
  get carrying(): number {
    return [...this.alerts.values()].filter(({ finding }) => CARRIES.has(finding.type)).length;
  }
}

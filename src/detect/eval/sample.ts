/**
 * Sample: one recorded query, with what was answered and what is known about who asked. A timeline
 * is the samples that share a clock, in the order of time.
 *
 * The engine is given the query and the answer. What is true about it (`truth`) is for the scores
 * alone.
 */

import { DnsvalveError } from '../../errors.ts';

/** What a record says that a query was part of: one session of one tool. */
export interface Truth {
  readonly session: string;
  readonly tool: string;
  /** The zone that the tool's server answers for: lower-case wire form; null where it has none. */
  readonly zone: Uint8Array | null;
}

/** What the upstream answered; null where nothing was seen. */
export type Reply =
  /** The octets of the response, from a capture. */
  | { readonly kind: 'message'; readonly octets: Uint8Array }
  /** What a table says about it. */
  | {
      readonly kind: 'row';
      readonly rcode: number;
      /** Smallest TTL of the answer; 0 where the table has none. */
      readonly ttl: number;
      /** Records as `TYPE:data`, separated by blanks; may be cut. */
      readonly records: string;
      /** Octets of the response, 0 where not known. */
      readonly length: number;
    };

export interface Sample {
  /** Seconds since the timeline began. */
  readonly at: number;
  /** Who asked: one client is one workload. */
  readonly client: string;
  /** The name as it was asked: wire form, case kept, with its root. */
  readonly name: Uint8Array;
  readonly qtype: number;
  readonly reply: Reply | null;
  /** null: nothing is wrong with it, or nobody said. */
  readonly truth: Truth | null;
}

export interface Timeline {
  /** The file that it came from, without folder and ending. */
  readonly source: string;
  readonly session: string;
  /** Whether the record says of each query what it was. */
  readonly isLabelled: boolean;
  readonly samples: readonly Sample[];
}

/** A sample takes 500 to 1,000 octets; beyond this the heap of a process may be too small. */
const SAMPLES_MAX = 2_000_000;

/** Gathers the samples of one file, session by session. */
export class TimelineBuilder {
  readonly #source: string;
  readonly #sessions = new Map<string, Sample[]>();
  #isLabelled = false;
  count = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** The record has a word on what its queries are. */
  label(): void {
    this.#isLabelled = true;
  }

  /** Seconds of the last sample of a session; null when it has none. */
  lastOf(session: string): number | null {
    return this.#sessions.get(session)?.at(-1)?.at ?? null;
  }

  add(session: string, sample: Sample): void {
    if (++this.count > SAMPLES_MAX) {
      const most = SAMPLES_MAX.toLocaleString('en');
      throw new DnsvalveError(
        'USAGE',
        `${this.#source}: more than ${most} queries; split the file`,
      );
    }
    const samples = this.#sessions.get(session);
    if (samples === undefined) this.#sessions.set(session, [sample]);
    else samples.push(sample);
  }

  finish(): Timeline[] {
    return [...this.#sessions].map(([session, samples]) => ({
      source: this.#source,
      session,
      isLabelled: this.#isLabelled,
      // Stable: rows of one instant keep their order.
      samples: samples.sort((a, b) => a.at - b.at),
    }));
  }
}

/**
 * Findings: what a detector says about (workload, name), as one record in the worker's ring.
 *
 * Told at once and never gathered: a finding is rare, and it is what somebody waits for. Where the
 * ring is full it is shed and counted; the ledger behind it stays above its threshold and tells
 * again with the next name.
 */

import type { Query } from '../query.ts';
import { copyOctets } from '../wire/octets.ts';
import {
  AT_DOMAIN_HASH,
  AT_FINDING,
  AT_FIRST_MS,
  AT_FLAGS,
  AT_IS_DENIED,
  AT_KIND,
  AT_LAST_MS,
  AT_MODE,
  AT_NAME,
  AT_NAME_LENGTH,
  AT_PARTS,
  AT_QTYPE,
  AT_REASON,
  AT_REGISTRABLE,
  AT_REVISION,
  AT_RULE,
  AT_SCORE,
  AT_SOURCE,
  AT_THRESHOLD,
  AT_WORKLOAD,
  KIND_FINDING,
  PARTS,
} from './kinds.ts';
import type { RingWriter } from './ring.ts';

/** Numbers in a record are unsigned 32-bit words. */
const NUMBER_MAX = 0x7fffffff;

export class Findings {
  /** What the next `tell` says, since `begin`. */
  readonly parts = new Int32Array(PARTS);
  score = 0;
  threshold = 0;
  readonly #ring: RingWriter;

  constructor(ring: RingWriter) {
    this.#ring = ring;
  }

  /** The numbers of the next `tell`; the parts are 0 until they are set. */
  begin(score: number, threshold: number): void {
    this.score = Math.min(Math.round(score), NUMBER_MAX);
    this.threshold = Math.min(Math.round(threshold), NUMBER_MAX);
    this.parts.fill(0);
  }

  /**
   * Writes `score`, `threshold` and `parts` about a query.
   *
   * @param label where the registrable domain starts in the name
   * @param firstMs wall clock of the first query that it is about
   * @returns false when the ring is full
   */
  tell(query: Query, label: number, type: number, firstMs: number): boolean {
    const at = this.#ring.claim();
    if (at === -1) {
      this.#ring.shed(1);
      return false;
    }
    const { words, times } = this.#ring;
    const word = at >> 2;
    const { name, decision } = query;
    words[word + AT_KIND / 4] = KIND_FINDING;
    words[word + AT_WORKLOAD / 4] = query.workload;
    words[word + AT_REVISION / 4] = query.revision;
    words[word + AT_RULE / 4] = decision.rule;
    times[(at + AT_FIRST_MS) >> 3] = firstMs;
    times[(at + AT_LAST_MS) >> 3] = query.wallMs;
    words[word + AT_SCORE / 4] = this.score;
    words[word + AT_THRESHOLD / 4] = this.threshold;
    words[word + AT_IS_DENIED / 4] = decision.allowed === 0 ? 1 : 0;
    for (let i = 0; i < PARTS; i++) words[word + AT_PARTS / 4 + i] = this.parts[i]!;
    words[word + AT_DOMAIN_HASH / 4] = name.low[label]!;
    words[word + AT_DOMAIN_HASH / 4 + 1] = name.high[label]!;
    this.#writeOctets(at, query, label, type);
    this.#ring.publish();
    return true;
  }

  #writeOctets(at: number, query: Query, label: number, type: number): void {
    const { octets } = this.#ring;
    const { name, decision, qtype } = query;
    octets[at + AT_QTYPE] = qtype;
    octets[at + AT_QTYPE + 1] = qtype >>> 8;
    octets[at + AT_REASON] = decision.reason;
    octets[at + AT_FLAGS] = decision.flags;
    octets[at + AT_MODE] = query.mode;
    octets[at + AT_FINDING] = type;
    octets[at + AT_NAME_LENGTH] = name.length;
    octets[at + AT_REGISTRABLE] = name.labelAt[label]!;
    copyOctets(query.peer, query.peerAt, octets, at + AT_SOURCE, 16);
    copyOctets(name.octets, 0, octets, at + AT_NAME, name.length);
  }
}

/**
 * Found: findings of detectors on their way from the rings to main and to the database. What comes
 * about the same thing between two tellings, or two commits, becomes one.
 *
 * Memory only. A finding does not wait for a commit to be told, and the two are counted apart.
 */

import { detectorOf } from '../detect/detectors.ts';
import {
  AT_FINDING,
  AT_FIRST_MS,
  AT_IS_DENIED,
  AT_LAST_MS,
  AT_PARTS,
  AT_RULE,
  AT_SCORE,
  AT_THRESHOLD,
  PARTS,
} from '../events/kinds.ts';
import type { WireText } from './names.ts';
import { type Facts, type RecordPlace, readFacts, readRegistrable } from './record.ts';
import type { Workload } from './snapshots.ts';

/** Findings about different things that are held at a time; beyond it the oldest is given up. */
const WAITING_MAX = 20_000;

/** The numbers that a detector gives. */
export interface Score {
  readonly score: number;
  readonly threshold: number;
  /** What they mean is in detect/parts.ts. */
  readonly parts: readonly number[];
}

/** One or more findings about the same (workload, domain or rule, detector). */
export class Finding {
  readonly workload: Workload;
  /** FINDING_*. */
  readonly type: number;
  /** Registrable domain of the gravest query. */
  domain: WireText;
  /** Of the gravest query: one that was denied, or the last. */
  facts: Facts;
  /** The worst. */
  score: Score;
  /** Queries that it was said of, and those of them that were denied. */
  count = 1;
  denied: number;
  /** Wall clock of the first query that it was said of, ms since the epoch. */
  foundMs: number;
  /** Wall clock of the first and last query that the score is about, ms since the epoch. */
  firstMs: number;
  lastMs: number;
  /** When the pair was first seen, where memory knows it. */
  readonly firstSeenMs: number | null;

  constructor(place: RecordPlace, workload: Workload, firstSeenMs: number | null) {
    const { view, octets, at } = place;
    this.workload = workload;
    this.firstSeenMs = firstSeenMs;
    this.type = octets[at + AT_FINDING] ?? 0;
    this.domain = readRegistrable(place);
    this.lastMs = view.getFloat64(at + AT_LAST_MS, true);
    this.foundMs = this.lastMs;
    this.firstMs = view.getFloat64(at + AT_FIRST_MS, true) || this.lastMs;
    this.facts = readFacts(place, this.lastMs);
    this.denied = view.getUint32(at + AT_IS_DENIED, true) === 0 ? 0 : 1;
    this.score = readScore(place);
  }

  /** Whether it is about one registrable domain. */
  get isOfDomain(): boolean {
    return detectorOf(this.type).scope === 'domain';
  }

  add(later: Finding): void {
    if (later.denied > 0 || this.denied === 0) {
      this.facts = later.facts;
      this.domain = later.domain;
    }
    const { sign } = detectorOf(this.type);
    if (later.score.score * sign >= this.score.score * sign) this.score = later.score;
    this.foundMs = Math.min(this.foundMs, later.foundMs);
    this.count += later.count;
    this.denied += later.denied;
    this.firstMs = Math.min(this.firstMs, later.firstMs);
    this.lastMs = Math.max(this.lastMs, later.lastMs);
  }
}

function readScore({ view, at }: RecordPlace): Score {
  const parts = Array.from({ length: PARTS }, (_, i) => view.getInt32(at + AT_PARTS + 4 * i, true));
  return {
    score: view.getUint32(at + AT_SCORE, true),
    threshold: view.getUint32(at + AT_THRESHOLD, true),
    parts,
  };
}

export class Found {
  #untold = new Map<string, Finding>();
  readonly #waiting = new Map<string, Finding>();
  /** Findings given up for lack of room since the start. */
  shed = 0;

  /** Findings that wait to be stored. */
  get size(): number {
    return this.#waiting.size;
  }

  add(place: RecordPlace, workload: Workload, firstSeenMs: number | null): void {
    const key = keyOf(place, workload);
    for (const findings of [this.#untold, this.#waiting]) {
      const known = findings.get(key);
      const finding = new Finding(place, workload, firstSeenMs);
      if (known === undefined) findings.set(key, finding);
      else known.add(finding);
    }
    this.shed += shedOldest(this.#waiting);
  }

  /** What main was not told yet; it counts as told. */
  takeUntold(): readonly Finding[] {
    if (this.#untold.size === 0) return [];
    const list = [...this.#untold.values()];
    this.#untold = new Map();
    return list;
  }

  /** What waits, oldest first; it stays until `stored`. */
  waiting(): readonly Finding[] {
    return [...this.#waiting.values()];
  }

  /** Lets go of all that waits. */
  stored(): void {
    this.#waiting.clear();
  }
}

/** What comes about the same thing has the same key; no part of it but the last holds a colon. */
function keyOf(place: RecordPlace, { number }: Workload): string {
  const { view, octets, at } = place;
  const type = octets[at + AT_FINDING] ?? 0;
  const { scope } = detectorOf(type);
  const rule = scope === 'rule' ? view.getUint32(at + AT_RULE, true) : 0;
  return `${number}:${type}:${rule}:${scope === 'domain' ? readRegistrable(place) : ''}`;
}

function shedOldest(findings: Map<string, Finding>): number {
  if (findings.size <= WAITING_MAX) return 0;
  const oldest = findings.keys().next();
  if (oldest.done === true) return 0;
  findings.delete(oldest.value);
  return 1;
}

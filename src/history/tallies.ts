/**
 * What is gathered about a pair and about a name until it is stored, and what main is to be told.
 */

import {
  AT_ALLOWED,
  AT_DENIED,
  AT_FAILED,
  AT_FIRST_MS,
  AT_LAST_MS,
  AT_WOULD_DENY,
  FLAG_BYPASS,
  FLAG_CHAIN,
  FLAG_FIRST,
  FLAG_REBINDING,
  FLAG_REPUTATION,
  FLAG_UNMAPPED,
} from '../events/kinds.ts';
import type { KnownName, KnownPair } from './known.ts';
import type { Facts, RecordPlace } from './record.ts';

/** Flags that are worth telling even about a pair that is long known. */
export const NOTABLE = FLAG_REBINDING | FLAG_BYPASS | FLAG_REPUTATION | FLAG_UNMAPPED | FLAG_CHAIN;

/** Counts and times, all of them since the last commit. */
export class Tally {
  /** Wall clock, ms since the epoch. */
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  allowed = 0;
  denied = 0;
  wouldDeny = 0;
  failed = 0;

  /** Adds the counts and times of a record. */
  add({ view, at }: RecordPlace): void {
    this.allowed += view.getUint32(at + AT_ALLOWED, true);
    this.denied += view.getUint32(at + AT_DENIED, true);
    this.wouldDeny += view.getUint32(at + AT_WOULD_DENY, true);
    this.failed += view.getUint32(at + AT_FAILED, true);
    this.span(view.getFloat64(at + AT_FIRST_MS, true), view.getFloat64(at + AT_LAST_MS, true));
  }

  /** Widens the times; a record may leave a time out as 0. */
  span(firstMs: number, lastMs: number): void {
    if (firstMs > 0 && firstMs < this.firstMs) this.firstMs = firstMs;
    if (lastMs > this.lastMs) this.lastMs = lastMs;
  }

  /** Whether both count the same queries, as far as numbers tell. */
  equals(other: Tally): boolean {
    return (
      this.firstMs === other.firstMs &&
      this.lastMs === other.lastMs &&
      this.allowed === other.allowed &&
      this.denied === other.denied &&
      this.wouldDeny === other.wouldDeny &&
      this.failed === other.failed
    );
  }

  /** Queries in all; `wouldDeny` is a part of them. */
  get queries(): number {
    return this.allowed + this.denied + this.failed;
  }
}

/** What main has not been told yet about a pair. */
export class Untold extends Tally {
  flags = 0;
  /** Facts of the last record that was denied or flagged; null when none was. */
  notable: Facts | null = null;
  /** 16 octets each; includes a refused address, which is never stored. */
  answers: Uint8Array | null = null;

  get isGrave(): boolean {
    return this.denied > 0 || (this.flags & NOTABLE) !== 0;
  }
}

/** Most pairs have none of either: no array of its own for each. */
export const NO_NAMES: NameGather[] = [];
const NO_UNTOLD: readonly Untold[] = [];

/** Counts of one full name that wait, and which name it is. */
export class NameGather extends Tally {
  readonly known: KnownName;

  constructor(known: KnownName) {
    super();
    this.known = known;
  }
}

export class PairGather extends Tally {
  readonly known: KnownPair;
  /** Of the record with the earliest time. */
  first: Facts;
  cached = 0;
  folded = 0;
  /** Detail below this pair. */
  names: NameGather[] = NO_NAMES;
  /** First addresses answered, 16 octets each. */
  answers: Uint8Array | null = null;
  untold: Untold | null = null;
  /** Denials for other reasons than the one in `untold`: each is told by itself. */
  apart: readonly Untold[] = NO_UNTOLD;
  /** Main was told that the pair is new while nothing could be stored. */
  toldNew = false;

  constructor(known: KnownPair, first: Facts) {
    super();
    this.known = known;
    this.first = first;
  }

  /** Rows that storing this will touch. */
  get rows(): number {
    return 1 + this.names.length;
  }

  get worthTelling(): boolean {
    return this.untold !== null && (this.untold.isGrave || this.apart.length > 0);
  }

  /** Whether a worker believes that the pair is new, where the database cannot be asked. */
  get believedNew(): boolean {
    if (this.apart.some(({ flags }) => (flags & FLAG_FIRST) !== 0)) return true;
    return this.untold !== null && (this.untold.flags & FLAG_FIRST) !== 0;
  }
}

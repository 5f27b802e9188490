/** Tally: what the recorder counts of queries, of a pair or of a name, between two commits. */

import {
  AT_ALLOWED,
  AT_DENIED,
  AT_FAILED,
  AT_FIRST_MS,
  AT_LAST_MS,
  AT_WOULD_DENY,
} from '../events/kinds.ts';
import type { RecordPlace } from './record.ts';

/** Counts and times, all of them since the last commit. */
export class Tally {
  /** Wall clock, ms since the epoch. */
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  allowed = 0;
  denied = 0;
  wouldDeny = 0;
  failed = 0;

  /** As if nothing had been added. */
  reset(): void {
    this.firstMs = Number.POSITIVE_INFINITY;
    this.lastMs = Number.NEGATIVE_INFINITY;
    this.allowed = 0;
    this.denied = 0;
    this.wouldDeny = 0;
    this.failed = 0;
  }

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

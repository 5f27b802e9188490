/**
 * Delivery: feeds one sink from the journal, in order, at the pace of the sink. Its cursor is the
 * last alert that needs no further delivery; a start resumes behind it, so an alert may be
 * delivered twice (with the same id) but is never left out unless it is counted as lost.
 *
 * It looks at what the sink counts (`stats`) rather than being told: sinks know nothing of it.
 */

import { messageOf } from '../errors.ts';
import type { Alert } from './alert.ts';
import type { Cursor } from './cursors.ts';
import type { Gate } from './gate.ts';
import type { Journal } from './journal.ts';
import type { JournalRecord } from './record.ts';
import type { Report, Sink, SinkStats } from './sinks/sink.ts';

/** Alerts that a sink has at once, far below what its queue holds. */
const WINDOW = 2_048;

export interface DeliveryOptions {
  readonly sink: Sink;
  readonly gate: Gate;
  readonly journal: Journal;
  readonly report: Report;
}

export interface DeliveryStats extends SinkStats {
  /** Held back by the cap of the sink since the start; what was told of it counts as sent. */
  readonly suppressed: number;
}

export class Delivery {
  readonly sink: Sink;
  readonly #gate: Gate;
  readonly #journal: Journal;
  readonly #report: Report;
  /** Sequence of the next record to take; null until `begin`. */
  #next: number | null = null;
  /** Read from the disk and not given yet, from #at on; they lie before #next. */
  #read: JournalRecord[] = [];
  #at = 0;
  #isReading = false;
  /** Sequences of what the sink was given, until it is confirmed. */
  #given: number[] = [];
  /** Of all that the sink was given: how many it settled, and how many of these are confirmed. */
  #settled = 0;
  #confirmed = 0;
  #pushed = 0;
  #lost = 0;
  /** Sequences before #next that were passed over, by the last one of each gap. */
  #passed: { readonly last: number; readonly count: number }[] = [];
  /** Sequences from #next on that will be missing, and have been judged already. */
  #judged = 0;
  #isClosed = false;

  constructor({ sink, gate, journal, report }: DeliveryOptions) {
    this.sink = sink;
    this.#gate = gate;
    this.#journal = journal;
    this.#report = report;
  }

  /** Starts where an earlier run ended. */
  begin({ sequence, lost, ahead }: Cursor): void {
    this.#next = sequence + 1;
    this.#lost = lost;
    this.#judged = ahead;
    this.pump();
  }

  /** Null before `begin`. */
  get cursor(): Cursor | null {
    if (this.#next === null) return null;
    const sequence = this.#reached(this.#next);
    this.#passed = this.#passed.filter(({ last }) => last > sequence);
    const ahead = this.#passed.reduce((sum, { count }) => sum + count, this.#judged);
    return { sequence, lost: this.#lost, ahead };
  }

  #reached(next: number): number {
    return (this.#given[0] ?? this.#read[this.#at]?.sequence ?? next) - 1;
  }

  /** Alerts that the journal lost before the sink could take them. */
  get lost(): number {
    return this.#lost;
  }

  /** Whether something is under way or waits. */
  get isBusy(): boolean {
    return this.#next !== null && this.#reached(this.#next) < this.#journal.last;
  }

  isWaitingFor(sequence: number): boolean {
    return this.#next !== null && this.#next <= sequence;
  }

  /** Gives the sink what it has room for. */
  pump(): void {
    this.#settle();
    while (this.#next !== null && !this.#isClosed && this.#pushed - this.#settled < WINDOW) {
      const record = this.#take();
      if (record === undefined) return;
      for (const alert of this.#gate.pass(record)) this.#give(record.sequence, alert);
    }
  }

  /** Once a second; tells what the cap held back even when nothing follows. */
  tick(nowMs: number): void {
    this.pump();
    if (this.#next === null || this.#isClosed || this.#at < this.#read.length) return;
    if (this.#next <= this.#journal.last) return;
    for (const alert of this.#gate.suppressed(nowMs)) this.#give(this.#next - 1, alert);
  }

  /** All up to `last` is out of reach; `records` is what could be read of it, null for nothing. */
  gone(last: number, records: readonly JournalRecord[] | null): void {
    const next = this.#next;
    if (next === null || next > last) return;
    const known = records?.filter(({ sequence }) => sequence >= next) ?? [];
    this.#lost += known.filter(({ alert }) => this.#gate.wants(alert)).length;
    this.#judged += known.length;
    this.#pass(last, last - next + 1);
    this.#next = last + 1;
  }

  /** `record` will never be on the disk, and is not in memory any more. */
  notKept({ sequence, alert }: JournalRecord): void {
    if (this.#next === null || this.#next > sequence) return;
    if (this.#gate.wants(alert)) this.#lost++;
    this.#judged++;
    if (this.#next < sequence) return; // what lies before it is read first
    this.#pass(sequence, 1);
    this.#next = sequence + 1;
  }

  stats(): DeliveryStats {
    this.#settle();
    const stats = this.sink.stats();
    const read = this.#read.length - this.#at;
    const waiting = this.#next === null ? 0 : this.#journal.last - this.#next + 1 + read;
    return {
      ...stats,
      dropped: stats.dropped + this.#lost,
      queued: stats.queued + (this.#isClosed ? 0 : waiting),
      suppressed: this.#gate.suppressedInAll,
    };
  }

  /** What the sink has at the deadline stays in the journal, behind the cursor. */
  async close(deadlineMs: number): Promise<void> {
    this.tick(Number.POSITIVE_INFINITY);
    this.#isClosed = true;
    const { dropped } = this.sink.stats();
    await this.sink.close(deadlineMs);
    this.#settle(dropped);
  }

  /** The next record, from memory or from what was read; starts to read when it is on the disk. */
  #take(): JournalRecord | undefined {
    const read = this.#read[this.#at];
    if (read !== undefined) {
      this.#at++;
      return read;
    }
    const next = this.#next ?? 0;
    if (next > this.#journal.last) return undefined;
    const held = this.#journal.held(next);
    if (held !== undefined) this.#next = next + 1;
    else void this.#readBack();
    return held;
  }

  async #readBack(): Promise<void> {
    if (this.#isReading || this.#next === null) return;
    this.#isReading = true;
    const records = await this.#journal.read(this.#next);
    this.#isReading = false;
    // What was dropped meanwhile has been counted.
    const from = this.#next;
    const fresh = records.filter(({ sequence }) => sequence >= from);
    const last = fresh.at(-1);
    if (last !== undefined) {
      this.#pass(last.sequence, last.sequence - from + 1 - fresh.length);
      this.#next = last.sequence + 1;
    } else if (records.length === 0) {
      this.#next = Math.max(from, this.#journal.heldFrom);
      this.#pass(this.#next - 1, this.#next - from);
    }
    this.#read = fresh;
    this.#at = 0;
    this.pump();
  }

  /**
   * Passes over `count` sequences up to `last`. Those that were not judged before should be on the
   * disk and are not: torn, deleted, or dropped before the start. They count whatever they were.
   */
  #pass(last: number, count: number): void {
    if (count === 0) return;
    const judged = Math.min(count, this.#judged);
    this.#judged -= judged;
    this.#lost += count - judged;
    this.#passed.push({ last, count });
  }

  #give(sequence: number, alert: Alert): void {
    this.#given.push(sequence);
    this.#pushed++;
    try {
      this.sink.push(alert);
    } catch (error) {
      // A sink must not throw; one that does harms neither the others nor the recorder's feed.
      this.#report(`alert sink ${this.sink.name}: ${messageOf(error)}`);
      this.#lost++;
      this.#given.pop();
      this.#pushed--;
    }
  }

  /** Follows what the sink counts; `dropped` is given where its own count is not about losses. */
  #settle(dropped?: number): void {
    const stats = this.sink.stats();
    this.#settled = stats.sent + (dropped ?? stats.dropped);
    const confirmed = (stats.confirmed ?? stats.sent) + (dropped ?? stats.dropped);
    if (confirmed <= this.#confirmed) return;
    this.#given.splice(0, confirmed - this.#confirmed);
    this.#confirmed = confirmed;
  }
}

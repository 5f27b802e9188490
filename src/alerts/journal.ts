/**
 * Journal: every alert in its order, in memory at once and on the disk a moment later, within a
 * bound of bytes and age. Sinks are fed from here (delivery.ts), each at its own pace.
 *
 * Nobody waits for the disk. While it takes nothing, alerts stay in memory up to UNWRITTEN_MAX;
 * what goes beyond, and what the bound drops, is told before it is out of reach, so that each sink
 * counts exactly what it lost.
 */

import { messageOf } from '../errors.ts';
import type { Alert } from './alert.ts';
import { type JournalRecord, lineOf } from './record.ts';
import { type Bounds, type Segment, Segments } from './segments.ts';
import { Backoff } from './sinks/backoff.ts';
import type { Report } from './sinks/sink.ts';

/** Alerts in memory: the newest, for sinks that keep up; 1 to 2 kB each. */
const HELD_MAX = 4_096;
/** Alerts in memory while the disk takes none. */
const UNWRITTEN_MAX = 20_000;
/** Characters of one write. */
const BATCH = 262_144;
const PAUSE = { firstMs: 250, maxMs: 5_000, random: Math.random };

export interface JournalOptions extends Bounds {
  readonly directory: string;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly report: Report;
  /**
   * All up to `last` is about to be out of reach: the records that can still be read, or null where
   * none can. Must not append.
   */
  readonly onGone: (last: number, records: readonly JournalRecord[] | null) => void;
  /** The record leaves memory and will never be on the disk. Must not append. */
  readonly onNotKept: (record: JournalRecord) => void;
  /** Whether anybody still wants what lies at `sequence`. */
  readonly isWanted: (sequence: number) => boolean;
}

export interface JournalStats {
  readonly bytes: number;
  readonly segments: number;
  /** Sequence of the oldest alert on the disk, and of the newest at all; 0 for none. */
  readonly oldest: number;
  readonly newest: number;
  /** In memory only. */
  readonly unwritten: number;
  /** Never written, because the disk took nothing for too long. */
  readonly not_kept: number;
  readonly last_error: string | null;
  /** Nothing is written now, for the reason above. */
  readonly failing: boolean;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #segments: Segments;
  /** The newest records without a gap, from #head on. */
  #held: JournalRecord[] = [];
  #head = 0;
  #last: number;
  #written: number;
  #notKept = 0;
  #lastError: string | null = null;
  #failing = false;
  #isClosed = false;
  #isSyncing = false;
  /** The kernel holds what the disk may not have. */
  #isUnsynced = false;
  readonly #backoff = new Backoff(PAUSE);
  #working: Promise<void> | null = null;
  #wake: (() => void) | null = null;

  /** @param after sequences up to this one were used before, whatever the disk still has */
  constructor(options: JournalOptions, after: number) {
    this.#options = options;
    this.#segments = new Segments(options.directory, options);
    try {
      this.#segments.find();
    } catch (error) {
      this.#failed(error);
    }
    this.#last = Math.max(after, this.#segments.all.at(-1)?.last ?? 0);
    this.#written = this.#last;
  }

  /** The newest sequence; 0 for none. */
  get last(): number {
    return this.#last;
  }

  set bounds(bounds: Bounds) {
    this.#segments.bounds = bounds;
  }

  append(alert: Alert): number {
    this.#held.push({ sequence: ++this.#last, at: this.#options.now(), alert });
    this.#letGo();
    if (!this.#isClosed) this.#working ??= this.#work();
    return this.#last;
  }

  /** The record, when it is in memory. */
  held(sequence: number): JournalRecord | undefined {
    return this.#held[this.#head + sequence - this.heldFrom];
  }

  /** The oldest sequence in memory; one more than the newest when there is none. */
  get heldFrom(): number {
    return this.#held[this.#head]?.sequence ?? this.#last + 1;
  }

  /** Some records from `sequence` on in their order, from the disk; none when there are none. */
  async read(sequence: number): Promise<JournalRecord[]> {
    for (const segment of [...this.#segments.all]) {
      if (segment.last < sequence) continue;
      const records = await this.#recordsOf(segment);
      const later = records?.filter((record) => record.sequence >= sequence) ?? [];
      if (later.length > 0) return later;
    }
    return [];
  }

  /** What earlier runs wrote behind `sequence` since `sinceMs`; read at once, for a start. */
  writtenBefore(sequence: number, sinceMs: number): JournalRecord[] {
    try {
      const segments = this.#segments.all.filter(
        ({ last, lastMs }) => last > sequence && lastMs >= sinceMs,
      );
      const records = segments.flatMap((segment) => this.#segments.readNow(segment));
      return records.filter((record) => record.sequence > sequence && record.at >= sinceMs);
    } catch (error) {
      this.#failed(error);
      return [];
    }
  }

  stats(): JournalStats {
    const { all, bytes } = this.#segments;
    return {
      bytes,
      segments: all.length,
      oldest: all[0]?.first ?? 0,
      newest: this.#last,
      unwritten: this.#last - this.#written,
      not_kept: this.#notKept,
      last_error: this.#lastError,
      failing: this.#failing,
    };
  }

  /** Once a second: brings to the disk itself what was written, drops what is too old. */
  tick(): void {
    this.#sync();
    if (this.#segments.excess(this.#options.now()) === undefined || this.#isClosed) return;
    this.#working ??= this.#work();
  }

  /** Writes what is left, once more if the disk takes it, and lets go of the files. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake?.();
    await this.#working;
    await this.#writeAll().catch((error: unknown) => this.#failed(error));
    const lost = this.#last - this.#written;
    this.#sync();
    if (lost > 0) this.#options.report(`alert journal: closed with ${lost} alerts not written`);
    await this.#segments.close().catch((error: unknown) => this.#failed(error));
  }

  /** The one loop that touches the files; runs while there is something to write. */
  async #work(): Promise<void> {
    do {
      try {
        await this.#writeAll();
        await this.#keepBound();
      } catch (error) {
        this.#failed(error);
        if (!this.#isClosed) await this.#pause(this.#backoff.next());
      }
    } while (this.#written < this.#last && !this.#isClosed);
    this.#working = null; // in the same turn as the last look at #last
  }

  async #writeAll(): Promise<void> {
    while (this.#written < this.#last) {
      const { records, text } = this.#batch();
      await this.#segments.append(text, records);
      this.#written = Math.max(this.#written, records.at(-1)?.sequence ?? this.#last);
      this.#letGo();
      await this.#keepBound();
      this.#isUnsynced = true;
      this.#recovered();
    }
  }

  /**
   * Not waited for: one on a busy disk took seconds, in which memory filled. Once a second: more
   * often it holds up the commits of the history, which share the disk.
   */
  #sync(): void {
    if (this.#isSyncing || !this.#isUnsynced) return;
    this.#isSyncing = true;
    this.#isUnsynced = false;
    const done = (): void => {
      this.#isSyncing = false;
    };
    this.#segments.sync().then(done, (error: unknown) => {
      done();
      this.#failed(error);
    });
  }

  #batch(): { readonly records: readonly JournalRecord[]; readonly text: string } {
    const records: JournalRecord[] = [];
    let text = '';
    for (let n = this.#written + 1; n <= this.#last && text.length < BATCH; n++) {
      const record = this.held(n);
      if (record === undefined) continue; // let go of while the disk took nothing
      records.push(record);
      text += lineOf(record);
    }
    return { records, text };
  }

  async #keepBound(): Promise<void> {
    for (;;) {
      const segment = this.#segments.excess(this.#options.now());
      if (segment === undefined) return;
      const isWanted = this.#options.isWanted(segment.last);
      const records = isWanted ? await this.#recordsOf(segment) : [];
      // No pause from here on: who reads sees the segment or knows that it is gone.
      this.#options.onGone(segment.last, records);
      await this.#segments.drop(segment);
    }
  }

  async #recordsOf(segment: Segment): Promise<JournalRecord[] | null> {
    try {
      return await this.#segments.read(segment);
    } catch (error) {
      if (this.#segments.all.includes(segment)) this.#failed(error); // or it was just dropped
      return null;
    }
  }

  /** Keeps memory bounded: what is written goes first, what is not is lost to the disk. */
  #letGo(): void {
    while (this.#held.length - this.#head > HELD_MAX) {
      const record = this.#held[this.#head];
      if (record === undefined) return;
      if (record.sequence > this.#written) {
        if (this.#held.length - this.#head <= UNWRITTEN_MAX) return;
        this.#notKept++;
        this.#written = record.sequence;
        this.#options.onNotKept(record);
      }
      this.#head++;
    }
    if (this.#head < HELD_MAX) return;
    this.#held = this.#held.slice(this.#head);
    this.#head = 0;
  }

  #failed(cause: unknown): void {
    this.#lastError = messageOf(cause);
    if (this.#failing) return;
    this.#failing = true;
    this.#options.report(`alert journal: ${this.#lastError}; alerts are kept in memory meanwhile`);
  }

  #recovered(): void {
    this.#backoff.reset();
    if (!this.#failing) return;
    this.#failing = false;
    const lost = this.#notKept === 0 ? 'none was' : `${this.#notKept} since the start were`;
    this.#options.report(`alert journal: writing again; of what waited, ${lost} not kept`);
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    this.#wake = null;
    clearTimeout(timer);
  }
}

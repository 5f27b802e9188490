/**
 * The watch: what time and queries bring about. Once a second, and when the next end comes, it ends
 * what is over, counts uses, and notes what the machine's end must not lose.
 */

import type { AnyStep, Book } from './book.ts';
import { leftOfClosing, leftOfOpening, type Moment, noted } from './clock.ts';
import { expireHold, untilHoldExpiry } from './hold.ts';
import type { Keeper } from './keeper.ts';
import { expire, expireAsSeen, untilExpiry } from './life.ts';
import { type ExceptionRecord, isStanding } from './records.ts';
import type { OverrideUse } from './slots.ts';

export interface WatchOptions {
  readonly keeper: Keeper;
  readonly now: () => Moment;
  /** Counts since the start of the process. */
  readonly use: () => readonly OverrideUse[];
  /** Exceptions that a worker found over. */
  readonly ended: () => readonly string[];
  /** The first query that an exception let through. */
  readonly onFirstUse: (record: ExceptionRecord) => void;
}

const TICK_MS = 1000;
/** How often counts, and the time that is left, are written. */
const NOTE_MS = 30_000;

export class Watch {
  readonly #options: WatchOptions;
  /** Queries before this process, by exception. */
  readonly #before = new Map<string, number>();
  /** Whose first use was told by the look before. */
  #justTold: string[] = [];
  #notedMs: number;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#notedMs = Number.NEGATIVE_INFINITY; // a boot may lie behind: note at once
    for (const { id, queries } of this.#book.exceptions.values()) this.#before.set(id, queries);
    this.#schedule();
  }

  get #book(): Book {
    return this.#options.keeper.book;
  }

  /** One look. Never rejects; a caller with a clock of its own may call it at any time. */
  async tick(): Promise<void> {
    const { keeper, now } = this.#options;
    this.#countUse();
    const moment = now();
    const due = [...dueSteps(this.#book, moment), ...this.#seen(moment)];
    if (due.length > 0) await keeper.settle(due);
    if (moment.bootMs - this.#notedMs >= NOTE_MS) this.#noteAll(moment);
    await keeper.catchUp();
  }

  /** Looks a last time and writes everything. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    this.#countUse();
    this.#noteAll(this.#options.now());
    this.#book.save();
  }

  /** Those that are not due any more because the clock was set back meanwhile. */
  #seen(moment: Moment): AnyStep[] {
    return this.#options.ended().flatMap((id) => {
      const record = this.#book.exceptions.get(id);
      if (record === undefined || expire(record, moment) !== null) return [];
      return expireAsSeen(record, moment) ?? [];
    });
  }

  #countUse(): void {
    // A look later the alert is on its way: noted before it, a kill would lose it for good.
    for (const id of this.#justTold.splice(0)) {
      const record = this.#book.exceptions.get(id);
      if (record !== undefined) this.#book.note(record);
    }
    for (const { id, queries, lastUseMs } of this.#options.use()) {
      const record = this.#book.exceptions.get(id);
      const total = (this.#before.get(id) ?? 0) + queries;
      if (record === undefined || total <= record.queries) continue;
      const firstUseMs = record.firstUseMs ?? lastUseMs;
      const used = { ...record, queries: total, firstUseMs, lastUseMs };
      this.#book.count(used);
      if (record.firstUseMs !== null) continue;
      this.#justTold.push(id);
      this.#options.onFirstUse(used);
    }
  }

  /** Counts, and what is left: after a boot that is all that is known beside the wall clock. */
  #noteAll(moment: Moment): void {
    this.#notedMs = moment.bootMs;
    this.#book.noteCounts();
    for (const record of this.#book.exceptions.values()) {
      if (!isStanding(record) || record.end === null) continue;
      const end = noted(record.end, leftOfOpening(record.end, moment), moment);
      this.#book.note({ ...record, end });
    }
    for (const record of this.#book.quarantines.values()) {
      if (record.state !== 'active' || record.end === null) continue;
      const end = noted(record.end, leftOfClosing(record.end, moment), moment);
      this.#book.note({ ...record, end });
    }
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const nextMs = Math.min(TICK_MS, untilNextEnd(this.#book, this.#options.now()));
    this.#timer = setTimeout(
      () => {
        this.#running = this.tick().finally(() => this.#schedule());
      },
      Math.max(1, nextMs),
    );
    this.#timer.unref();
  }
}

/** What is over at `moment`, and not ended yet. */
export function dueSteps(book: Book, moment: Moment): AnyStep[] {
  return [
    ...[...book.exceptions.values()].flatMap((record) => expire(record, moment) ?? []),
    ...[...book.quarantines.values()].flatMap((record) => expireHold(record, moment) ?? []),
  ];
}

/** ms; Infinity where nothing has an end. */
function untilNextEnd(book: Book, moment: Moment): number {
  let least = Number.POSITIVE_INFINITY;
  for (const record of book.exceptions.values()) {
    least = Math.min(least, untilExpiry(record, moment) ?? least);
  }
  for (const record of book.quarantines.values()) {
    least = Math.min(least, untilHoldExpiry(record, moment) ?? least);
  }
  return least;
}

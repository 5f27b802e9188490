/**
 * Queue: the bounded memory of one sink, oldest dropped first, and the counts that `stats` shows.
 * It says so once when dropping begins, and how many were lost when there is room again.
 */

import { messageOf } from '../../errors.ts';
import { QUEUE_MAX, type Report, type SinkStats } from './sink.ts';

export class Queue {
  readonly #name: string;
  readonly #report: Report;
  readonly #max: number;
  /** Waiting messages from #head on; what lies before it is undefined. */
  #items: (Uint8Array | undefined)[] = [];
  #head = 0;
  #sent = 0;
  #dropped = 0;
  #droppedInSpell = 0;
  #lastError: string | null = null;
  #failing = false;

  constructor(name: string, report: Report, max = QUEUE_MAX) {
    this.#name = name;
    this.#report = report;
    this.#max = max;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds at the end; the oldest goes when the queue is full. */
  push(message: Uint8Array): void {
    if (this.length >= this.#max) {
      this.shift();
      this.drop(1, `queue of ${this.#max} alerts is full, dropping the oldest`);
    }
    this.#items.push(message);
  }

  peek(): Uint8Array | undefined {
    return this.#items[this.#head];
  }

  shift(): Uint8Array | undefined {
    if (this.length === 0) return undefined;
    const message = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Puts messages back before all others, in their order; they had their place already. */
  putBack(messages: readonly Uint8Array[]): void {
    this.#items = [...messages, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  /** Counts delivered messages; the first after a failure is told. */
  delivered(count: number): void {
    this.#sent += count;
    if (!this.#failing) return;
    this.#failing = false;
    const lost = this.#droppedInSpell;
    this.#droppedInSpell = 0;
    this.#report(`alert sink ${this.#name}: delivering again, ${lost} alerts dropped meanwhile`);
  }

  /** Notes a failure; the first of a spell is told. */
  failed(cause: unknown): void {
    this.#lastError = messageOf(cause);
    if (this.#failing) return;
    this.#failing = true;
    this.#report(`alert sink ${this.#name}: ${this.#lastError}`);
  }

  /** Counts alerts that are given up; the first of a spell is told. */
  drop(count: number, why: string): void {
    if (count === 0) return;
    if (this.#droppedInSpell === 0) this.#report(`alert sink ${this.#name}: ${why}`);
    this.#droppedInSpell += count;
    this.#dropped += count;
    this.#failing = true;
  }

  /** Gives up everything that waits, and `others` that the sink had taken out already. */
  abandon(others: number, why: string): void {
    this.drop(this.length + others, why);
    this.#items = [];
    this.#head = 0;
  }

  stats(): SinkStats {
    return {
      sent: this.#sent,
      dropped: this.#dropped,
      queued: this.length,
      lastError: this.#lastError,
    };
  }
}

/**
 * Queue: first in, first out, and no look at what went out before. A Map or Set does not serve: to
 * find its oldest entry it walks over all that was deleted before, which was 44 % of a burst's
 * profile.
 */

/** Places of what went out that are kept at most before the rest moves up. */
const SLACK = 4096;

export class Queue<T> {
  #items: T[] = [];
  /** Where the oldest is. */
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The `index`th oldest. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Lets the `count` oldest go. */
  shift(count: number): void {
    this.#head = Math.min(this.#head + count, this.#items.length);
    if (this.#head < SLACK || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i]!;
  }
}

/** The first of many in some order, without sorting them all. */

/** Those held beyond the limit before the others are let go. */
const SPARE = 1000;

export class Most<T> {
  readonly #limit: number;
  readonly #order: (a: T, b: T) => number;
  #held: T[] = [];
  /** What comes after it is none of the first; undefined while there is room. */
  #last: T | undefined;

  /**
   * @param limit how many are wanted; -1 for all
   * @param order as for `sort`
   */
  constructor(limit: number, order: (a: T, b: T) => number) {
    this.#limit = limit;
    this.#order = order;
  }

  add(item: T): void {
    if (this.#last !== undefined && this.#order(item, this.#last) >= 0) return;
    this.#held.push(item);
    if (this.#limit >= 0 && this.#held.length > this.#limit + SPARE) this.#cut();
  }

  addAll(items: readonly T[]): void {
    for (const item of items) this.add(item);
  }

  /** The last of the first as it is by now; undefined while there is room. */
  get last(): T | undefined {
    if (this.#limit >= 0 && this.#held.length >= this.#limit) this.#cut();
    return this.#last;
  }

  inOrder(): T[] {
    this.#cut();
    return this.#held;
  }

  #cut(): void {
    this.#held.sort(this.#order);
    if (this.#limit < 0 || this.#held.length < this.#limit) return;
    this.#held.length = this.#limit;
    this.#last = this.#held.at(-1);
  }
}

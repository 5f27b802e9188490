/** Due: slots to be looked at later, each once, the last that came first. */

export class Due {
  readonly #slots: Int32Array;
  readonly #isDue: Uint8Array;
  #count = 0;

  constructor(capacity: number) {
    this.#slots = new Int32Array(capacity);
    this.#isDue = new Uint8Array(capacity);
  }

  add(slot: number): void {
    if (this.#isDue[slot] === 1) return;
    this.#isDue[slot] = 1;
    this.#slots[this.#count++] = slot;
  }

  /** @returns a slot, which is due no more, or -1 */
  take(): number {
    if (this.#count === 0) return -1;
    const slot = this.#slots[--this.#count]!;
    this.#isDue[slot] = 0;
    return slot;
  }
}

/** Requests: who waits for an answer that comes later, by tickets that no later one has. */

const SLOT_BITS = 12;
const SLOTS = 1 << SLOT_BITS;
const SLOT_MASK = SLOTS - 1;
/** A ticket has 29 bits (channels.ts); slots are used in turn. */
const USE_MASK = (1 << 17) - 1;

export class Requests<T> {
  readonly #waiting: (T | null)[] = Array.from({ length: SLOTS }, () => null);
  readonly #uses = new Uint32Array(SLOTS);
  readonly #free = Array.from({ length: SLOTS }, (_, slot) => slot);

  /** @returns the ticket, or -1 when 4,096 wait */
  keep(request: T): number {
    const slot = this.#free.shift();
    if (slot === undefined) return -1;
    this.#waiting[slot] = request;
    const use = (this.#uses[slot]! + 1) & USE_MASK;
    this.#uses[slot] = use;
    return (use << SLOT_BITS) | slot;
  }

  /** Null for who waits no longer. */
  find(ticket: number): T | null {
    const slot = ticket & SLOT_MASK;
    return this.#uses[slot] === ticket >>> SLOT_BITS ? (this.#waiting[slot] ?? null) : null;
  }

  /** The same, and it waits no longer. */
  take(ticket: number): T | null {
    const request = this.find(ticket);
    if (request === null) return null;
    const slot = ticket & SLOT_MASK;
    this.#waiting[slot] = null;
    this.#free.push(slot);
    return request;
  }
}

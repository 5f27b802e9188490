/**
 * Ages: flights in the order in which they began, in two lists. Fast lane.
 *
 * Half of the places run to their end. Those of the other half give way, once they are old, to
 * questions that find no place: answers mostly come at once or never.
 */

/** A flight of the first half, and of the second. */
const STAYS = 0;
const YIELDS = 1;
const NONE = -1;

export class Ages {
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  readonly #list: Uint8Array;
  /** Ends and lengths of the lists. */
  readonly #oldest = new Int32Array(2).fill(NONE);
  readonly #newest = new Int32Array(2).fill(NONE);
  readonly #count = new Int32Array(2);
  /** First of each list that `takeOlder` has not told of. */
  readonly #untold = new Int32Array(2).fill(NONE);
  readonly #half: number;

  constructor(capacity: number) {
    this.#older = new Int32Array(capacity);
    this.#newer = new Int32Array(capacity);
    this.#list = new Uint8Array(capacity);
    this.#half = Math.ceil(capacity / 2);
  }

  /** A flight begins. */
  push(flight: number): void {
    const list = this.#count[STAYS]! < this.#half ? STAYS : YIELDS;
    const newest = this.#newest[list]!;
    this.#list[flight] = list;
    this.#older[flight] = newest;
    this.#newer[flight] = NONE;
    if (newest === NONE) this.#oldest[list] = flight;
    else this.#newer[newest] = flight;
    this.#newest[list] = flight;
    if (this.#untold[list] === NONE) this.#untold[list] = flight;
    this.#count[list]!++;
  }

  remove(flight: number): void {
    const list = this.#list[flight]!;
    const older = this.#older[flight]!;
    const newer = this.#newer[flight]!;
    if (older === NONE) this.#oldest[list] = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest[list] = older;
    else this.#older[newer] = older;
    if (this.#untold[list] === flight) this.#untold[list] = newer;
    this.#count[list]!--;
  }

  /** A flight that began at `limitMs` or before, each once, or -1. @param startedMs by flight */
  takeOlder(startedMs: Float64Array, limitMs: number): number {
    for (let list = STAYS; list <= YIELDS; list++) {
      const flight = this.#untold[list]!;
      if (flight === NONE || startedMs[flight]! > limitMs) continue;
      this.#untold[list] = this.#newer[flight]!;
      return flight;
    }
    return NONE;
  }

  /** The oldest that gives way, or -1. */
  get yielding(): number {
    return this.#oldest[YIELDS]!;
  }
}

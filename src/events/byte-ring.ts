/**
 * A ring of records of any length from one writer thread to one reader thread, in shared memory.
 * Fast lane.
 *
 * The writer never waits: a record that does not fit is given up and counted. A record starts with
 * its size as a 32-bit word, a multiple of 8, and never wraps: a size of 0 says that the next one
 * stands at the start. Head and tail count octets and only grow, modulo 2^32.
 */

const HEAD = 0; // octets written so far, by the writer
const TAIL = 1; // octets read so far, by the reader
const SHED = 2; // records the writer had no room for, by the writer

export interface ByteRingMemory {
  readonly control: Int32Array;
  readonly octets: Uint8Array;
}

/** @param size octets; a power of two, so that the wrapped counters stay in step */
export function createByteRing(size: number): ByteRingMemory {
  if (size < 64 || size > 1 << 30 || (size & (size - 1)) !== 0) {
    throw new RangeError(`ring of ${size} octets: must be a power of two, 64 to 2^30`);
  }
  return {
    control: new Int32Array(new SharedArrayBuffer(16)),
    octets: new Uint8Array(new SharedArrayBuffer(size)),
  };
}

/** Records that the writer of a ring had no room for. */
export function shedOf({ control }: ByteRingMemory): number {
  return Atomics.load(control, SHED) >>> 0;
}

export class ByteRingWriter {
  /** The same memory as octets, words and doubles: little-endian, as our platforms are. */
  readonly octets: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly #control: Int32Array;
  #head: number;

  constructor({ control, octets }: ByteRingMemory) {
    this.octets = octets;
    this.words = new Int32Array(octets.buffer);
    this.doubles = new Float64Array(octets.buffer);
    this.#control = control;
    this.#head = Atomics.load(control, HEAD);
  }

  /**
   * Offset of room for a record of `size` octets, a multiple of 8; its first word is written.
   *
   * @returns -1 when there is none: the record is counted as shed
   */
  claim(size: number): number {
    const total = this.octets.length;
    const at = this.#head & (total - 1);
    const skipped = at + size > total ? total - at : 0;
    const used = (this.#head - Atomics.load(this.#control, TAIL)) >>> 0;
    if (skipped + size > total - used) {
      Atomics.add(this.#control, SHED, 1);
      return -1;
    }
    if (skipped !== 0) this.words[at >> 2] = 0;
    this.#head = (this.#head + skipped) | 0;
    const start = this.#head & (total - 1);
    this.words[start >> 2] = size;
    return start;
  }

  /** Hands the record of the last `claim` to the reader. */
  publish(size: number): void {
    this.#head = (this.#head + size) | 0;
    Atomics.store(this.#control, HEAD, this.#head);
  }
}

export class ByteRingReader {
  readonly octets: Uint8Array;
  readonly view: DataView;
  readonly #control: Int32Array;

  constructor({ control, octets }: ByteRingMemory) {
    this.octets = octets;
    this.view = new DataView(octets.buffer);
    this.#control = control;
  }

  /** Offset of the oldest unread record, or -1 when there is none. */
  peek(): number {
    for (;;) {
      const tail = Atomics.load(this.#control, TAIL);
      if (tail === Atomics.load(this.#control, HEAD)) return -1;
      const at = tail & (this.octets.length - 1);
      if (this.view.getInt32(at, true) !== 0) return at;
      Atomics.add(this.#control, TAIL, this.octets.length - at);
    }
  }

  /** Gives the record of the last `peek` back to the writer. */
  release(at: number): void {
    Atomics.add(this.#control, TAIL, this.view.getInt32(at, true));
  }
}

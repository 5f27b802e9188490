/**
 * A ring of fixed records from one writer thread to one reader thread, in shared memory.
 *
 * The writer never waits: when the ring is full the record is not written, and the caller keeps or
 * counts it. Head and tail only grow; their difference is the fill.
 */

import { RECORD_SIZE } from './kinds.ts';

const HEAD = 0; // records written so far, by the writer
const TAIL = 1; // records read so far, by the reader
const SHED = 2; // records the writer had no room for, by the writer

/** What crosses the thread boundary; made by `createRing`, wrapped by both sides. */
export interface RingMemory {
  readonly control: Int32Array;
  readonly octets: Uint8Array;
  readonly capacity: number;
}

/** @param capacity records; a power of two, so that the wrapped counters stay in step. */
export function createRing(capacity: number): RingMemory {
  if (capacity < 2 || (capacity & (capacity - 1)) !== 0) {
    throw new RangeError(`ring capacity ${capacity}: must be a power of two, 2 or more`);
  }
  return {
    control: new Int32Array(new SharedArrayBuffer(16)),
    octets: new Uint8Array(new SharedArrayBuffer(capacity * RECORD_SIZE)),
    capacity,
  };
}

/** Records that were written and not read yet. */
export function fillOf({ control }: RingMemory): number {
  return (Atomics.load(control, HEAD) - Atomics.load(control, TAIL)) | 0;
}

export class RingWriter {
  /**
   * The records, as octets, as 32-bit words and as doubles: little-endian, as our platforms are.
   */
  readonly octets: Uint8Array;
  readonly words: Int32Array;
  readonly times: Float64Array;
  readonly view: DataView;
  readonly #control: Int32Array;
  readonly #mask: number;
  #head = 0;

  constructor(memory: RingMemory) {
    this.octets = memory.octets;
    this.words = new Int32Array(memory.octets.buffer);
    this.times = new Float64Array(memory.octets.buffer);
    this.view = new DataView(memory.octets.buffer);
    this.#control = memory.control;
    this.#mask = memory.capacity - 1;
    this.#head = Atomics.load(memory.control, HEAD);
  }

  /** Octet offset of a free record to fill in, or -1 when the ring is full. */
  claim(): number {
    const fill = (this.#head - Atomics.load(this.#control, TAIL)) | 0;
    return fill > this.#mask ? -1 : (this.#head & this.#mask) * RECORD_SIZE;
  }

  /** Hands the claimed record to the reader. */
  publish(): void {
    this.#head = (this.#head + 1) | 0;
    Atomics.store(this.#control, HEAD, this.#head);
  }

  /** Counts `count` records that were given up for lack of room. */
  shed(count: number): void {
    Atomics.add(this.#control, SHED, count);
  }
}

export class RingReader {
  readonly octets: Uint8Array;
  readonly view: DataView;
  readonly #control: Int32Array;
  readonly #mask: number;

  constructor(memory: RingMemory) {
    this.octets = memory.octets;
    this.view = new DataView(memory.octets.buffer);
    this.#control = memory.control;
    this.#mask = memory.capacity - 1;
  }

  /** Octet offset of the oldest unread record, or -1 when there is none. */
  peek(): number {
    const tail = Atomics.load(this.#control, TAIL);
    return tail === Atomics.load(this.#control, HEAD) ? -1 : (tail & this.#mask) * RECORD_SIZE;
  }

  /** Gives the record of the last `peek` back to the writer. */
  release(): void {
    Atomics.add(this.#control, TAIL, 1);
  }

  get shedCount(): number {
    return Atomics.load(this.#control, SHED);
  }
}

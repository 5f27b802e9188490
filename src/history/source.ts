/**
 * Source: one worker's ring as the recorder reads it, with room of its own for what comes while a
 * transaction runs. A transaction and a busy disk may take longer than a ring lasts.
 *
 * Bounded: as many records again as the ring holds. Beyond it they wait in the ring, and the worker
 * counts what that has no room for. Does not know what a record means.
 */

import { RECORD_SIZE } from '../events/kinds.ts';
import { type RingMemory, RingReader } from '../events/ring.ts';
import type { RecordPlace } from './record.ts';

export class Source {
  readonly #reader: RingReader;
  readonly #capacity: number;
  readonly #inRing: RecordPlace;
  /** Made when the first transaction has company: a quiet worker needs none. */
  #aside: RecordPlace | null = null;
  #asideCount = 0;

  constructor(ring: RingMemory) {
    this.#reader = new RingReader(ring);
    this.#capacity = ring.capacity;
    const octets = Buffer.from(this.#reader.octets.buffer);
    this.#inRing = { octets, view: this.#reader.view, at: 0 };
  }

  /** Records that the worker had no room for. */
  get shedCount(): number {
    return this.#reader.shedCount;
  }

  /** Records that wait outside the ring. */
  get asideCount(): number {
    return this.#asideCount;
  }

  /** Moves what the ring holds aside, as far as there is room, to be read later. */
  setAside(): void {
    while (this.#asideCount < this.#capacity) {
      const at = this.#reader.peek();
      if (at === -1) return;
      this.#aside ??= placeFor(this.#capacity);
      const to = this.#asideCount * RECORD_SIZE;
      this.#inRing.octets.copy(this.#aside.octets, to, at, at + RECORD_SIZE);
      this.#asideCount += 1;
      this.#reader.release();
    }
  }

  /** Gives every record that waits, oldest first; a place is valid during its call only. */
  drain(take: (place: RecordPlace) => void): void {
    if (this.#aside !== null) {
      for (let i = 0; i < this.#asideCount; i++) {
        this.#aside.at = i * RECORD_SIZE;
        take(this.#aside);
      }
      this.#asideCount = 0;
    }
    // Bounded, so that a writer that never pauses cannot keep the other rings waiting.
    for (let i = 0; i < this.#capacity; i++) {
      this.#inRing.at = this.#reader.peek();
      if (this.#inRing.at === -1) return;
      take(this.#inRing);
      this.#reader.release();
    }
  }
}

function placeFor(records: number): RecordPlace {
  const octets = Buffer.alloc(records * RECORD_SIZE);
  return { octets, view: new DataView(octets.buffer, octets.byteOffset, octets.length), at: 0 };
}
